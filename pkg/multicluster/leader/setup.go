package leader

import (
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// Cache limits what the manager's cache holds to the leader's namespace and to what the leader made for its members.
func Cache(namespace string) cache.Options {
	mine := labels.SelectorFromSet(labels.Set{join.LabelLeaderNamespace: namespace})
	everywhere := map[string]cache.Config{cache.AllNamespaces: {}}
	return cache.Options{
		DefaultNamespaces: map[string]cache.Config{namespace: {}},
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Namespace{}:        {Label: mine},
			&coordinationv1.Lease{}:    {Label: mine, Namespaces: everywhere},
			&v1alpha1.ResourceExport{}: {Namespaces: everywhere},
			&corev1.ServiceAccount{}:   {Label: labels.SelectorFromSet(labels.Set{join.LabelToken: "true"})},
		},
	}
}

// Setup adds the leader of the ClusterSet in namespace to a manager that has multicluster.NewScheme and the Cache of this package.
func Setup(mgr ctrl.Manager, namespace string) error {
	events := mgr.GetEventRecorder("antrea-mc-leader")
	announces := &announceReconciler{
		client:    mgr.GetClient(),
		live:      mgr.GetAPIReader(),
		events:    events,
		namespace: namespace,
		clock:     clock.RealClock{},
	}
	if err := announces.setup(mgr); err != nil {
		return err
	}
	records := &recordReconciler{
		client:    mgr.GetClient(),
		events:    events,
		namespace: namespace,
		seen:      newHeartbeats(clock.RealClock{}),
	}
	if err := records.setup(mgr); err != nil {
		return err
	}
	return (&tokenReconciler{client: mgr.GetClient(), clock: clock.RealClock{}}).setup(mgr)
}
