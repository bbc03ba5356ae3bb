//go:build tools

// Package coredns pins the CoreDNS that the lab's clusters run. It is a module of its own because CoreDNS and Kubernetes
// ask for different versions of the same libraries.
package coredns

import _ "github.com/coredns/coredns"
