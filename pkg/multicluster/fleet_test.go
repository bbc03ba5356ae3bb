package multicluster_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2/ktesting"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/mc"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/apitest"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/leader"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

const (
	leaderNamespace = "antrea-multicluster"
	memberNamespace = "kube-system"
	setID           = "demo"
)

// site is a cluster under test: a real API server, with the controllers in this process, as the accounts that deploy makes.
type site struct {
	client.Client
	*apitest.Cluster
	dir         string // for join files
	controllers []func()
}

// startSites starts clusters with one Node each, whose Pod CIDR is 10.N0.0.0/24 and whose address is 192.0.2.N.
func startSites(t *testing.T, names ...string) map[string]*site {
	t.Helper()
	dir := t.TempDir()
	sites := map[string]*site{}
	for i, c := range apitest.Start(t, names...) {
		cl, err := client.New(c.Config, client.Options{Scheme: multicluster.NewScheme()})
		require.NoError(t, err)
		s := &site{Client: cl, Cluster: c, dir: dir}
		s.addNode(t, c.Name+"-node1", fmt.Sprintf("10.%d0.0.0/24", i+1), fmt.Sprintf("192.0.2.%d", i+1))
		sites[c.Name] = s
	}
	return sites
}

func (s *site) addNode(t *testing.T, name, podCIDR, address string) {
	t.Helper()
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDR: podCIDR, PodCIDRs: []string{podCIDR}}}
	require.NoError(t, s.Create(t.Context(), n))
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
	n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	require.NoError(t, s.Status().Update(t.Context(), n))
}

// mc runs `antctl mc` against this cluster.
func (s *site) mc(t *testing.T, line string) (string, error) {
	t.Helper()
	cmd := mc.NewCommand(&cluster.Flags{Kubeconfig: s.Kubeconfig})
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(strings.Fields(strings.ReplaceAll(line, "@", s.dir+"/")))
	err := cmd.ExecuteContext(t.Context())
	t.Logf("%s$ antctl mc %s\n%s%v", s.Name, line, out.String(), err)
	return out.String(), err
}

func (s *site) mustMC(t *testing.T, line string) string {
	t.Helper()
	out, err := s.mc(t, line)
	require.NoError(t, err)
	return out
}

// deploy installs a role and runs its controller until the test ends or the cluster is cut off.
func (s *site) deploy(t *testing.T, role mc.Role, namespace string) {
	t.Helper()
	s.mustMC(t, fmt.Sprintf("deploy %scluster -n %s", role, namespace))
	setup, cacheFor := leader.Setup, leader.Cache
	if role == mc.Member {
		setup, cacheFor = member.Setup, member.Cache
	}
	ctx, cancel := context.WithCancel(ctrl.LoggerInto(context.Background(), ktesting.NewLogger(t, ktesting.NewConfig(ktesting.Verbosity(1)))))
	done := make(chan error, 1)
	go func() {
		done <- runManager(ctx, s.as(t, namespace, "antrea-mc-controller"), cacheFor(namespace), role, namespace, setup)
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	s.controllers = append(s.controllers, stop)
}

// cutOff ends the cluster's controllers and its API server.
func (s *site) cutOff() {
	for _, stop := range s.controllers {
		stop()
	}
	s.Stop()
}

func runManager(ctx context.Context, config *rest.Config, options cache.Options, role mc.Role, namespace string, setup func(ctrl.Manager, string) error) error {
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:      multicluster.NewScheme(),
		Cache:       options,
		Metrics:     metricsserver.Options{BindAddress: "0"},
		Logger:      ctrl.LoggerFrom(ctx),
		BaseContext: func() context.Context { return ctx },

		LeaderElection:                true,
		LeaderElectionID:              "antrea-mc-controller-" + string(role),
		LeaderElectionNamespace:       namespace,
		LeaderElectionReleaseOnCancel: true,
		Controller:                    ctrlconfig.Controller{SkipNameValidation: ptr.To(true)},
	})
	if err != nil {
		return err
	}
	if err := setup(mgr, namespace); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

// as is the configuration of a ServiceAccount.
func (s *site) as(t *testing.T, namespace, serviceAccount string) *rest.Config {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: serviceAccount}}
	var request authenticationv1.TokenRequest
	require.NoError(t, s.SubResource("token").Create(t.Context(), sa, &request))
	config := rest.CopyConfig(s.Config)
	config.BearerToken = request.Status.Token
	return config
}

// clusterSet is this cluster's own.
func (s *site) clusterSet(t *testing.T, namespace string) v1alpha2.ClusterSet {
	t.Helper()
	var set v1alpha2.ClusterSet
	require.NoError(t, s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: setID}, &set))
	return set
}

// imports are what this cluster knows of others: "east pods=10.20.0.0/24 services=… gateways=…", one a cluster.
func (s *site) imports(t *testing.T) string {
	t.Helper()
	var list v1alpha1.ClusterInfoImportList
	require.NoError(t, s.List(t.Context(), &list, client.InNamespace(memberNamespace)))
	var lines []string
	for _, i := range list.Items {
		line := fmt.Sprintf("%s pods=%s services=%s gateways=", strings.TrimSuffix(i.Name, "-clusterinfo"), strings.Join(i.Spec.PodCIDRs, ","), i.Spec.ServiceCIDR)
		for _, g := range i.Spec.GatewayInfos {
			line += g.Name + "@" + g.GatewayIP
			if g.Draining {
				line += "(draining)"
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (s *site) wantImports(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, func() (string, bool) { got := s.imports(t); return got, got == strings.Join(want, "\n") }, "imports of %s", s.Name)
}

// wantCondition waits for a condition of this cluster's ClusterSet.
func (s *site) wantCondition(t *testing.T, kind, reason string, parts ...string) {
	t.Helper()
	eventually(t, func() (string, bool) {
		set := s.clusterSet(t, memberNamespace)
		c := meta.FindStatusCondition(set.Status.Conditions, kind)
		ok := c != nil && c.Reason == reason
		for _, part := range parts {
			ok = ok && strings.Contains(c.Message, part)
		}
		return fmt.Sprintf("%+v", set.Status.Conditions), ok
	}, "condition %s %s of %s", kind, reason, s.Name)
}

// eventually fails with what was seen last.
func eventually(t *testing.T, look func() (string, bool), what string, args ...any) {
	t.Helper()
	var seen string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var ok bool
		if seen, ok = look(); ok {
			return
		}
	}
	t.Fatalf("%s; seen last:\n%s", fmt.Sprintf(what, args...), seen)
}

func (s *site) file(name string) string { return filepath.Join(s.dir, name) }
