package apiserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/request"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
)

// forwarder passes a request on to the agent of the Node in its path, in the name of its caller, whom the agent checks again.
type forwarder struct {
	nodes interface {
		Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.Node, error)
	}
	tokenFile string
}

// agentTimeout is for one answer of an agent; the largest dumps take it a second or two.
const agentTimeout = 30 * time.Second

// ServeHTTP implements [http.Handler].
func (f forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), agentTimeout)
	defer cancel()
	node, err := f.nodes.Get(ctx, r.PathValue("node"), metav1.GetOptions{})
	if err != nil {
		secureserver.WriteError(w, err)
		return
	}
	agent, err := agentOf(node)
	if err != nil {
		secureserver.WriteError(w, apierrors.NewServiceUnavailable(err.Error()))
		return
	}
	caller, ok := request.UserFrom(ctx)
	if !ok {
		secureserver.WriteError(w, errors.New("request without a user"))
		return
	}
	token, err := os.ReadFile(f.tokenFile) // kubelet renews it
	if err != nil {
		secureserver.WriteError(w, fmt.Errorf("token for agents: %w", err))
		return
	}
	proxy := httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "https", Host: agent.address.String()})
			p.Out.Header = http.Header{"Accept": p.In.Header["Accept"]}
			p.Out.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
			secureserver.SetOnBehalf(p.Out.Header, caller)
		},
		Transport: &http.Transport{TLSClientConfig: secureserver.Pinned(agent.certificate), DisableKeepAlives: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			secureserver.WriteError(w, apierrors.NewServiceUnavailable(
				fmt.Sprintf("the agent of Node %s at %s: %v: look at kubectl -n kube-system get pods -l component=antrea-agent --field-selector spec.nodeName=%[1]s",
					node.Name, agent.address, err)))
		},
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
}

// agent is where an agent's API is, and by what certificate it is known.
type agent struct {
	address     netip.AddrPort
	certificate string
}

// agentOf reads what the agent has written to its Node.
func agentOf(node *corev1.Node) (agent, error) {
	port := node.Annotations[systemv1alpha1.AnnotationAgentAPIPort]
	certificate := node.Annotations[systemv1alpha1.AnnotationAgentAPICertificate]
	if port == "" || certificate == "" {
		return agent{}, fmt.Errorf("node %s has no agent that announced its API: look at its antrea-agent Pod in kube-system", node.Name)
	}
	for _, a := range node.Status.Addresses {
		if a.Type != corev1.NodeInternalIP {
			continue
		}
		address, err := netip.ParseAddrPort(net.JoinHostPort(a.Address, port))
		if err != nil {
			return agent{}, fmt.Errorf("agent API of Node %s: %w", node.Name, err)
		}
		return agent{address, certificate}, nil
	}
	return agent{}, fmt.Errorf("node %s has no internal IP", node.Name)
}
