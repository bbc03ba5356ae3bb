// Package version holds the version that the build writes into every binary.
package version

import "runtime/debug"

// version is set by the Makefile with -ldflags -X.
var version string

// String is the version of this binary: the tag it was built from, else the commit, else "unknown".
func String() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return "unknown"
}
