// Package apiserver is the agent's own API, over HTTPS on the Node's address.
//
// Start at [Run]. Health is public, everything else is asked by antrea-controller on behalf of its callers, or by anyone whom
// RBAC allows: /metrics and /version, and of pkg/apis/system/v1alpha1 what concerns this Node. handlers.go answers, announce.go
// keeps in annotations of the Node where the API is and by which certificate it is known. What is answered comes from [Agent].
package apiserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
)

// Agent is what the API tells about. It is used concurrently.
type Agent interface {
	// Flows are the flows of the bridge with their counters, in the order of [openflow.Flow.Compare]. Its error is one of
	// apimachinery if the query names what this Node does not have.
	Flows(ctx context.Context, q FlowQuery) ([]openflow.FlowStats, error)
	// Info tells about the agent; Node and Version are filled in by the caller.
	Info(ctx context.Context) systemv1alpha1.AgentInfo
	// GatewayPeers tells about the gateways and Nodes that this Node watches; Node is filled in by the caller.
	GatewayPeers(ctx context.Context) (systemv1alpha1.GatewayPeerList, error)
	// Drift compares the bridge with what it is to hold, and repairs it if it is to; Node is filled in by the caller.
	Drift(ctx context.Context, repair bool) (systemv1alpha1.DriftList, error)
	// PodInterfaces are the Pods' ports; Node is filled in by the caller.
	PodInterfaces(ctx context.Context) (systemv1alpha1.PodInterfaceList, error)
	// Drops are counted by the switch; Node is filled in by the caller.
	Drops(ctx context.Context) (systemv1alpha1.DropList, error)
	// NetworkPolicyRules tells about the rules for Pods of this Node; Node is filled in by the caller.
	NetworkPolicyRules(ctx context.Context) (systemv1alpha1.NetworkPolicyRuleList, error)
	// FQDNCache tells what Pods of this Node were told of a domain name, or of all; Node is filled in by the caller.
	FQDNCache(ctx context.Context, domain string) (systemv1alpha1.FQDNCacheEntryList, error)
	// Live is nil, or why only a restart helps.
	Live() error
	// Ready is nil, or what the agent still waits for.
	Ready() error
}

// FlowQuery selects flows; all that is set must hold. The zero value selects all flows.
type FlowQuery struct {
	Table   *openflow.TableID
	Pod     types.NamespacedName // flows of this Pod on the Node
	Cluster string               // flows of another cluster of the ClusterSet
}

// Config is what the API needs.
type Config struct {
	NodeName string
	Port     int // 0 for any that is free
	Client   kubernetes.Interface
	Agent    Agent
	Metrics  prometheus.Gatherer
}

// DefaultPort is the port if the configuration names none.
const DefaultPort = 10350

// Run serves until ctx ends.
func Run(ctx context.Context, c Config) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("agent API: %w", err)
	}
	defer listener.Close()
	cert, err := secureserver.NewCertificate(c.NodeName)
	if err != nil {
		return err
	}
	announced := announcement{
		node: c.NodeName,
		annotations: map[string]string{
			systemv1alpha1.AnnotationAgentAPIPort:        strconv.Itoa(listener.Addr().(*net.TCPAddr).Port),
			systemv1alpha1.AnnotationAgentAPICertificate: secureserver.Fingerprint(cert.Certificate[0]),
		},
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return announced.run(ctx, c.Client.CoreV1().Nodes()) })
	group.Go(func() error {
		return secureserver.Run(ctx, secureserver.Config{
			Listener:    listener,
			Certificate: cert,
			Client:      c.Client,
			Handler:     c.handler(),
			Public:      []string{"/healthz", "/livez", "/readyz"},
			Audiences:   []string{systemv1alpha1.AgentAudience},
			OnBehalf:    systemv1alpha1.GroupVersion.WithResource("users").GroupResource(),
		})
	})
	return group.Wait()
}

func (c Config) handler() http.Handler {
	h := handlers{node: c.NodeName, agent: c.Agent}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", health(c.Agent.Live))
	mux.HandleFunc("GET /livez", health(c.Agent.Live))
	mux.HandleFunc("GET /readyz", health(c.Agent.Ready))
	mux.HandleFunc("GET /version", h.version)
	mux.Handle("GET /metrics", metrics(c.Metrics))
	mux.HandleFunc("GET "+nodePath("ovsflows"), h.ofThisNode(h.flows))
	mux.HandleFunc("GET "+nodePath("agentinfo"), h.ofThisNode(h.info))
	mux.HandleFunc("GET "+nodePath("gatewaypeers"), h.ofThisNode(h.gatewayPeers))
	mux.HandleFunc("GET "+nodePath("podinterfaces"), h.ofThisNode(h.podInterfaces))
	mux.HandleFunc("GET "+nodePath("drops"), h.ofThisNode(h.drops))
	mux.HandleFunc("GET "+nodePath("networkpolicyrules"), h.ofThisNode(h.networkPolicyRules))
	mux.HandleFunc("GET "+nodePath("fqdncache"), h.ofThisNode(h.fqdnCache))
	mux.HandleFunc("GET "+nodePath("drift"), h.ofThisNode(h.drift))
	mux.HandleFunc("POST "+nodePath("drift"), h.ofThisNode(h.drift))
	return mux
}

// nodePath is the path of a subresource of a Node, the same one at antrea-controller.
func nodePath(subresource string) string {
	return "/apis/" + systemv1alpha1.GroupVersion.String() + "/nodes/{node}/" + subresource
}
