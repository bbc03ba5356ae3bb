// Package apiserver is antrea-controller's part of the Kubernetes API: system.antrea.io/v1alpha1, to which the API server
// hands on what it is asked, with the caller's name.
//
// Start at [Run]. discovery.go says what there is, forward.go passes requests on to agents, apiservice.go keeps the
// APIService's trust in our certificate up to date.
package apiserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/typed/apiregistration/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

// Config is what the API needs.
type Config struct {
	Port        int
	ServiceHost string // the DNS name by which the API server reaches us: SERVICE.NAMESPACE.svc
	Client      kubernetes.Interface
	APIServices apiregistration.APIServiceInterface
	TokenFile   string       // our token for agents
	Policies    http.Handler // answers agents about policies
}

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("controller API: %w", err)
	}
	defer listener.Close()
	cert, err := secureserver.NewCertificate(c.ServiceHost)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return trust(ctx, c.APIServices, secureserver.PEM(cert)) })
	group.Go(func() error {
		return secureserver.Run(ctx, secureserver.Config{
			Listener:    listener,
			Certificate: cert,
			Client:      c.Client,
			Handler:     c.handler(),
			Public:      []string{"/healthz", "/livez", "/readyz"},
		})
	})
	return group.Wait()
}

func (c Config) handler() http.Handler {
	group := "/apis/" + systemv1alpha1.GroupVersion.Group
	resources := "/apis/" + systemv1alpha1.GroupVersion.String()
	f := forwarder{nodes: c.Client.CoreV1().Nodes(), tokenFile: c.TokenFile}
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }

	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", ok)
	mux.HandleFunc("GET /livez", ok)
	mux.HandleFunc("GET /readyz", ok)
	mux.HandleFunc("GET /apis", answer(groupList))
	mux.HandleFunc("GET "+group, answer(apiGroup))
	mux.HandleFunc("GET "+resources, answer(resourceList))
	mux.HandleFunc("GET /openapi/v2", answer(openAPIV2))
	mux.HandleFunc("GET /openapi/v3", answer(openAPIV3))
	mux.HandleFunc("GET "+resources+"/controllerinfos/"+controllerName, answer(controllerInfo))
	mux.Handle("GET "+resources+"/"+systemv1alpha1.PolicyObjects, c.Policies)
	for _, sub := range forwarded {
		mux.Handle("GET "+resources+"/nodes/{node}/"+sub.name, f)
		if slices.Contains(sub.verbs, "create") {
			mux.Handle("POST "+resources+"/nodes/{node}/"+sub.name, f)
		}
	}
	return mux
}

func answer(object func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { secureserver.WriteJSON(w, object()) }
}

// controllerName is the name of the one ControllerInfo.
const controllerName = "antrea-controller"

func controllerInfo() any {
	return systemv1alpha1.ControllerInfo{
		TypeMeta:   metav1.TypeMeta{APIVersion: systemv1alpha1.GroupVersion.String(), Kind: "ControllerInfo"},
		ObjectMeta: metav1.ObjectMeta{Name: controllerName},
		Version:    version.String(),
	}
}
