package mc

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// asksAtOnce is how many agents are asked at the same time.
const asksAtOnce = 8

// sight is what a cluster's API and agents say about gateways at one moment.
type sight struct {
	gateways []v1alpha1.Gateway
	imports  []v1alpha1.ClusterInfoImport
	agents   map[string]agentView // by Node
}

// agentView is the answer of an agent, or why there is none.
type agentView struct {
	peers systemv1alpha1.GatewayPeerList
	err   error
}

// look asks the API and the agents of all gateways, and of every other Node if everyone is true. That an agent does not answer
// is part of the picture, not an error.
func (a *api) look(ctx context.Context, namespace string, everyone bool) (sight, error) {
	var s sight
	var gateways v1alpha1.GatewayList
	if err := a.List(ctx, &gateways, client.InNamespace(namespace)); err != nil {
		return s, notDeployed(err, Member, namespace)
	}
	var imports v1alpha1.ClusterInfoImportList
	if err := a.List(ctx, &imports, client.InNamespace(namespace)); err != nil {
		return s, notDeployed(err, Member, namespace)
	}
	s.gateways, s.imports = gateways.Items, imports.Items
	var names []string
	for _, g := range s.gateways {
		names = append(names, g.Name)
	}
	if everyone {
		var nodes corev1.NodeList
		if err := a.List(ctx, &nodes); err != nil {
			return s, fmt.Errorf("list Nodes: %w", err)
		}
		for _, n := range nodes.Items {
			names = append(names, n.Name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	var err error
	s.agents, err = a.ask(ctx, names)
	return s, err
}

// ask asks agents what they know of their peers.
func (a *api) ask(ctx context.Context, nodes []string) (map[string]agentView, error) {
	kube, err := kubernetes.NewForConfig(a.config)
	if err != nil {
		return nil, err
	}
	views := make([]agentView, len(nodes))
	var group errgroup.Group
	group.SetLimit(asksAtOnce)
	for i, node := range nodes {
		group.Go(func() error {
			views[i].err = system.Get(ctx, kube, &views[i].peers, nil, "nodes", node, "gatewaypeers")
			return nil
		})
	}
	_ = group.Wait() // each agent's error is its own
	all := make(map[string]agentView, len(nodes))
	for i, node := range nodes {
		all[node] = views[i]
	}
	return all, nil
}

// connection is one direction of a pair: what a Node of this cluster knows of a peer.
type connection struct {
	Node string `json:"node"`
	systemv1alpha1.GatewayPeer
	Driver string `json:"driver"`
}

// driver is what tunnels are made of.
const driver = "geneve"

// connections are those of the Nodes that were asked: to gateways of other clusters, or, with inside, within this cluster. A
// gateway whose agent does not answer, or has not heard of a peer, has Unknown for it.
func (s sight) connections(inside bool) []connection {
	all := []connection{}
	for node, view := range s.agents {
		known := map[string]bool{}
		for _, p := range view.peers.Items {
			known[p.ClusterID+"/"+p.Address] = true
			if inside == (p.ClusterID == "") {
				all = append(all, connection{node, p, driver})
			}
		}
		if inside {
			if view.err != nil {
				all = append(all, connection{node, systemv1alpha1.GatewayPeer{State: systemv1alpha1.PeerUnknown, Message: view.err.Error()}, driver})
			}
			continue
		}
		message := "the agent has not taken up this gateway yet"
		if view.err != nil {
			message = view.err.Error()
		} else if !view.peers.Gateway && len(view.peers.Items) > 0 {
			message = "the agent does not know yet that its Node is a gateway"
		}
		for _, i := range s.imports {
			for _, g := range i.Spec.GatewayInfos {
				if !s.isGateway(node) || known[i.Spec.ClusterID+"/"+g.GatewayIP] {
					continue
				}
				all = append(all, connection{node, systemv1alpha1.GatewayPeer{
					ClusterID: i.Spec.ClusterID, Name: g.Name, Address: g.GatewayIP, Gateway: true, Weight: g.Weight,
					SubnetCIDRs: i.Spec.PodCIDRs, State: systemv1alpha1.PeerUnknown, Message: message,
				}, driver})
			}
		}
	}
	slices.SortFunc(all, func(x, y connection) int {
		return cmp.Or(cmp.Compare(x.ClusterID, y.ClusterID), cmp.Compare(x.Node, y.Node), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Address, y.Address))
	})
	return all
}

func (s sight) isGateway(node string) bool {
	return slices.ContainsFunc(s.gateways, func(g v1alpha1.Gateway) bool { return g.Name == node })
}
