package multicluster_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/mc"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

// What the clusters of the tests say about themselves.
const (
	hubInfo  = "hub pods=10.10.0.0/24 services=10.96.0.0/20 gateways="
	eastInfo = "east pods=10.20.0.0/24 services=10.97.0.0/20 gateways="
	westInfo = "west pods=10.30.0.0/24 services=10.98.0.0/20 gateways="
)

// TestRealClusterSet takes three clusters through the life of a ClusterSet: hub is leader and member.
func TestRealClusterSet(t *testing.T) {
	sites := startSites(t, "hub", "east", "west")
	hub, east, west := sites["hub"], sites["east"], sites["west"]

	step(t, "commands before anything is deployed say what to do", func(t *testing.T) {
		_, err := hub.mc(t, "init --clusterset demo --clusterid hub")
		require.ErrorContains(t, err, "antctl mc deploy leadercluster -n antrea-multicluster")
		_, err = east.mc(t, "get clusterset")
		require.ErrorContains(t, err, "antctl mc deploy membercluster")
	})
	hub.deploy(t, mc.Leader, leaderNamespace)
	for _, s := range sites {
		s.deploy(t, mc.Member, memberNamespace)
	}
	_, err := hub.mc(t, "deploy membercluster -n "+leaderNamespace)
	require.ErrorContains(t, err, "has the leader already")

	hub.mustMC(t, "init --clusterset demo --clusterid lead -n antrea-multicluster --create-token -j @join.yml --leader-apiserver "+hub.Config.Host)
	info, err := os.Stat(hub.file("join.yml"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	step(t, "join", func(t *testing.T) {
		for _, name := range []string{"hub", "east", "west"} {
			sites[name].mustMC(t, "join --clusterid "+name+" -n kube-system --config-file @join.yml")
		}
		eventually(t, func() (string, bool) {
			var got []string
			for _, m := range hub.clusterSet(t, leaderNamespace).Spec.Members {
				got = append(got, string(m.ClusterID))
			}
			return strings.Join(got, " "), strings.Join(got, " ") == "east hub west"
		}, "members")
		hub.wantImports(t, eastInfo, westInfo)
		east.wantImports(t, hubInfo, westInfo)
		west.wantImports(t, eastInfo, hubInfo)
	})

	step(t, "everything again changes nothing", func(t *testing.T) {
		before := east.clusterSet(t, memberNamespace)
		east.mustMC(t, "deploy membercluster -n kube-system")
		east.mustMC(t, "join --clusterid east -n kube-system --config-file @join.yml")
		require.Equal(t, before.UID, east.clusterSet(t, memberNamespace).UID)
		hub.mustMC(t, "init --clusterset demo --clusterid lead -n antrea-multicluster")
		_, err := east.mc(t, "join --clusterid other -n kube-system --config-file @join.yml")
		require.ErrorContains(t, err, `leave that first`)
	})

	step(t, "a gateway reaches the others", func(t *testing.T) {
		east.annotate(t, "east-node1", member.AnnotationGateway, "false")
		east.annotate(t, "east-node1", member.AnnotationGateway, "true")
		hub.wantImports(t, eastInfo+"east-node1@192.0.2.2", westInfo)
		west.wantImports(t, eastInfo+"east-node1@192.0.2.2", hubInfo)
		out := west.mustMC(t, "get gateway")
		require.Contains(t, out, "192.0.2.2")

		east.annotate(t, "east-node1", member.AnnotationGatewayIP, "198.51.100.2")
		hub.wantImports(t, eastInfo+"east-node1@198.51.100.2", westInfo)
		east.annotate(t, "east-node1", member.AnnotationGatewayIP, "")
		hub.wantImports(t, eastInfo+"east-node1@192.0.2.2", westInfo)

		east.setReady(t, "east-node1", false) // the only one stays
		hub.wantImports(t, eastInfo+"east-node1@192.0.2.2", westInfo)
		east.setReady(t, "east-node1", true)
		eventually(t, func() (string, bool) {
			var g v1alpha1.Gateway
			require.NoError(t, east.Get(t.Context(), client.ObjectKey{Namespace: memberNamespace, Name: "east-node1"}, &g))
			return fmt.Sprint(g.Status.Conditions), meta.IsStatusConditionTrue(g.Status.Conditions, v1alpha1.ConditionPublished)
		}, "the gateway is published")
		east.annotate(t, "east-node1", member.AnnotationGateway, "false")
		hub.wantImports(t, eastInfo+"east-node1@192.0.2.2(draining)", westInfo)
		hub.wantImports(t, eastInfo, westInfo)
	})

	step(t, "what kubeadm wrote is the cluster's Pod CIDR", func(t *testing.T) {
		east.putConfigMap(t, "kubeadm-config", "ClusterConfiguration", "networking: {podSubnet: 10.20.0.0/16, serviceSubnet: 10.97.0.0/20}")
		east.addNode(t, "east-node2", "10.20.1.0/24", "192.0.2.12")
		hub.wantImports(t, "east pods=10.20.0.0/16 services=10.97.0.0/20 gateways=", westInfo)
		require.NoError(t, east.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: memberNamespace, Name: "kubeadm-config"}}))
		hub.wantImports(t, "east pods=10.20.0.0/23 services=10.97.0.0/20 gateways=", westInfo)
		require.NoError(t, east.Delete(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "east-node2"}}))
		hub.wantImports(t, eastInfo, westInfo)
	})

	step(t, "an override is taken up, a wrong one is not", func(t *testing.T) {
		east.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [10.21.0.0/16]\n")
		hub.wantImports(t, "east pods=10.21.0.0/16 services=10.97.0.0/20 gateways=", westInfo)
		east.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [10.21.0.1/16]\n")
		east.wantCondition(t, v1alpha2.ConditionReady, "InvalidConfig", "did you mean 10.21.0.0/16?")
		hub.wantImports(t, "east pods=10.21.0.0/16 services=10.97.0.0/20 gateways=", westInfo)
		east.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [\"\"]\n")
		hub.wantImports(t, eastInfo, westInfo)
		east.wantCondition(t, v1alpha2.ConditionReady, "Member")
	})

	step(t, "an overlap is refused and disturbs nobody", func(t *testing.T) {
		versions := hub.importVersions(t)
		west.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [10.20.0.0/20]\n")
		for _, kind := range []string{v1alpha2.ConditionReady, v1alpha2.ConditionAccepted} {
			west.wantCondition(t, kind, "CIDROverlap", `cluster "west": Pod CIDR 10.20.0.0/20 overlaps Pod CIDR 10.20.0.0/24 of cluster "east"`)
		}
		eventually(t, func() (string, bool) {
			out := hub.mustMC(t, "get clusterset -n antrea-multicluster")
			return out, strings.Contains(out, "CIDROverlap")
		}, "the leader shows it")
		require.Equal(t, versions, hub.importVersions(t))
		west.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [\"\"]\n")
		west.wantCondition(t, v1alpha2.ConditionReady, "Member")
		require.Equal(t, versions, hub.importVersions(t))
	})

	step(t, "a third cluster leaves and joins again", func(t *testing.T) {
		versions := hub.importVersions(t)
		west.mustMC(t, "leave -n kube-system --clusterset demo")
		require.Empty(t, west.imports(t))
		hub.wantImports(t, eastInfo)
		east.wantImports(t, hubInfo)
		namespace := join.NamespaceFor(leaderNamespace, "west")
		eventually(t, func() (string, bool) {
			err := hub.Get(t.Context(), client.ObjectKey{Name: namespace}, &corev1.Namespace{})
			return "", client.IgnoreNotFound(err) == nil && err != nil
		}, "namespace of west at the leader goes")
		var secrets corev1.SecretList
		require.NoError(t, west.List(t.Context(), &secrets, client.InNamespace(memberNamespace)))
		require.Empty(t, secrets.Items)

		// It comes back with the addresses of another: it is told, and nobody else hears of it.
		west.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [10.20.0.0/20]\n")
		_, err := west.mc(t, "join --clusterid west -n kube-system --config-file @join.yml")
		require.ErrorContains(t, err, `CIDROverlap: cluster "west": Pod CIDR 10.20.0.0/20 overlaps Pod CIDR 10.20.0.0/24 of cluster "east"`)
		hub.wantImports(t, eastInfo)
		require.Equal(t, versions["east-clusterinfo"], hub.importVersions(t)["east-clusterinfo"])

		// The right addresses are taken up by themselves; to join again is nothing.
		west.putConfigMap(t, config.ConfigMap, config.Key, "podCIDRs: [\"\"]\n")
		west.wantCondition(t, v1alpha2.ConditionReady, "Member")
		west.mustMC(t, "join --clusterid west -n kube-system --config-file @join.yml")
		hub.wantImports(t, eastInfo, westInfo)
		require.Equal(t, versions["east-clusterinfo"], hub.importVersions(t)["east-clusterinfo"])
	})

	step(t, "a leader that is away changes nothing", func(t *testing.T) {
		hub.cutOff()
		east.wantCondition(t, v1alpha2.ConditionConnected, "LeaderUnreachable", "what was imported stays")
		east.wantImports(t, hubInfo, westInfo)
		east.annotate(t, "east-node1", member.AnnotationGateway, "true")
		eventually(t, func() (string, bool) {
			var list v1alpha1.GatewayList
			require.NoError(t, east.List(t.Context(), &list))
			return "", len(list.Items) == 1
		}, "who is gateway needs no leader")
	})
}

// step is a subtest that the next ones build upon.
func step(t *testing.T, name string, run func(t *testing.T)) {
	t.Helper()
	if !t.Run(name, run) {
		t.FailNow()
	}
}

func (s *site) annotate(t *testing.T, node, key, value string) {
	t.Helper()
	var n corev1.Node
	require.NoError(t, s.Get(t.Context(), client.ObjectKey{Name: node}, &n))
	before := n.DeepCopy()
	metav1.SetMetaDataAnnotation(&n.ObjectMeta, key, value)
	if value == "" {
		delete(n.Annotations, key)
	}
	require.NoError(t, s.Patch(t.Context(), &n, client.MergeFrom(before)))
}

func (s *site) setReady(t *testing.T, node string, ready bool) {
	t.Helper()
	var n corev1.Node
	require.NoError(t, s.Get(t.Context(), client.ObjectKey{Name: node}, &n))
	n.Status.Conditions[0].Status = corev1.ConditionFalse
	if ready {
		n.Status.Conditions[0].Status = corev1.ConditionTrue
	}
	require.NoError(t, s.Status().Update(t.Context(), &n))
}

func (s *site) putConfigMap(t *testing.T, name, key, text string) {
	t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: memberNamespace, Name: name}, Data: map[string]string{key: text}}
	err := s.Update(t.Context(), cm)
	if client.IgnoreNotFound(err) == nil && err != nil {
		cm.ResourceVersion = ""
		err = s.Create(t.Context(), cm)
	}
	require.NoError(t, err)
}

// importVersions tells whether anything was written to the imports of a cluster.
func (s *site) importVersions(t *testing.T) map[string]string {
	t.Helper()
	var list v1alpha1.ClusterInfoImportList
	require.NoError(t, s.List(t.Context(), &list, client.InNamespace(memberNamespace)))
	versions := map[string]string{}
	for _, i := range list.Items {
		versions[i.Name] = i.ResourceVersion
	}
	return versions
}
