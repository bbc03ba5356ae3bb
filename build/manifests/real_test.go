package manifests

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/apitest"
)

// install applies the manifest to a real API server, twice: an upgrade is nothing else.
func install(t *testing.T, config *rest.Config) {
	t.Helper()
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Render(DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, o := range objects(t, text) {
			if len(o.Object) == 0 {
				continue
			}
			plural, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
			_, err := client.Resource(plural).Namespace(o.GetNamespace()).Apply(t.Context(), o.GetName(), &o,
				metav1.ApplyOptions{FieldManager: "test"})
			if err != nil {
				t.Fatalf("apply %s %s: %v", o.GetKind(), o.GetName(), err)
			}
		}
	}
}

// agentOn is a client with the token of an agent's Pod on a Node.
func agentOn(t *testing.T, config *rest.Config, admin kubernetes.Interface, node string) kubernetes.Interface {
	t.Helper()
	ctx := t.Context()
	pod, err := admin.CoreV1().Pods("kube-system").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "antrea-agent-" + node},
		Spec: corev1.PodSpec{
			NodeName: node, ServiceAccountName: "antrea-agent", Containers: []corev1.Container{{Name: "c", Image: "x"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	request, err := admin.CoreV1().ServiceAccounts("kube-system").CreateToken(ctx, "antrea-agent", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{
			APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	agent := rest.AnonymousClientConfig(config)
	agent.BearerToken = request.Status.Token
	client, err := kubernetes.NewForConfig(agent)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestRealInstall(t *testing.T) {
	cluster := apitest.Start(t, "east")[0]
	install(t, cluster.Config)
	admin, err := kubernetes.NewForConfig(cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"n1", "n2"} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"theirs": "x"}}}
		if _, err := admin.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	agent := agentOn(t, cluster.Config, admin, "n1")
	t.Run("what the agent may write", func(t *testing.T) { testAgentWrites(t, agent) })
	t.Run("what accounts may", func(t *testing.T) { testRights(t, admin) })
}

func testAgentWrites(t *testing.T, agent kubernetes.Interface) {
	tests := []struct {
		name, node, patch string
		refused           string // empty if it is allowed
	}{
		{"its annotations", "n1", `{"metadata": {"annotations": {"node.antrea.io/agent-api-port": "10350"}}}`, ""},
		{"its annotations again", "n1", `{"metadata": {"annotations": {"node.antrea.io/agent-api-port": null}}}`, ""},
		{"another Node", "n2", `{"metadata": {"annotations": {"node.antrea.io/agent-api-port": "1"}}}`, `antrea-agent of Node "n1" may not change Node "n2"`},
		{"the gateway annotation", "n1", `{"metadata": {"annotations": {"multicluster.antrea.io/gateway": "true"}}}`, "only change annotations node.antrea.io/*"},
		{"the annotation of others", "n1", `{"metadata": {"annotations": {"theirs": null}}}`, "only change annotations node.antrea.io/*"},
		{"labels", "n1", `{"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}}`, "only change annotations of its Node"},
		{"spec", "n1", `{"spec": {"unschedulable": true}}`, "only change annotations of its Node"},
	}
	// An API server takes a moment to enforce a new policy.
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		_, err := agent.CoreV1().Nodes().Patch(ctx, "n2", types.MergePatchType, []byte(`{"metadata": {"annotations": {"a": "b"}}}`), metav1.PatchOptions{})
		return err != nil, nil
	})
	if err != nil {
		t.Fatal("the ValidatingAdmissionPolicy is not enforced: ", err)
	}
	for _, test := range tests {
		_, err := agent.CoreV1().Nodes().Patch(t.Context(), test.node, types.MergePatchType, []byte(test.patch), metav1.PatchOptions{})
		if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%s: %v, want %q", test.name, err, test.refused)
		}
	}
}

// testRights asks RBAC; what it does not allow here, nothing else allows.
func testRights(t *testing.T, admin kubernetes.Interface) {
	type right struct{ verb, group, resource string }
	rights := map[string]map[bool][]right{
		"antrea-agent": {
			true: {
				{"watch", "", "nodes"}, {"patch", "", "nodes"}, {"watch", "multicluster.crd.antrea.io", "gateways"},
				{"list", "multicluster.crd.antrea.io", "clusterinfoimports"}, {"create", "authentication.k8s.io", "tokenreviews"},
				{"create", "authorization.k8s.io", "subjectaccessreviews"}, {"watch", "system.antrea.io", "policyobjects"},
			},
			false: {
				{"get", "", "secrets"}, {"list", "", "secrets"}, {"create", "", "pods"}, {"delete", "", "nodes"}, {"impersonate", "", "users"},
				{"create", "", "serviceaccounts/token"}, {"impersonate", "system.antrea.io", "users"}, {"patch", "", "nodes/status"},
				{"update", "multicluster.crd.antrea.io", "gateways"},
			},
		},
		"antrea-controller": {
			true: {
				{"get", "", "nodes"}, {"impersonate", "system.antrea.io", "users"}, {"watch", "", "pods"}, {"list", "networking.k8s.io", "networkpolicies"},
				{"watch", "policy.networking.k8s.io", "clusternetworkpolicies"}, {"update", "policy.networking.k8s.io", "clusternetworkpolicies/status"},
			},
			false: {
				{"create", "", "pods"}, {"update", "policy.networking.k8s.io", "clusternetworkpolicies"}, {"patch", "networking.k8s.io", "networkpolicies"},
				{"get", "", "secrets"}, {"impersonate", "", "users"}, {"impersonate", "", "groups"}, {"patch", "", "nodes"}, {"patch", "apiregistration.k8s.io", "apiservices"}},
		},
	}
	for account, byAnswer := range rights {
		for want, list := range byAnswer {
			for _, r := range list {
				resource, sub, _ := strings.Cut(r.resource, "/")
				review, err := admin.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
					Spec: authorizationv1.SubjectAccessReviewSpec{
						User:   "system:serviceaccount:kube-system:" + account,
						Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
						ResourceAttributes: &authorizationv1.ResourceAttributes{
							Verb: r.verb, Group: r.group, Resource: resource, Subresource: sub, Namespace: namespaceOf(resource),
						},
					},
				}, metav1.CreateOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if review.Status.Allowed != want {
					t.Errorf("%s %s: allowed is %t, want %t", account, fmt.Sprint(r), review.Status.Allowed, want)
				}
			}
		}
	}
}

func namespaceOf(resource string) string {
	switch resource {
	case "secrets", "pods", "serviceaccounts", "gateways", "clusterinfoimports":
		return "kube-system"
	}
	return ""
}
