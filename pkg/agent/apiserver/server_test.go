package apiserver

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// fakeAgent has two flows, and remembers what it was asked.
type fakeAgent struct {
	asked FlowQuery
	ready error
}

func (a *fakeAgent) Flows(_ context.Context, q FlowQuery) ([]openflow.FlowStats, error) {
	a.asked = q
	var flows []openflow.FlowStats
	for _, text := range []string{
		"table=16, priority=200,ip,nw_dst=10.244.16.0/20 actions=resubmit(,18)",
		"table=28, priority=0 actions=drop",
	} {
		f, err := openflow.ParseFlow(text)
		if err != nil {
			return nil, err
		}
		flows = append(flows, openflow.FlowStats{Flow: f, Packets: 3, Bytes: 294, Duration: 1500 * time.Millisecond, IdleTime: -1})
	}
	return flows, nil
}

func (*fakeAgent) Info(context.Context) systemv1alpha1.AgentInfo {
	return systemv1alpha1.AgentInfo{LocalPods: 2}
}

func (*fakeAgent) FQDNCache(_ context.Context, domain string) (systemv1alpha1.FQDNCacheEntryList, error) {
	return systemv1alpha1.FQDNCacheEntryList{Items: []systemv1alpha1.FQDNCacheEntry{{Name: domain, Address: "192.0.2.1"}}}, nil
}

func (*fakeAgent) NetworkPolicyRules(context.Context) (systemv1alpha1.NetworkPolicyRuleList, error) {
	return systemv1alpha1.NetworkPolicyRuleList{Items: []systemv1alpha1.NetworkPolicyRule{}}, nil
}

func (*fakeAgent) GatewayPeers(context.Context) (systemv1alpha1.GatewayPeerList, error) {
	return systemv1alpha1.GatewayPeerList{Items: []systemv1alpha1.GatewayPeer{{Name: "gw1", State: systemv1alpha1.PeerUnknown}}}, nil
}
func (*fakeAgent) Drift(_ context.Context, repair bool) (systemv1alpha1.DriftList, error) {
	return systemv1alpha1.DriftList{Repaired: repair, Items: []systemv1alpha1.Drift{{Kind: systemv1alpha1.DriftForeign}}}, nil
}
func (*fakeAgent) PodInterfaces(context.Context) (systemv1alpha1.PodInterfaceList, error) {
	return systemv1alpha1.PodInterfaceList{Items: []systemv1alpha1.PodInterface{{PodName: "web"}}}, nil
}
func (*fakeAgent) Drops(context.Context) (systemv1alpha1.DropList, error) {
	return systemv1alpha1.DropList{}, apierrors.NewServiceUnavailable("no OpenFlow connection")
}
func (*fakeAgent) Live() error    { return nil }
func (a *fakeAgent) Ready() error { return a.ready }

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestHandler(t *testing.T) {
	const node = "/apis/system.antrea.io/v1alpha1/nodes/"
	h := Config{NodeName: "n1", Agent: &fakeAgent{ready: errors.New("waiting for OVS")}, Metrics: prometheus.NewRegistry()}.handler()
	tests := []struct {
		path string
		code int
		body string
	}{
		{"/healthz", 200, "ok"},
		{"/livez", 200, "ok"},
		{"/readyz", 503, "waiting for OVS"},
		{"/version", 200, `"gitVersion":"`},
		{"/metrics", 200, ""},
		{node + "n1/ovsflows", 200, `table=16, n_packets=3, n_bytes=294, priority=200,ip,nw_dst=10.244.16.0/20 actions=resubmit(,18)`},
		{node + "n2/ovsflows", 404, `nodes \"n2\" not found`},
		{node + "n1/ovsflows?table=99x", 400, `table \"99x\" is neither a number from 0 to 254 nor one of Classifier, `},
		{node + "n1/ovsflows?port=3", 400, `unknown parameter \"port\"`},
		{node + "n1/agentinfo", 200, `"kind":"AgentInfo","apiVersion":"system.antrea.io/v1alpha1","node":"n1"`},
		{node + "n1/gatewaypeers", 200, `"kind":"GatewayPeerList","apiVersion":"system.antrea.io/v1alpha1","node":"n1"`},
		{node + "n1/podinterfaces", 200, `"node":"n1","items":[{"podNamespace":"","podName":"web"`},
		{node + "n1/drops", 503, "no OpenFlow connection"},
		{node + "n1/fqdncache?domain=a.com", 200, `"kind":"FQDNCacheEntryList","apiVersion":"system.antrea.io/v1alpha1","node":"n1","items":[{"name":"a.com"`},
		{node + "n1/networkpolicyrules", 200, `"kind":"NetworkPolicyRuleList","apiVersion":"system.antrea.io/v1alpha1","node":"n1"`},
		{node + "n1/drift", 200, `"repaired":false`},
		{node + "n2/drift", 404, `nodes \"n2\" not found`},
		{node + "n1/secrets", 404, ""},
	}
	for _, test := range tests {
		code, body := get(t, h, test.path)
		if code != test.code || !strings.Contains(body, test.body) {
			t.Errorf("GET %s: %d %s, want %d with %q", test.path, code, body, test.code, test.body)
		}
	}
}

func TestRepair(t *testing.T) {
	h := Config{NodeName: "n1", Agent: &fakeAgent{}, Metrics: prometheus.NewRegistry()}.handler()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/apis/system.antrea.io/v1alpha1/nodes/n1/drift", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"node":"n1","compared":0,"repaired":true`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestFlowList(t *testing.T) {
	h := Config{NodeName: "n1", Agent: &fakeAgent{}, Metrics: prometheus.NewRegistry()}.handler()
	_, body := get(t, h, "/apis/system.antrea.io/v1alpha1/nodes/n1/ovsflows")
	var list systemv1alpha1.OVSFlowList
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	want := systemv1alpha1.OVSFlow{
		Table: 16, TableName: "L3Forwarding", Priority: 200, Cookie: "0x0", DurationSeconds: 1.5, Packets: 3, Bytes: 294,
		Text: "cookie=0x0, duration=1.500s, table=16, n_packets=3, n_bytes=294, priority=200,ip,nw_dst=10.244.16.0/20 actions=resubmit(,18)",
	}
	if diff := cmp.Diff(want, list.Items[0]); diff != "" {
		t.Errorf("first flow (-want +got):\n%s", diff)
	}
}

func TestParseFlowQuery(t *testing.T) {
	table := func(id openflow.TableID) *openflow.TableID { return &id }
	tests := []struct {
		query string
		want  FlowQuery
		err   string
	}{
		{query: ""},
		{query: "table=16", want: FlowQuery{Table: table(16)}},
		{query: "table=Output", want: FlowQuery{Table: table(28)}},
		{query: "pod=demo/a-1", want: FlowQuery{Pod: types.NamespacedName{Namespace: "demo", Name: "a-1"}}},
		{query: "cluster=west&table=0", want: FlowQuery{Cluster: "west", Table: table(0)}},
		{query: "table=255", err: "neither a number from 0 to 254"},
		{query: "table=output", err: "neither a number"},
		{query: "pod=a-1", err: "not NAMESPACE/NAME"},
		{query: "tables=1", err: `unknown parameter "tables"`},
	}
	for _, test := range tests {
		values, err := url.ParseQuery(test.query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseFlowQuery(values)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want %q", test.query, err, test.err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", test.query, err, diff)
		}
	}
}

func TestAnnounce(t *testing.T) {
	ctx := t.Context()
	client := fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: map[string]string{"theirs": "x"}}})
	a := announcement{node: "n1", annotations: map[string]string{systemv1alpha1.AnnotationAgentAPIPort: "10350"}}
	for range 2 {
		if err := a.ensure(ctx, client.CoreV1().Nodes()); err != nil {
			t.Fatal(err)
		}
	}
	node, err := client.CoreV1().Nodes().Get(ctx, "n1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"theirs": "x", systemv1alpha1.AnnotationAgentAPIPort: "10350"}
	if diff := cmp.Diff(want, node.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	patches := 0
	for _, action := range client.Actions() {
		if action.GetVerb() == "patch" {
			patches++
		}
	}
	if patches != 1 {
		t.Errorf("%d patches, want 1: nothing is written twice", patches)
	}
}
