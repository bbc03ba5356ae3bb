// Package multus has nothing: go.mod beside it is what Multus v4.2.3 is built from, so that what it needs is not needed by antrea-mc.
// The tests of plugins/multus build and run it.
package multus
