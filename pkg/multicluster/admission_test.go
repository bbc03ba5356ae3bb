package multicluster_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/mc"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

// TestRealAccess is who may do what at the leader: holders of join tokens, members, and the leader's own controller.
func TestRealAccess(t *testing.T) {
	sites := startSites(t, "hub", "east", "west")
	hub, east, west := sites["hub"], sites["east"], sites["west"]
	hub.deploy(t, mc.Leader, leaderNamespace)
	east.deploy(t, mc.Member, memberNamespace)
	west.deploy(t, mc.Member, memberNamespace)
	hub.mustMC(t, "init --clusterset demo --clusterid lead -n antrea-multicluster --create-token -j @join.yml --leader-apiserver "+hub.Config.Host)
	east.mustMC(t, "join --clusterid east --config-file @join.yml")
	west.mustMC(t, "join --clusterid west --config-file @join.yml")

	namespace := func(id string) string { return join.NamespaceFor(leaderNamespace, id) }
	joinConfig := *hub.Config
	joinConfig.BearerToken = tokenOf(t, hub.file("join.yml"))
	joiner := connect(t, &joinConfig)
	eastMember := connect(t, hub.as(t, namespace("east"), join.MemberName))
	controller := connect(t, hub.as(t, leaderNamespace, "antrea-mc-controller"))
	at := func(ns, name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: ns, Name: name} }
	announces := announceNames(t, hub)

	create := func(o client.Object) func(client.Client) error {
		return func(c client.Client) error { return c.Create(context.Background(), o.DeepCopyObject().(client.Object)) }
	}
	get := func(o client.Object) func(client.Client) error {
		return func(c client.Client) error {
			return c.Get(context.Background(), client.ObjectKeyFromObject(o), o.DeepCopyObject().(client.Object))
		}
	}
	list := func(l client.ObjectList, ns string) func(client.Client) error {
		return func(c client.Client) error { return c.List(context.Background(), l, client.InNamespace(ns)) }
	}
	remove := func(o client.Object) func(client.Client) error {
		return func(c client.Client) error { return c.Delete(context.Background(), o.DeepCopyObject().(client.Object)) }
	}
	token := func(ns, name string) func(client.Client) error {
		return func(c client.Client) error {
			return c.SubResource("token").Create(context.Background(), &corev1.ServiceAccount{ObjectMeta: at(ns, name)}, &authenticationv1.TokenRequest{})
		}
	}
	export := func(ns, name string) *v1alpha1.ResourceExport {
		return &v1alpha1.ResourceExport{ObjectMeta: at(ns, name), Spec: v1alpha1.Resource{ClusterID: "east", Kind: "Other"}}
	}
	announce := func(change func(*v1alpha1.MemberClusterAnnounce)) *v1alpha1.MemberClusterAnnounce {
		key, err := join.NewKey()
		require.NoError(t, err)
		a := &v1alpha1.MemberClusterAnnounce{ObjectMeta: at(leaderNamespace, join.AnnounceFor(key.Public())), ClusterID: "north", ClusterSetID: "elsewhere",
			PublicKey: key.Public(), Requester: join.User(leaderNamespace, "default-member-token")}
		change(a)
		return a
	}
	binding := func(ns, role string) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{ObjectMeta: at(ns, "test"), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: "default"}}}
	}
	for _, tc := range []struct {
		name    string
		who     client.Client
		do      func(client.Client) error
		allowed bool
	}{
		{"a join token asks", joiner, create(announce(func(*v1alpha1.MemberClusterAnnounce) {})), true},
		{"a join token reads an answer whose name it knows", joiner, get(&v1alpha1.MemberClusterAnnounce{ObjectMeta: at(leaderNamespace, announces["east"])}), true},
		{"a join token asks in the name of another", joiner, create(announce(func(a *v1alpha1.MemberClusterAnnounce) { a.Requester = join.User(leaderNamespace, "other") })), false},
		{"a join token asks in a way that cannot be undone", joiner, create(announce(func(a *v1alpha1.MemberClusterAnnounce) { a.Finalizers = []string{"example.com/mine"} })), false},
		{"a join token lists requests", joiner, list(&v1alpha1.MemberClusterAnnounceList{}, leaderNamespace), false},
		{"a join token deletes a request", joiner, remove(&v1alpha1.MemberClusterAnnounce{ObjectMeta: at(leaderNamespace, announces["east"])}), false},
		{"a join token reads records", joiner, list(&v1alpha1.ResourceImportList{}, leaderNamespace), false},
		{"a join token reads a member's exports", joiner, list(&v1alpha1.ResourceExportList{}, namespace("east")), false},
		{"a join token gets a member's token", joiner, token(namespace("east"), join.MemberName), false},
		{"a join token gets itself another", joiner, token(leaderNamespace, "default-member-token"), false},
		{"a join token reads Secrets", joiner, list(&corev1.SecretList{}, leaderNamespace), false},
		{"a join token reads the ClusterSet", joiner, list(&v1alpha2.ClusterSetList{}, leaderNamespace), false},

		{"a member reads published records", eastMember, list(&v1alpha1.ResourceImportList{}, leaderNamespace), true},
		{"a member writes an export of its own", eastMember, create(export(namespace("east"), "test")), true},
		{"a member deletes an export of its own", eastMember, remove(export(namespace("east"), "test")), true},
		{"a member renews its own token", eastMember, token(namespace("east"), join.MemberName), true},
		{"a member reads its Lease", eastMember, get(&coordinationv1.Lease{ObjectMeta: at(namespace("east"), join.MemberName)}), true},
		{"a member reads another's exports", eastMember, list(&v1alpha1.ResourceExportList{}, namespace("west")), false},
		{"a member writes another's exports", eastMember, create(export(namespace("west"), "test")), false},
		{"a member reads another's Lease", eastMember, get(&coordinationv1.Lease{ObjectMeta: at(namespace("west"), join.MemberName)}), false},
		{"a member gets another's token", eastMember, token(namespace("west"), join.MemberName), false},
		{"a member writes a published record", eastMember, create(&v1alpha1.ResourceImport{ObjectMeta: at(leaderNamespace, "test"), Spec: v1alpha1.Resource{ClusterID: "east", Kind: "Other"}}), false},
		{"a member deletes a published record", eastMember, remove(&v1alpha1.ResourceImport{ObjectMeta: at(leaderNamespace, "clusterinfo.west")}), false},
		{"a member accepts its own export", eastMember, func(c client.Client) error {
			var e v1alpha1.ResourceExport
			require.NoError(t, c.Get(t.Context(), client.ObjectKey{Namespace: namespace("east"), Name: join.ExportClusterInfo}, &e))
			return c.Status().Update(t.Context(), &e)
		}, false},
		{"a member reads requests to join", eastMember, list(&v1alpha1.MemberClusterAnnounceList{}, leaderNamespace), false},
		{"a member reads the ClusterSet", eastMember, list(&v1alpha2.ClusterSetList{}, leaderNamespace), false},
		{"a member reads Secrets", eastMember, list(&corev1.SecretList{}, namespace("east")), false},
		{"a member lists all exports", eastMember, list(&v1alpha1.ResourceExportList{}, ""), false},

		{"the leader deletes a namespace that is not its own", controller, remove(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}), false},
		{"the leader gets a token of another account", controller, token(leaderNamespace, "antrea-mc-controller"), false},
		{"the leader gives a role of its own", controller, create(binding(namespace("east"), join.ClusterRoleMember)), true},
		{"the leader makes somebody administrator", controller, create(binding("default", "cluster-admin")), false},
		{"the leader reads Secrets", controller, list(&corev1.SecretList{}, leaderNamespace), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.do(tc.who)
			if tc.allowed {
				require.NoError(t, err)
			} else {
				require.True(t, apierrors.IsForbidden(err) || apierrors.IsInvalid(err), "got %v", err)
			}
		})
	}

	step(t, "a cluster ID belongs to the first key", func(t *testing.T) {
		west.mustMC(t, "leave")
		_, err := west.mc(t, "join --clusterid east --config-file @join.yml")
		require.ErrorContains(t, err, join.ReasonClusterIDTaken)
		require.ErrorContains(t, err, "nothing was left behind")
		var sets v1alpha2.ClusterSetList
		require.NoError(t, west.List(t.Context(), &sets))
		require.Empty(t, sets.Items)
		var secrets corev1.SecretList
		require.NoError(t, west.List(t.Context(), &secrets, client.InNamespace(memberNamespace)))
		require.Empty(t, secrets.Items)
		east.wantCondition(t, v1alpha2.ConditionReady, "Member")
	})

	step(t, "a reserved cluster ID is for the holder of its token", func(t *testing.T) {
		hub.mustMC(t, "create membertoken for-south --cluster-id south")
		require.Contains(t, hub.mustMC(t, "get membertoken"), "for-south")
		_, err := west.mc(t, "join --clusterid south --config-file @join.yml")
		require.ErrorContains(t, err, join.ReasonClusterIDReserved)

		text := hub.mustMC(t, "get joinconfig --member-token for-south --leader-apiserver "+hub.Config.Host)
		require.NoError(t, os.WriteFile(hub.file("south.yml"), []byte(text), 0o600))
		_, err = west.mc(t, "join --clusterid west --config-file @south.yml")
		require.ErrorContains(t, err, join.ReasonTokenForOther)
		west.mustMC(t, "join --clusterid south --config-file @south.yml")
	})

	step(t, "a member outlives the tokens that it joined with", func(t *testing.T) {
		hub.mustMC(t, "delete membertoken default-member-token")
		eventually(t, func() (string, bool) {
			err := get(&v1alpha1.MemberClusterAnnounce{ObjectMeta: at(leaderNamespace, announces["east"])})(joiner)
			return fmt.Sprint(err), apierrors.IsUnauthorized(err)
		}, "a deleted join token is void")
		var sa corev1.ServiceAccount
		require.NoError(t, hub.Get(t.Context(), client.ObjectKey{Namespace: leaderNamespace, Name: "for-south"}, &sa))
		sa.Annotations[join.AnnotationExpires] = time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
		require.NoError(t, hub.Update(t.Context(), &sa))
		eventually(t, func() (string, bool) {
			err := hub.Get(t.Context(), client.ObjectKeyFromObject(&sa), &sa)
			return fmt.Sprint(err), apierrors.IsNotFound(err)
		}, "a join token that has ended goes")
		east.annotate(t, "east-node1", member.AnnotationGateway, "true")
		west.wantImports(t, eastInfo+"east-node1@192.0.2.2")
		_, err := east.mc(t, "join --clusterid east --config-file @join.yml")
		require.NoError(t, err, "a member stays one whatever token it is given")
	})

	step(t, "a credential is renewed, and a lost one is asked for again", func(t *testing.T) {
		before := east.credential(t)
		east.editCredential(t, func(c *join.Credential) { c.Expires = c.Issued })
		eventually(t, func() (string, bool) {
			now := east.credential(t)
			return fmt.Sprintf("%+v", now), now.Token != before.Token && now.Expires.After(time.Now())
		}, "a new token")
	})

	step(t, "whom the leader removes does not come back by itself", func(t *testing.T) {
		require.NoError(t, hub.Delete(t.Context(), &v1alpha1.MemberClusterAnnounce{ObjectMeta: at(leaderNamespace, announces["east"])}))
		east.wantCondition(t, v1alpha2.ConditionConnected, member.ReasonTokenRefused)
		west.wantImports(t, "")
		hub.mustMC(t, "create membertoken again -o @again.yml --leader-apiserver "+hub.Config.Host)

		east.mustMC(t, "join --clusterid east --config-file @again.yml")
		west.wantImports(t, eastInfo+"east-node1@192.0.2.2")
		require.NoError(t, hub.Delete(t.Context(), &v1alpha1.MemberClusterAnnounce{ObjectMeta: at(leaderNamespace, announceNames(t, hub)["east"])}))
		east.wantCondition(t, v1alpha2.ConditionConnected, member.ReasonRemoved)
	})

	step(t, "the ClusterSet ends", func(t *testing.T) {
		_, err := hub.mc(t, "destroy --clusterset demo")
		require.ErrorContains(t, err, "south")
		hub.mustMC(t, "destroy --clusterset demo --force")
		require.NotContains(t, hub.mustMC(t, "get membertoken"), "again")
		var imports v1alpha1.ResourceImportList
		require.NoError(t, hub.List(t.Context(), &imports))
		require.Empty(t, imports.Items)
		var namespaces corev1.NamespaceList
		eventually(t, func() (string, bool) {
			require.NoError(t, hub.List(t.Context(), &namespaces, client.HasLabels{join.LabelLeaderNamespace}))
			return fmt.Sprint(len(namespaces.Items)), len(namespaces.Items) == 0
		}, "the members' namespaces go")
	})
}

func connect(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(config, client.Options{Scheme: multicluster.NewScheme()})
	require.NoError(t, err)
	return c
}

// tokenOf is the join token in a join file.
func tokenOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	_, document, found := strings.Cut(string(text), "\n---\n")
	require.True(t, found)
	var secret corev1.Secret
	require.NoError(t, yaml.Unmarshal([]byte(document), &secret))
	return string(secret.Data["token"])
}

// announceNames are the accepted requests by cluster ID.
func announceNames(t *testing.T, hub *site) map[string]string {
	t.Helper()
	var list v1alpha1.MemberClusterAnnounceList
	require.NoError(t, hub.List(t.Context(), &list))
	names := map[string]string{}
	for _, a := range list.Items {
		if meta.IsStatusConditionTrue(a.Status.Conditions, v1alpha2.ConditionAccepted) {
			names[a.ClusterID] = a.Name
		}
	}
	return names
}

func (s *site) identity(t *testing.T) corev1.Secret {
	t.Helper()
	var secret corev1.Secret
	require.NoError(t, s.Get(t.Context(), client.ObjectKey{Namespace: memberNamespace, Name: member.IdentitySecret}, &secret))
	return secret
}

func (s *site) credential(t *testing.T) join.Credential {
	t.Helper()
	var c join.Credential
	require.NoError(t, yaml.Unmarshal(s.identity(t).Data["credential"], &c))
	return c
}

func (s *site) editCredential(t *testing.T, change func(*join.Credential)) {
	t.Helper()
	c := s.credential(t)
	change(&c)
	secret := s.identity(t)
	text, err := yaml.Marshal(c)
	require.NoError(t, err)
	secret.Data["credential"], err = yaml.YAMLToJSON(text)
	require.NoError(t, err)
	require.NoError(t, s.Update(t.Context(), &secret))
}
