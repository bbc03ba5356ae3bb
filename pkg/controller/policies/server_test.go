package policies

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// served is a server whose callers are agents of the Node that they name in a header.
type served struct {
	*Server
	t   *testing.T
	url string
}

func serve(t *testing.T, client *fake.Clientset) served {
	t.Helper()
	s := New(client, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := &user.DefaultInfo{Name: "agent"}
		if of := r.Header.Get("Node"); of != "" {
			u.Extra = map[string][]string{serviceaccount.NodeNameKey: {of}}
		}
		s.ServeHTTP(w, r.WithContext(request.WithUser(r.Context(), u)))
	}))
	h.Config.ReadTimeout = time.Second // as that of the real server, it is not for what goes on
	h.Start()
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return served{s, t, h.URL}
}

// ask begins a stream, and returns how it is answered.
func (s served) ask(query, as string) (code int, d *json.Decoder, hangUp func()) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"?"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Node", as)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	hangUp = func() { _ = answer.Body.Close() }
	s.t.Cleanup(hangUp)
	return answer.StatusCode, json.NewDecoder(answer.Body), hangUp
}

// stream reads batches.
func (s served) stream(node, instance string, version uint64) (d *json.Decoder, hangUp func()) {
	s.t.Helper()
	query := fmt.Sprintf("watch=true&fieldSelector=metadata.name%%3D%s&instance=%s&version=%d", node, instance, version)
	code, d, hangUp := s.ask(query, node)
	if code != http.StatusOK {
		s.t.Fatalf("answer %d", code)
	}
	return d, hangUp
}

func next(t *testing.T, d *json.Decoder) (b policy.Batch) {
	t.Helper()
	if err := d.Decode(&b); err != nil {
		t.Fatal(err)
	}
	return b
}

func podOn(node, name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: corev1.PodSpec{NodeName: node}}
}

func TestAsking(t *testing.T) {
	s := serve(t, fake.NewClientset())
	for _, test := range []struct {
		name, query, as string
		code            int
	}{
		{"another Node", "watch=true&fieldSelector=metadata.name%3Dn2", "n1", 403},
		{"nobody's token", "watch=true&fieldSelector=metadata.name%3Dn1", "", 403},
		{"all Nodes", "watch=true", "n1", 400},
		{"a list", "fieldSelector=metadata.name%3Dn1", "n1", 400},
		{"no version", "watch=true&fieldSelector=metadata.name%3Dn1&version=x", "n1", 400},
	} {
		if code, _, _ := s.ask(test.query, test.as); code != test.code {
			t.Errorf("%s: %d, want %d", test.name, code, test.code)
		}
	}
	select {
	case <-s.wanted:
		t.Error("watches the cluster for who may not ask")
	default:
	}
}

func TestStream(t *testing.T) {
	client := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, podOn("n1", "a"), podOn("n2", "b"))
	s := serve(t, client)
	d, _ := s.stream("n1", "", 0)
	first := next(t, d)
	if !first.Whole || len(first.Objects) != 2 || first.Instance == "" {
		t.Fatalf("at first: %+v, want Pod a and its Namespace", first)
	}
	time.Sleep(1500 * time.Millisecond) // longer than one may take to ask
	create := func(name string) {
		if _, err := client.CoreV1().Pods("default").Create(t.Context(), podOn("n1", name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("c")
	if b := next(t, d); b.Whole || len(b.Objects) != 2 || b.Version <= first.Version {
		t.Fatalf("of a new Pod: %+v", b)
	}

	// A new stream of the Node ends the old one, and goes on where the Node was.
	again, _ := s.stream("n1", first.Instance, first.Version)
	if b := next(t, again); b.Whole || len(b.Objects) != 2 {
		t.Errorf("of what was missed: %+v", b)
	}
	for {
		var b policy.Batch
		if err := d.Decode(&b); err != nil {
			break
		}
		if len(b.Objects) > 0 {
			t.Errorf("the old stream goes on with %+v", b)
		}
	}
	create("d")
	if b := next(t, again); len(b.Objects) != 2 {
		t.Errorf("of a Pod after that: %+v", b)
	}
	other, hangUp := s.stream("n2", "another", 1<<40)
	if b := next(t, other); !b.Whole || b.Instance != s.instance {
		t.Errorf("after another controller: %+v", b)
	}

	// Who is away for long is forgotten, and who is not is not.
	nodes := func() string {
		s.forget(time.Now())
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.distributor.String()
	}
	if got := nodes(); !strings.Contains(got, "2 Nodes served") {
		t.Error(got)
	}
	hangUp()
	until(t, "an agent that went is forgotten", func() bool { return strings.Contains(nodes(), "1 Nodes served") })
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after 20 s: %s", what)
		}
	}
}
