package policystatus

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/apitest"
	"github.com/antrea-mc/antrea-mc/pkg/policywatch"
)

// crd is the kind as its API has it, with all that is experimental.
func crd(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/network-policy-api").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "config/crd/experimental/policy.networking.k8s.io_clusternetworkpolicies.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func parse(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	var o unstructured.Unstructured
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return &o
}

func policyNamed(t *testing.T, name, rules string) *unstructured.Unstructured {
	t.Helper()
	return parse(t, `{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: `+name+`},
		spec: {tier: Admin, priority: 7, subject: {namespaces: {}}, egress: [`+rules+`]}}`)
}

// TestRealStatus has a real API server with the kind, which comes after who waits for it.
func TestRealStatus(t *testing.T) {
	client, err := dynamic.NewForConfig(apitest.Start(t, "east")[0].Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, client) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	crds := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	if _, err := crds.Create(ctx, crd(t), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	policies := client.Resource(policywatch.Resource())
	const nodes = `{action: Accept, to: [{nodes: {}}, {networks: ["10.0.0.0/8", "fd00::/8"]}]}`
	const domain = `{action: Accept, to: [{domainNames: ["*.kubernetes.io", "k8s.io."]}]}`
	const refused = `{action: Deny, to: [{domainNames: ["*.kubernetes.io"]}]}`
	for name, rules := range map[string]string{"networks": nodes, "domains": nodes + "," + domain, "refused": nodes + "," + refused} {
		until(t, "the API takes policy "+name, func() bool {
			_, err = policies.Create(ctx, policyNamed(t, name, rules), metav1.CreateOptions{})
			return err == nil
		})
	}
	says := func(name string, generation int64, status metav1.ConditionStatus, reason, message string) {
		t.Helper()
		var p policyv1alpha2.ClusterNetworkPolicy
		until(t, "policy "+name+" says that it is "+reason, func() bool {
			o, err := policies.Get(ctx, name, metav1.GetOptions{})
			if err == nil {
				err = runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p)
			}
			if err != nil {
				t.Fatal(err)
			}
			return len(p.Status.Conditions) == 1 && p.Status.Conditions[0].ObservedGeneration == generation
		})
		c := p.Status.Conditions[0]
		if c.Type != ConditionAccepted || c.Status != status || c.Reason != reason || !strings.Contains(c.Message, message) {
			t.Errorf("policy %s: %+v, want %s, %s, %q", name, c, status, reason, message)
		}
	}
	says("networks", 1, metav1.ConditionTrue, ReasonUnderstood, "")
	says("domains", 1, metav1.ConditionTrue, ReasonUnderstood, "")
	says("refused", 1, metav1.ConditionFalse, ReasonNotUnderstood, "spec.egress[1].to[0]: domainNames are for rules with action Accept: the rule denies everything")

	o, err := policies.Get(ctx, "refused", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	o.Object["spec"] = policyNamed(t, "refused", nodes).Object["spec"]
	if _, err := policies.Update(ctx, o, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	says("refused", 2, metav1.ConditionTrue, ReasonUnderstood, "")
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after a minute: %s", what)
		}
	}
}
