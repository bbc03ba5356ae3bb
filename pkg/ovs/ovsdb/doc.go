// Package ovsdb keeps bridges and ports in the database of Open vSwitch.
//
// Start at [Connect]. A [DB] holds a copy of the few columns that the agent uses, refreshed by one monitor, and changes the
// database with one transaction a call.
//
//   - db.go: the connection, and how to learn that something changed
//   - schema.go: the tables and columns that are used; nothing else is monitored
//   - bridge.go: bridges, created and corrected by [DB.EnsureBridge]
//   - port.go: ports with their one interface, and the wait for the number that the switch gives them
//   - compare.go: which columns differ from what they should be
//   - restore.go: flow-restore-wait, which keeps a freshly started switch from forwarding before it has its flows
//
// It never starts OVS and knows nothing of what ports are for.
package ovsdb
