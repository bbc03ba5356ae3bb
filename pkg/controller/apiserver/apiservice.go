package apiserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

const (
	trustRetry = 2 * time.Second
	// Someone else may have written the APIService: the manifest was applied again, or a Pod that was about to end did.
	trustAgain = 30 * time.Second
)

// apiServiceName is the name that the API server demands.
var apiServiceName = systemv1alpha1.GroupVersion.Version + "." + systemv1alpha1.GroupVersion.Group

// trust keeps our certificate in the APIService, so that the API server trusts it.
func trust(ctx context.Context, client apiregistration.APIServiceInterface, bundle []byte) error {
	for {
		wait := trustAgain
		if err := ensureBundle(ctx, client, bundle); err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Commands of antctl that need the controller will fail")
			wait = trustRetry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func ensureBundle(ctx context.Context, client apiregistration.APIServiceInterface, bundle []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	service, err := client.Get(ctx, apiServiceName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("CA bundle of APIService %s: %w", apiServiceName, err)
	}
	if bytes.Equal(service.Spec.CABundle, bundle) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"caBundle": bundle}})
	if err != nil {
		return err
	}
	if _, err := client.Patch(ctx, apiServiceName, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("CA bundle of APIService %s: %w", apiServiceName, err)
	}
	klog.FromContext(ctx).Info("Wrote the CA bundle of the APIService", "apiService", apiServiceName)
	return nil
}
