package policies

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	k8stesting "k8s.io/client-go/testing"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"

	"github.com/antrea-mc/antrea-mc/build/manifests"
	"github.com/antrea-mc/antrea-mc/pkg/controller/apiserver"
	controllerpolicies "github.com/antrea-mc/antrea-mc/pkg/controller/policies"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/apitest"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policy/policytest"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
)

// cluster is an API that is told of what policytest makes. What the API refuses is left out.
type cluster struct {
	t     *testing.T
	admin kubernetes.Interface
	told  map[policy.Key]any

	agentOf    func(node string) kubernetes.Interface // the client of a Node's agent
	controller func() (kill func())                   // runs a controller
	watched    func(times int) bool                   // somebody watches everything that often
}

var _ policytest.Follower = &cluster{}

// fakeAgent is the client of an agent whose API is a fake one but for what it asks the controller.
type fakeAgent struct {
	kubernetes.Interface
	discovery.DiscoveryInterfaces
	rest rest.Interface
}

func (a fakeAgent) Discovery() discovery.DiscoveryInterfaces { return a }
func (a fakeAgent) RESTClient() rest.Interface               { return a.rest }

// IsWatchListSemanticsUnSupported says to client-go what the fake API says.
func (fakeAgent) IsWatchListSemanticsUnSupported() bool { return true }

// newFakeCluster is a fake API, and a server in place of the API server that passes on what agents ask the controller.
func newFakeCluster(t *testing.T) *cluster {
	t.Helper()
	api := fake.NewClientset()
	var watches atomic.Int64
	api.PrependWatchReactor("*", func(k8stesting.Action) (bool, watch.Interface, error) {
		watches.Add(1)
		return false, nil, nil
	})
	var controller atomic.Pointer[controllerpolicies.Server]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := controller.Load()
		if to == nil {
			secureserver.WriteError(w, apierrors.NewServiceUnavailable("nobody there"))
			return
		}
		node := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		to.ServeHTTP(w, r.WithContext(request.WithUser(r.Context(), &user.DefaultInfo{
			Extra: map[string][]string{serviceaccount.NodeNameKey: {node}},
		})))
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return &cluster{
		t: t, admin: api, told: make(map[policy.Key]any),
		agentOf: func(node string) kubernetes.Interface {
			client := clientOf(t, &rest.Config{Host: server.URL, BearerToken: node})
			return fakeAgent{api, client.Discovery(), client.Discovery().RESTClient()}
		},
		controller: func() func() {
			ctx, cancel := context.WithCancel(t.Context())
			s := controllerpolicies.New(api, nil)
			var wait sync.WaitGroup
			wait.Go(func() { _ = s.Run(ctx) })
			controller.Store(s)
			return func() {
				controller.Store(nil)
				server.CloseClientConnections()
				cancel()
				wait.Wait()
			}
		},
		watched: func(times int) bool { return watches.Load() >= int64(4*times) },
	}
}

// newRealCluster is a real API server with the accounts, rights and the APIService of the manifest, which leads to a controller on
// this machine.
func newRealCluster(t *testing.T) *cluster {
	t.Helper()
	config, port := apitest.Start(t, "east")[0].Config, apitest.FreePort(t)
	c := &cluster{t: t, admin: clientOf(t, config), told: make(map[policy.Key]any), watched: func(int) bool { return true }}
	c.agentOf = func(node string) kubernetes.Interface { return clientOf(t, c.as(config, "antrea-agent", node)) }
	c.controller = func() func() { return runController(t, c.as(config, "antrea-controller", "node0"), port) }
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	text, err := manifests.Render(manifests.DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range strings.Split(string(text), "\n---\n") {
		var o unstructured.Unstructured
		if err := yaml.Unmarshal([]byte(document), &o.Object); err != nil {
			t.Fatal(err)
		}
		switch o.GetKind() {
		case "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "RoleBinding":
		case "APIService":
			if err := unstructured.SetNestedField(o.Object, int64(port), "spec", "service", "port"); err != nil {
				t.Fatal(err)
			}
		default:
			continue
		}
		plural, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
		if _, err := client.Resource(plural).Namespace(o.GetNamespace()).Apply(t.Context(), o.GetName(), &o, metav1.ApplyOptions{FieldManager: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "antrea"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost", Ports: []corev1.ServicePort{{Port: int32(port)}}},
	}
	if _, err := c.admin.CoreV1().Services("kube-system").Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// as is the configuration of an account's Pod on a Node.
func (c *cluster) as(api *rest.Config, account, node string) *rest.Config {
	c.t.Helper()
	pod, err := c.admin.CoreV1().Pods("kube-system").Create(c.t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: account + "-"},
		Spec:       corev1.PodSpec{NodeName: node, HostNetwork: true, ServiceAccountName: account, Containers: []corev1.Container{{Name: "c", Image: "x"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	request, err := c.admin.CoreV1().ServiceAccounts("kube-system").CreateToken(c.t.Context(), account, &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(api)
	config.BearerToken, config.QPS, config.Burst = request.Status.Token, 100, 100
	return config
}

// runController runs a controller until the result is called.
func runController(t *testing.T, config *rest.Config, port int) (kill func()) {
	t.Helper()
	client := clientOf(t, config)
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	services, err := apiregistration.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	group, ctx := errgroup.WithContext(ctx)
	policies := controllerpolicies.New(client, objects)
	group.Go(func() error { return policies.Run(ctx) })
	group.Go(func() error {
		return apiserver.Run(ctx, apiserver.Config{
			Port: port, ServiceHost: "antrea.kube-system.svc", Client: client, APIServices: services.APIServices(), Policies: policies,
		})
	})
	return func() {
		cancel()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// Set implements [policytest.Follower].
func (c *cluster) Set(object any) error {
	key, _, err := policy.Read(object)
	if err != nil || reflect.DeepEqual(c.told[key], object) {
		return err
	}
	_, known := c.told[key]
	c.told[key] = object
	ctx := c.t.Context()
	switch o := object.(type) {
	case *corev1.Namespace:
		if _, err = c.admin.CoreV1().Namespaces().Create(ctx, o, metav1.CreateOptions{}); apierrors.IsAlreadyExists(err) {
			_, err = c.admin.CoreV1().Namespaces().Update(ctx, o, metav1.UpdateOptions{})
		}
	case *corev1.Node:
		if known { // its ranges stay
			return nil
		}
		var made *corev1.Node
		if made, err = c.admin.CoreV1().Nodes().Create(ctx, o, metav1.CreateOptions{}); err == nil {
			made.Status = o.Status
			_, err = c.admin.CoreV1().Nodes().UpdateStatus(ctx, made, metav1.UpdateOptions{})
		}
	case *corev1.Pod:
		if known {
			c.drop(key)
		}
		err = c.setPod(ctx, o)
	case *networkingv1.NetworkPolicy:
		if known {
			c.drop(key)
		}
		_, err = c.admin.NetworkingV1().NetworkPolicies(o.Namespace).Create(ctx, o, metav1.CreateOptions{})
	}
	if apierrors.IsInvalid(err) {
		delete(c.told, key)
		return nil
	}
	return err
}

// setPod makes of a Pod one that the API takes.
func (c *cluster) setPod(ctx context.Context, o *corev1.Pod) error {
	pod := o.DeepCopy()
	if pod.Spec.HostNetwork {
		pod.Spec.Containers = nil
	}
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []corev1.Container{{}}
	}
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].Name, pod.Spec.Containers[i].Image = fmt.Sprint("c", i), "x"
	}
	made, err := c.admin.CoreV1().Pods(o.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Phase, made.Status.PodIPs = corev1.PodRunning, o.Status.PodIPs
	if len(o.Status.PodIPs) > 0 {
		made.Status.PodIP = o.Status.PodIPs[0].IP
	}
	_, err = c.admin.CoreV1().Pods(o.Namespace).UpdateStatus(ctx, made, metav1.UpdateOptions{})
	return err
}

// Delete implements [policytest.Follower]. Namespaces stay, because what is in them would go.
func (c *cluster) Delete(object any) {
	if k, _, err := policy.Read(object); err == nil && k.Kind != policy.KindNamespace {
		delete(c.told, k)
		c.drop(k)
	}
}

func (c *cluster) drop(k policy.Key) {
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	var err error
	switch k.Kind {
	case policy.KindPod:
		err = c.admin.CoreV1().Pods(k.Namespace).Delete(c.t.Context(), k.Name, now)
	case policy.KindNetworkPolicy:
		err = c.admin.NetworkingV1().NetworkPolicies(k.Namespace).Delete(c.t.Context(), k.Name, now)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		c.t.Fatal(err)
	}
}

// engine knows all that the API has.
func (c *cluster) engine(node string) *policy.Engine {
	c.t.Helper()
	e := policy.New(node)
	ctx, all := c.t.Context(), metav1.ListOptions{}
	namespaces, err1 := c.admin.CoreV1().Namespaces().List(ctx, all)
	nodes, err2 := c.admin.CoreV1().Nodes().List(ctx, all)
	pods, err3 := c.admin.CoreV1().Pods("").List(ctx, all)
	policies, err4 := c.admin.NetworkingV1().NetworkPolicies("").List(ctx, all)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			c.t.Fatal(err)
		}
	}
	for i := range namespaces.Items {
		_ = e.Set(&namespaces.Items[i])
	}
	for i := range nodes.Items {
		_ = e.Set(&nodes.Items[i])
	}
	for i := range pods.Items {
		_ = e.Set(&pods.Items[i])
	}
	for i := range policies.Items {
		_ = e.Set(&policies.Items[i])
	}
	return e
}

func clientOf(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// uid is that of a Pod in the API.
func (c *cluster) uid(pod *corev1.Pod) string {
	c.t.Helper()
	now, err := c.admin.CoreV1().Pods(pod.Namespace).Get(c.t.Context(), pod.Name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return string(now.UID)
}

// namespaces makes those of policytest, which come in any order, and one that only Pods on a third Node are in, with a policy.
func (c *cluster) namespaces() {
	c.t.Helper()
	for _, o := range []any{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns0"}}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns1"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns2"}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "apart"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "apart", Name: "pod"}, Spec: corev1.PodSpec{NodeName: "node2"}},
		&networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "apart", Name: "closed"}},
	} {
		if err := c.Set(o); err != nil {
			c.t.Fatal(err)
		}
	}
}
