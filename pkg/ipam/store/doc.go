// Package store keeps who has which address in the API of a cluster, in the objects of Whereabouts.
//
// Start at [Store.Claim] and [Store.Release]. Nobody is elected and nothing is locked: whoever changes an IPPool says which version
// of it he has read, and reads again if somebody was faster. pool.go lets all who wait for a pool on a Node go with one write,
// plan.go chooses the addresses (it is pure), view.go is what was read of a pool, object.go reads and writes it, and
// reservation.go holds addresses against other ranges. Nodes that write one pool at the same time keep out of each other's way
// (contention.go). A range with more addresses in use than one object should have goes on in further ones (shard.go). A range may be given out in blocks instead (block.go; directory.go, which is pure, says whose they are). audit.go reads all that is there, usage.go tells how full pools are.
//
// An address has one owner: the Pod's UID, the sandbox and the interface. Nothing here decides that an owner is gone.
package store
