//go:build tools

// Package plugins pins the plugins of the CNI project that the agent's image carries beside antrea, so that they speak every
// CNI version that the conflist offers. It has its own module because only the image needs them:
//
//	CGO_ENABLED=0 go build -C build/cni-plugins -o DIR/ github.com/containernetworking/plugins/plugins/meta/portmap ...
package plugins

import (
	_ "github.com/containernetworking/plugins/plugins/main/loopback"
	_ "github.com/containernetworking/plugins/plugins/meta/bandwidth"
	_ "github.com/containernetworking/plugins/plugins/meta/portmap"
)
