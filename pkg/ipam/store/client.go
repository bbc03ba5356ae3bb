package store

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
)

// NewClient is a client for [New]. It asks the API server for nothing but the objects, limits itself to nothing, because the API
// server limits its clients, and gives a request up before a runtime loses patience.
func NewClient(api *rest.Config) (client.Client, error) {
	api = rest.CopyConfig(api)
	api.QPS, api.Timeout = -1, 10*time.Second
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	mapper := meta.NewDefaultRESTMapper([]schema.GroupVersion{v1alpha1.GroupVersion})
	for kind, plural := range map[string]string{"IPPool": "ippools", "OverlappingRangeIPReservation": "overlappingrangeipreservations", "NodeSlicePool": "nodeslicepools"} {
		resource := v1alpha1.GroupVersion.WithResource(plural)
		mapper.AddSpecific(v1alpha1.GroupVersion.WithKind(kind), resource, resource, meta.RESTScopeNamespace)
	}
	return client.New(api, client.Options{Scheme: scheme, Mapper: mapper})
}
