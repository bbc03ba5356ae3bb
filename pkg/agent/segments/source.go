// Package segments tells the other Nodes which interfaces Pods of this one have in segments, and puts into the state what the others
// tell.
//
// Start at [Source]. source.go reads and writes NodeSegments, one of each Node; segments.go says what they are to be and what follows from
// them, without asking anyone.
package segments

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/informer"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/apis/crd/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// SourceName is the source in the store.
const SourceName = "segments"

// retryInterval is how long after a failure it is tried again.
const retryInterval = time.Second

// writeTimeout bounds one request.
const writeTimeout = 10 * time.Second

// Resource is where NodeSegments are in the API.
var Resource = v1alpha1.GroupVersion.WithResource("nodesegments")

// Source keeps a store up to date with what other Nodes have in the segments of this one, and this Node's object with what it has.
type Source struct {
	Client   kubernetes.Interface
	Objects  dynamic.Interface
	NodeName string
	Store    *state.Store
	// Records are the interfaces of this Node's Pods. An error says that they are not known now.
	Records func(context.Context) ([]podport.Record, error)
	// Watch is told when Records may be others.
	Watch func() (changes <-chan struct{}, stop func())
}

// Run works until ctx is done.
func (s *Source) Run(ctx context.Context) error {
	if !s.waitForKind(ctx) {
		return nil
	}
	changed := make(chan struct{}, 1)
	factory := dynamicinformer.NewDynamicSharedInformerFactory(s.Objects, 0)
	objects := factory.ForResource(Resource).Informer()
	if err := informer.Notify(objects, changed); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	if !cache.WaitForCacheSync(ctx.Done(), objects.HasSynced) {
		return nil
	}
	ports, stopPorts := s.Watch()
	defer stopPorts()
	states, stopStates := s.Store.Watch()
	defer stopStates()
	complaint := ""
	for {
		var again <-chan time.Time
		told, err := typed(objects.GetStore().List())
		err = errors.Join(err, s.take(told))
		if writeErr := s.tell(ctx, told); writeErr != nil {
			err = errors.Join(err, writeErr)
			again = time.After(retryInterval)
		}
		if now := fmt.Sprint(err); now != complaint && ctx.Err() == nil {
			if complaint = now; err != nil {
				klog.FromContext(ctx).Error(err, "Not all interfaces in segments can be reached from all Nodes")
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-ports:
		case <-states:
		case <-again:
		}
	}
}

// take puts into the store what the others have.
func (s *Source) take(told []v1alpha1.NodeSegments) error {
	var problems error
	s.Store.Update(func(st *pipeline.State) { st.Segments, problems = compute(st.Pods, st.Peers, told) })
	s.Store.SourceSynced(SourceName)
	return problems
}

// tell makes this Node's object what it is to be.
func (s *Source) tell(ctx context.Context, told []v1alpha1.NodeSegments) error {
	records, err := s.Records(ctx)
	if err != nil {
		return err
	}
	have := v1alpha1.NodeSegments{}
	i := slices.IndexFunc(told, func(o v1alpha1.NodeSegments) bool { return o.Name == s.NodeName })
	if i >= 0 {
		have = told[i]
	}
	want := own(records, have.Interfaces, time.Now())
	if len(want) == 0 && i < 0 || i >= 0 && reflect.DeepEqual(want, have.Interfaces) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	api := s.Objects.Resource(Resource)
	if len(want) == 0 {
		err := api.Delete(ctx, s.NodeName, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	have.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "NodeSegments"}
	have.Name, have.Interfaces = s.NodeName, want
	if i < 0 {
		node, err := s.Client.CoreV1().Nodes().Get(ctx, s.NodeName, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("owner of NodeSegments %s: %w", s.NodeName, err)
		}
		have.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID}}
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&have)
	if err != nil {
		return err
	}
	if i < 0 {
		_, err = api.Create(ctx, &unstructured.Unstructured{Object: content}, metav1.CreateOptions{})
	} else {
		_, err = api.Update(ctx, &unstructured.Unstructured{Object: content}, metav1.UpdateOptions{})
	}
	return err // a conflict is with a version that the watch is about to bring
}

// waitForKind returns true once the API has the kind, and false if ctx is done before. If the API says that it has not, there is
// nothing to wait for before the first sync of the flows.
func (s *Source) waitForKind(ctx context.Context) bool {
	for {
		_, err := s.Objects.Resource(Resource).List(ctx, metav1.ListOptions{Limit: 1})
		switch {
		case err == nil:
			return true
		case apierrors.IsNotFound(err):
			s.Store.SourceSynced(SourceName)
		}
		klog.FromContext(ctx).Info("Waiting for kind NodeSegments", "err", err.Error())
		select {
		case <-ctx.Done():
			return false
		case <-time.After(2 * retryInterval):
		}
	}
}

// typed turns objects of the dynamic client into those of the type.
func typed(objects []any) (list []v1alpha1.NodeSegments, problems error) {
	for _, object := range objects {
		u, ok := object.(*unstructured.Unstructured)
		if !ok {
			continue
		}
		var t v1alpha1.NodeSegments
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &t); err != nil {
			problems = errors.Join(problems, fmt.Errorf("NodeSegments %s: %w", u.GetName(), err))
			continue
		}
		list = append(list, t)
	}
	return list, problems
}
