package member

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
)

// Cache limits what the manager's cache holds to the member's namespace and, there, to the one ConfigMap.
func Cache(namespace string) cache.Options {
	return cache.Options{
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		ByObject: map[client.Object]cache.ByObject{
			&corev1.ConfigMap{}: {Field: fields.OneTermEqualSelector("metadata.name", config.ConfigMap)},
		},
	}
}

// Setup adds the member controller for namespace to a manager that has multicluster.NewScheme and the Cache of this package.
func Setup(mgr ctrl.Manager, namespace string) error {
	_, err := mgr.GetRESTMapper().RESTMapping(networkingv1.SchemeGroupVersion.WithKind("ServiceCIDR").GroupKind(), networkingv1.SchemeGroupVersion.Version)
	serviceCIDRs := err == nil
	if err != nil && !meta.IsNoMatchError(err) {
		return fmt.Errorf("ask the API server for ServiceCIDRs: %w", err)
	}
	conf := &configSource{client: mgr.GetClient(), namespace: namespace}
	m := registered()
	gateways := &gatewayReconciler{
		client:    mgr.GetClient(),
		events:    mgr.GetEventRecorder("antrea-mc-member"),
		config:    conf,
		clock:     clock.RealClock{},
		namespace: namespace,
		metrics:   m,
	}
	if err := gateways.setup(mgr); err != nil {
		return err
	}
	sets := &clusterSetReconciler{
		client:     mgr.GetClient(),
		live:       mgr.GetAPIReader(),
		events:     mgr.GetEventRecorder("antrea-mc-member"),
		scheme:     mgr.GetScheme(),
		namespace:  namespace,
		config:     conf,
		discovery:  &discovery{cached: mgr.GetClient(), live: mgr.GetAPIReader(), namespace: namespace, serviceCIDRs: serviceCIDRs},
		identities: &identities{client: mgr.GetClient(), live: mgr.GetAPIReader(), namespace: namespace},
		handshake:  &handshake{scheme: mgr.GetScheme()},
		clock:      clock.RealClock{},
		metrics:    m,
		wake:       make(chan event.GenericEvent, 1),
	}
	return sets.setup(mgr)
}
