package policywatch

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/klog/v2"
)

// retryInterval is how often the API is asked whether it has ClusterNetworkPolicies by now.
const retryInterval = 5 * time.Second

var clusterNetworkPolicies = schema.GroupVersionResource{Group: "policy.networking.k8s.io", Version: "v1alpha2", Resource: "clusternetworkpolicies"}

// waitForKind returns true once the API has ClusterNetworkPolicies, and false if ctx is done before. If the API says that it has
// not, it calls missing: nobody has to wait for them.
func waitForKind(ctx context.Context, client dynamic.Interface, missing func()) bool {
	for {
		_, err := client.Resource(clusterNetworkPolicies).List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case err == nil:
			return true
		case apierrors.IsNotFound(err):
			missing()
		default:
			klog.FromContext(ctx).Info("Waiting for ClusterNetworkPolicies", "err", err.Error())
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryInterval):
		}
	}
}
