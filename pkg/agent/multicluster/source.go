package multicluster

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/informer"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// SourceName is the source in the store.
const SourceName = "multicluster"

// retryInterval is how often the API is asked whether it has the kinds by now.
const retryInterval = 2 * time.Second

var (
	group    = schema.GroupVersion{Group: "multicluster.crd.antrea.io", Version: "v1alpha1"}
	gateways = group.WithResource("gateways")
	imports  = group.WithResource("clusterinfoimports")
)

// Source keeps a store up to date with the gateways of this cluster and the other clusters of the ClusterSet.
type Source struct {
	Client    dynamic.Interface
	Namespace string
	Store     *state.Store
}

// Run watches until ctx is done.
func (s *Source) Run(ctx context.Context) error {
	if !s.waitForKinds(ctx) {
		return nil
	}
	changed := make(chan struct{}, 1)
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(s.Client, 0, s.Namespace, nil)
	gatewayInformer, importInformer := factory.ForResource(gateways).Informer(), factory.ForResource(imports).Informer()
	for _, i := range []cache.SharedIndexInformer{gatewayInformer, importInformer} {
		if err := informer.Notify(i, changed); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), gatewayInformer.HasSynced, importInformer.HasSynced) {
		return nil
	}
	for {
		s.update(ctx, gatewayInformer.GetStore().List(), importInformer.GetStore().List())
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
	}
}

// waitForKinds returns true once the API has both kinds, and false if ctx is done before. If the API says that it has not,
// there is nothing to wait for before the first sync of the flows.
func (s *Source) waitForKinds(ctx context.Context) bool {
	logger := klog.FromContext(ctx)
	for {
		var missing error
		for _, resource := range []schema.GroupVersionResource{gateways, imports} {
			if _, err := s.Client.Resource(resource).Namespace(s.Namespace).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
				missing = fmt.Errorf("list %s: %w", resource.Resource, err)
				break
			}
		}
		switch {
		case missing == nil:
			return true
		case apierrors.IsNotFound(missing):
			logger.V(2).Info("The multi-cluster kinds are not installed", "err", missing.Error())
			s.Store.SourceSynced(SourceName)
		default:
			logger.Info("Waiting for the multi-cluster kinds", "err", missing.Error())
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryInterval):
		}
	}
}

// update puts the objects into the store.
func (s *Source) update(ctx context.Context, gatewayObjects, importObjects []any) {
	logger := klog.FromContext(ctx)
	gatewayList, problems := typed[v1alpha1.Gateway](gatewayObjects)
	importList, more := typed[v1alpha1.ClusterInfoImport](importObjects)
	problems = append(problems, more...)
	s.Store.Update(func(st *pipeline.State) {
		problems = append(problems, compute(st, gatewayList, importList)...)
	})
	for _, problem := range problems {
		logger.Error(problem, "Skipped an object of the API")
	}
	s.Store.SourceSynced(SourceName)
}

// typed turns objects of the dynamic client into those of one type.
func typed[T any](objects []any) (list []T, problems []error) {
	for _, object := range objects {
		u, ok := object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		var t T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &t); err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", u.GetKind(), u.GetName(), err))
			continue
		}
		list = append(list, t)
	}
	return list, problems
}
