package secureserver

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// reviewer is an API server that knows the tokens "NAME" of the API server's own audience and "NAME@AUDIENCE", and allows
// what is in the list, each as "USER VERB GROUP/RESOURCE/SUBRESOURCE NAME" or "USER VERB PATH".
func reviewer(t *testing.T, allowed ...string) kubernetes.Interface {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authenticationv1.TokenReview
		decode(t, r, &review)
		name, audience, _ := strings.Cut(review.Spec.Token, "@")
		switch {
		case name == "stranger":
			review.Status.Error = "unknown token"
		case audience == "" && len(review.Spec.Audiences) == 0, slices.Contains(review.Spec.Audiences, audience):
			review.Status.Authenticated = true
			review.Status.User.Username = name
			review.Status.Audiences = review.Spec.Audiences
		default:
			review.Status.Error = "token audiences do not fit"
		}
		WriteJSON(w, review)
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SubjectAccessReview
		decode(t, r, &review)
		var asked string
		if r := review.Spec.ResourceAttributes; r != nil {
			asked = fmt.Sprintf("%s %s %s/%s/%s %s", review.Spec.User, r.Verb, r.Group, r.Resource, r.Subresource, r.Name)
		} else {
			asked = fmt.Sprintf("%s %s %s", review.Spec.User, review.Spec.NonResourceAttributes.Verb, review.Spec.NonResourceAttributes.Path)
		}
		review.Status.Allowed = slices.Contains(allowed, asked)
		WriteJSON(w, review)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func decode(t *testing.T, r *http.Request, v any) {
	t.Helper()
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		t.Error(err)
	}
}

// serve runs a server that answers with the name of its caller and returns its address and certificate.
func serve(t *testing.T, c Config) (url string, cert tls.Certificate) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Listener = listener
	if c.Certificate, err = NewCertificate("localhost"); err != nil {
		t.Fatal(err)
	}
	c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, ok := request.UserFrom(r.Context())
		if !ok {
			u = &user.DefaultInfo{Name: "anyone"}
		}
		fmt.Fprintf(w, "%s %v", u.GetName(), u.GetGroups())
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, c) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "https://" + listener.Addr().String(), c.Certificate
}

func TestRun(t *testing.T) {
	const flows = "/apis/system.antrea.io/v1alpha1/nodes/n1/ovsflows"
	url, cert := serve(t, Config{
		Client: reviewer(t,
			"alice get system.antrea.io/nodes/ovsflows n1",
			"prometheus get /metrics",
			"controller impersonate system.antrea.io/users/ alice",
			"controller impersonate system.antrea.io/users/ bob",
		),
		Public:    []string{"/healthz"},
		Audiences: []string{"antrea-agent"},
		OnBehalf:  schema.GroupResource{Group: "system.antrea.io", Resource: "users"},
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: Pinned(Fingerprint(cert.Certificate[0]))}}
	defer client.CloseIdleConnections()

	tests := []struct {
		name     string
		path     string
		token    string
		onBehalf user.Info
		code     int
		body     string
	}{
		{name: "public", path: "/healthz", code: 200, body: "anyone []"},
		{name: "public with a token is still public", path: "/healthz", token: "stranger", code: 200, body: "anyone []"},
		{name: "nobody", path: flows, code: 401, body: "Unauthorized"},
		{name: "unknown token", path: flows, token: "stranger", code: 401, body: "Unauthorized"},
		{name: "allowed resource", path: flows, token: "alice", code: 200, body: "alice [system:authenticated]"},
		{name: "resource of another Node", path: strings.Replace(flows, "n1", "n2", 1), token: "alice", code: 403,
			body: `User \"alice\" cannot get resource \"nodes/ovsflows\" in API group \"system.antrea.io\"`},
		{name: "allowed path", path: "/metrics", token: "prometheus", code: 200, body: "prometheus"},
		{name: "other path", path: "/debug/pprof", token: "prometheus", code: 403, body: "cannot get path"},
		{name: "audience of the server", path: flows, token: "alice@antrea-agent", code: 200, body: "alice"},
		{name: "audience of others", path: flows, token: "alice@vault", code: 401, body: "Unauthorized"},
		{name: "on behalf", path: flows, token: "controller@antrea-agent", onBehalf: &user.DefaultInfo{Name: "alice", Groups: []string{"dev"}},
			code: 200, body: "alice [dev]"},
		{name: "on behalf of one who may not", path: flows, token: "controller@antrea-agent", onBehalf: &user.DefaultInfo{Name: "bob"}, code: 403,
			body: `User \"bob\" cannot get`},
		{name: "on behalf by one who may not", path: flows, token: "alice", onBehalf: &user.DefaultInfo{Name: "bob"}, code: 403,
			body: "may not ask in the name of others"},
		{name: "the controller for itself", path: flows, token: "controller@antrea-agent", code: 403, body: `User \"controller\" cannot`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+test.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if test.token != "" {
				r.Header.Set("Authorization", "Bearer "+test.token)
			}
			if test.onBehalf != nil {
				SetOnBehalf(r.Header, test.onBehalf)
			}
			answer, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != test.code || !strings.Contains(string(body), test.body) {
				t.Errorf("answer %d %s, want %d with %q", answer.StatusCode, body, test.code, test.body)
			}
		})
	}
}

func TestPinnedRefusesAnotherCertificate(t *testing.T) {
	url, _ := serve(t, Config{Client: reviewer(t), Public: []string{"/healthz"}})
	other, err := NewCertificate("localhost")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: Pinned(Fingerprint(other.Certificate[0]))}}
	answer, err := client.Get(url + "/healthz")
	if err == nil {
		answer.Body.Close()
		t.Fatal("a server with another certificate was trusted")
	}
	if !strings.Contains(err.Error(), "the server's certificate is sha256:") {
		t.Errorf("error is %v", err)
	}
}

func TestOnBehalfRoundTrip(t *testing.T) {
	want := &user.DefaultInfo{
		Name: "alice", UID: "1", Groups: []string{"a", "b"},
		Extra: map[string][]string{"example.com/scope": {"x", "y"}},
	}
	h := http.Header{"Impersonate-User": {"mallory"}, "Impersonate-Group": {"system:masters"}, "Accept": {"*/*"}}
	SetOnBehalf(h, want)
	if got := onBehalfUser(h); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
	dropOnBehalf(h)
	if len(h) != 1 {
		t.Errorf("left: %v", h)
	}
}
