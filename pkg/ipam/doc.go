// Package ipam chooses addresses from ranges.
//
// Start at [Pool.Next], for a Node's own ranges: a [Pool] is a list of ranges of which an attachment gets one address, and what
// is in use is a question that the caller answers, so nothing is stored here and the same question has the same answer. range.go
// says which addresses a range has. [Span.Lowest] finds the lowest address that is in none of several sets (set.go), whatever
// their size; offset.go counts in 128 bits.
//
// Beside it: hostlocal reads the configuration and the files of the host-local plugin, whereabouts the configuration of
// Whereabouts, and store keeps who has which address in the API of a cluster.
package ipam
