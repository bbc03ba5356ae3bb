package services

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/proxy"
)

// SourceName is the source in the store.
const SourceName = "services"

// byService is the index of EndpointSlices by namespace/name of their Service.
const byService = "service"

// Source keeps a store up to date with the Services of the cluster.
type Source struct {
	Client kubernetes.Interface
	Node   proxy.Node // without Zone, which is found in the API
	Store  *state.Store
	// Gone is told of UDP endpoints that a Service has no longer, and the version of the store that says so. It does not wait.
	Gone func(state.Version, pipeline.Owner, []netip.AddrPort)
	// Health is told what load balancers are to be answered. It does not wait.
	Health func([]proxy.Health)

	services, slices, node cache.SharedIndexInformer
	numbers                proxy.Numbers
	ports                  map[string][]string // names of the ports of a Service, by namespace/name
	health                 map[string]proxy.Health

	mu      sync.Mutex
	changed map[string]bool // Services that are to be looked at again
	all     bool            // the same, for all
	wake    chan struct{}
}

// Run watches until ctx is done.
func (s *Source) Run(ctx context.Context) error {
	s.ports, s.health = make(map[string][]string), make(map[string]proxy.Health)
	s.changed, s.wake = make(map[string]bool), make(chan struct{}, 1)
	factory := informers.NewSharedInformerFactoryWithOptions(s.Client, 0, informers.WithTransform(trim))
	own := informers.NewSharedInformerFactoryWithOptions(s.Client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = "metadata.name=" + s.Node.Name
	}))
	s.services, s.slices = factory.Core().V1().Services().Informer(), factory.Discovery().V1().EndpointSlices().Informer()
	s.node = own.Core().V1().Nodes().Informer()
	if err := s.slices.AddIndexers(cache.Indexers{byService: func(o any) ([]string, error) { return []string{serviceOf(o)}, nil }}); err != nil {
		return fmt.Errorf("index EndpointSlices: %w", err)
	}
	for informer, key := range map[cache.SharedIndexInformer]func(any) string{
		s.services: serviceKey, s.slices: serviceOf, s.node: func(any) string { return "" },
	} {
		note := func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			s.note(key(o))
		}
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: note, DeleteFunc: note,
			UpdateFunc: func(before, o any) {
				if !sameZone(before, o) {
					note(before)
					note(o)
				}
			},
		}); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	for _, f := range []informers.SharedInformerFactory{factory, own} {
		f.Start(ctx.Done())
		defer f.Shutdown()
	}
	if !cache.WaitForCacheSync(ctx.Done(), s.services.HasSynced, s.slices.HasSynced, s.node.HasSynced) {
		return nil
	}
	s.note("") // whatever there is by now
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
			s.update(ctx)
			s.Store.SourceSynced(SourceName)
		}
	}
}

// note has a Service looked at again; all of them if it has no name.
func (s *Source) note(service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed[service] = true
	s.all = s.all || service == ""
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// take is what was noted.
func (s *Source) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := maps.Clone(s.changed)
	if s.all {
		for _, name := range s.services.GetStore().ListKeys() {
			names[name] = true
		}
		for name := range s.ports {
			names[name] = true
		}
	}
	s.changed, s.all = make(map[string]bool), false
	delete(names, "")
	return slices.Sorted(maps.Keys(names))
}

// update looks at the Services that were noted, and puts what became of them into the store.
func (s *Source) update(ctx context.Context) {
	node := s.Node
	if o, ok, _ := s.node.GetStore().GetByKey(node.Name); ok {
		node.Zone = o.(*corev1.Node).Labels[corev1.LabelTopologyZone]
	}
	set, deleted := make(map[string]*pipeline.Service), []string(nil)
	for _, name := range s.take() {
		var ports []proxy.Port
		delete(s.health, name)
		if service, endpointSlices, ok := s.objects(name); ok {
			ports = node.Ports(service, endpointSlices)
			if h, ok := node.Health(service, endpointSlices); ok {
				s.health[name] = h
			}
		}
		before := s.ports[name]
		delete(s.ports, name)
		for _, p := range ports {
			one := p.Service
			one.ID = s.numbers.Of(p.Name)
			set[p.Name] = &one
			s.ports[name] = append(s.ports[name], p.Name)
		}
		for _, port := range before {
			if set[port] == nil {
				deleted = append(deleted, port)
				s.numbers.Free(port)
			}
		}
	}
	was, _ := s.Store.Snapshot()
	version := s.Store.Update(func(st *pipeline.State) {
		for _, name := range deleted {
			delete(st.Services, name)
		}
		for name, v := range set {
			if have := st.Services[name]; have == nil || !reflect.DeepEqual(have, v) {
				st.Services[name] = v
			}
		}
	})
	klog.FromContext(ctx).V(4).Info("Looked at Services", "ports", len(set), "deleted", len(deleted))
	for name, v := range set {
		s.gone(version, name, was.Services[name], v)
	}
	for _, name := range deleted {
		s.gone(version, name, was.Services[name], &pipeline.Service{})
	}
	s.Health(slices.Collect(maps.Values(s.health)))
}

// objects are a Service and its EndpointSlices, without those that are labelled as not a proxy's; false if there is no such Service.
func (s *Source) objects(name string) (*corev1.Service, []*discoveryv1.EndpointSlice, bool) {
	o, ok, err := s.services.GetStore().GetByKey(name)
	if !ok || err != nil {
		return nil, nil, false
	}
	objects, _ := s.slices.GetIndexer().ByIndex(byService, name) // the index is there
	var list []*discoveryv1.EndpointSlice
	for _, o := range objects {
		slice := o.(*discoveryv1.EndpointSlice)
		if _, headless := slice.Labels[corev1.IsHeadlessService]; !headless {
			list = append(list, slice)
		}
	}
	return o.(*corev1.Service), list, true
}

// gone tells of the endpoints that a port had and has no longer.
func (s *Source) gone(version state.Version, name string, before, now *pipeline.Service) {
	if before == nil || before.Protocol != openflow.ProtoUDP {
		return
	}
	var list []netip.AddrPort
	for _, e := range append(slices.Clone(before.Cluster), before.Local...) {
		if !slices.Contains(now.Cluster, e) && !slices.Contains(now.Local, e) && !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	if len(list) > 0 {
		s.Gone(version, pipeline.Owner{Kind: pipeline.KindService, Name: name}, list)
	}
}

// sameZone reports whether an update is of a Node that stays where it is: kubelets write to their Nodes all the time.
func sameZone(before, after any) bool {
	was, ok := before.(*corev1.Node)
	return ok && was.Labels[corev1.LabelTopologyZone] == after.(*corev1.Node).Labels[corev1.LabelTopologyZone]
}

func serviceKey(o any) string {
	key, _ := cache.MetaNamespaceKeyFunc(o)
	return key
}

// serviceOf is namespace/name of the Service of an EndpointSlice.
func serviceOf(o any) string {
	slice, ok := o.(*discoveryv1.EndpointSlice)
	if !ok {
		return ""
	}
	return slice.Namespace + "/" + slice.Labels[discoveryv1.LabelServiceName]
}

// trim drops what is not read.
func trim(object any) (any, error) {
	switch o := object.(type) {
	case *corev1.Service:
		o.ManagedFields, o.Annotations = nil, nil
	case *discoveryv1.EndpointSlice:
		o.ManagedFields, o.Annotations = nil, nil
		for i := range o.Endpoints {
			o.Endpoints[i].TargetRef = nil
		}
	}
	return object, nil
}
