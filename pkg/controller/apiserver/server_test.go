package apiserver

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/kubernetes/fake"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/fake"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
)

// agentServer stands for an agent: it answers with what it was asked, and in whose name.
func agentServer(t *testing.T) (port, fingerprint string) {
	t.Helper()
	cert, err := secureserver.NewCertificate("n1")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s|%s|%s|%s|%s", r.URL, r.Header.Get("Authorization"), r.Header.Get("Impersonate-User"),
			r.Header.Values("Impersonate-Group"), r.Header.Get("X-Remote-User"))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	t.Cleanup(server.Close)
	_, port, err = net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, secureserver.Fingerprint(cert.Certificate[0])
}

func node(name, port, fingerprint string) *corev1.Node {
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{}}}
	n.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalIP, Address: "127.0.0.1"}}
	if port != "" {
		n.Annotations[systemv1alpha1.AnnotationAgentAPIPort] = port
		n.Annotations[systemv1alpha1.AnnotationAgentAPICertificate] = fingerprint
	}
	return n
}

func TestHandler(t *testing.T) {
	port, fingerprint := agentServer(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := Config{
		Client: fake.NewClientset(
			node("n1", port, fingerprint),
			node("silent", "", ""),
			node("impostor", port, "sha256:00"),
		),
		TokenFile: token,
		Policies:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "policies: ", r.URL.RawQuery) }),
	}.handler()

	const base = "/apis/system.antrea.io/v1alpha1"
	tests := []struct {
		path string
		code int
		body string
	}{
		{"/healthz", 200, "ok"},
		{"/apis", 200, `"kind":"APIGroupList"`},
		{"/apis/system.antrea.io", 200, `"preferredVersion":{"groupVersion":"system.antrea.io/v1alpha1"`},
		{base, 200, `"name":"nodes/ovsflows"`},
		{base, 200, `{"name":"policyobjects","singularName":"policyobject","namespaced":false,"kind":"PolicyObjectBatch","verbs":["watch"]}`},
		{base + "/policyobjects?watch=true", 200, "policies: watch=true"},
		{"/openapi/v3", 200, `"paths"`},
		{base + "/controllerinfos/antrea-controller", 200, `"kind":"ControllerInfo"`},
		{base + "/nodes/n1/ovsflows?table=16", 200, base + "/nodes/n1/ovsflows?table=16|Bearer secret|alice|[dev ops]|"},
		{base + "/nodes/silent/ovsflows", 503, "node silent has no agent that announced its API"},
		{base + "/nodes/impostor/ovsflows", 503, "certificate is " + fingerprint + ", not sha256:00"},
		{base + "/nodes/unknown/ovsflows", 404, `nodes \"unknown\" not found`},
		{base + "/nodes/n1/secrets", 404, ""},
	}
	for _, test := range tests {
		r := httptest.NewRequest(http.MethodGet, test.path, nil)
		r.Header.Set("X-Remote-User", "alice")
		r.Header.Set("Impersonate-User", "mallory")
		r = r.WithContext(request.WithUser(r.Context(), &user.DefaultInfo{Name: "alice", Groups: []string{"dev", "ops"}}))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != test.code || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("GET %s: %d %s, want %d with %q", test.path, w.Code, w.Body, test.code, test.body)
		}
	}
}

func TestEnsureBundle(t *testing.T) {
	ctx := t.Context()
	client := aggregator.NewSimpleClientset(&apiregistrationv1.APIService{ObjectMeta: metav1.ObjectMeta{Name: apiServiceName}})
	services := client.ApiregistrationV1().APIServices()
	for range 2 {
		if err := ensureBundle(ctx, services, []byte("bundle")); err != nil {
			t.Fatal(err)
		}
	}
	got, err := services.Get(ctx, "v1alpha1.system.antrea.io", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.Spec.CABundle) != "bundle" {
		t.Errorf("CA bundle is %q", got.Spec.CABundle)
	}
	if n := len(client.Actions()); n != 4 { // get, patch, get, and the get of this test
		t.Errorf("%d actions: %v", n, client.Actions())
	}
}
