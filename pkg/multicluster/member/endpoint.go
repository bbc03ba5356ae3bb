package member

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// patience is how long one request to the leader may take.
const patience = 5 * time.Second

// endpoint is where the leader is.
type endpoint struct {
	server    string
	ca        string
	namespace string // the leader's
}

// config is for requests with a token that may change.
func (e endpoint) config(token *atomic.Pointer[string]) *rest.Config {
	return &rest.Config{
		Host:            e.server,
		TLSClientConfig: rest.TLSClientConfig{CAData: []byte(e.ca)},
		WrapTransport: func(next http.RoundTripper) http.RoundTripper {
			return bearer{token, next}
		},
		QPS: 50, Burst: 100,
		UserAgent: "antrea-mc-controller/member",
	}
}

// client is for single requests.
func (e endpoint) client(scheme *runtime.Scheme, token *atomic.Pointer[string]) (client.Client, error) {
	conf := e.config(token)
	conf.Timeout = patience
	c, err := client.New(conf, client.Options{Scheme: scheme, Mapper: leaderMapper()})
	if err != nil {
		return nil, fmt.Errorf("talk to the leader at %s: %w", e.server, err)
	}
	return c, nil
}

// bearer adds the token of the moment to every request.
type bearer struct {
	token *atomic.Pointer[string]
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+*b.token.Load())
	return b.next.RoundTrip(r)
}

// leaderMapper knows the kinds that a member uses at the leader, so that no discovery is needed.
func leaderMapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	for _, kind := range []string{"MemberClusterAnnounce", "ResourceExport", "ResourceImport", "ResourceImportList"} {
		m.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
	}
	for kind, gv := range map[string]schema.GroupVersion{"Lease": coordinationv1.SchemeGroupVersion, "ServiceAccount": corev1.SchemeGroupVersion} {
		m.Add(gv.WithKind(kind), meta.RESTScopeNamespace)
	}
	m.Add(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), meta.RESTScopeRoot)
	return m
}
