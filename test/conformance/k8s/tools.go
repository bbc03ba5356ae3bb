//go:build tools

// Package k8s names Kubernetes' own end-to-end tests, so that their version is pinned in this go.mod and nowhere else: that of the
// programs in test/lab, with the same dependencies, so that building one leaves work done for the other.
package k8s

import (
	_ "github.com/onsi/ginkgo/v2/ginkgo"
	_ "k8s.io/kubernetes/test/e2e"
)
