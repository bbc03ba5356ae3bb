// Package previous has nothing: go.mod beside it is what the plugin of Whereabouts v0.8.0 is built from, so that what that needs is
// not needed by antrea-mc. It is the last one before node slices.
package previous
