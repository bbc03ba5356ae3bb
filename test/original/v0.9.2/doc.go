// Package newest has nothing: go.mod beside it is what the programs of Whereabouts v0.9.2 are built from, so that what they need is
// not needed by antrea-mc. The tests of plugins/whereabouts build and run them.
package newest
