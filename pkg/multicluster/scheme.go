// Package multicluster is the control plane between clusters: what runs as antrea-mc-controller.
//
// Package leader is the role in the cluster whose API the members share, package member the role in every cluster. Package
// join is what both agree on when a cluster joins, package config the file that both read, package cidr the arithmetic of
// address ranges. Nothing here is needed to forward a packet: agents go on with the records that they have.
package multicluster

import (
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
)

// NewScheme has every type that controllers and commands read or write.
func NewScheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, v1alpha2.AddToScheme} {
		utilruntime.Must(add(s))
	}
	return s
}
