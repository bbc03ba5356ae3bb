// Package crds holds the CustomResourceDefinitions, generated from pkg/apis by `go generate`, for manifests and for
// commands that install them.
package crds

import "embed"

// Multicluster has one file for each kind of the group multicluster.crd.antrea.io.
//
//go:embed multicluster.crd.antrea.io_*.yaml
var Multicluster embed.FS

// Agent has one file for each kind that agents write.
//
//go:embed crd.antrea.io_*.yaml
var Agent embed.FS

// Whereabouts has one file for each kind of the group whereabouts.cni.cncf.io.
//
//go:embed whereabouts.cni.cncf.io_*.yaml
var Whereabouts embed.FS
