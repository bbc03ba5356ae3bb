package antctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/system"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

func newQueryPolicy(target *cluster.Flags) *cobra.Command {
	var q policyQuery
	cmd := &cobra.Command{
		Use:     "networkpolicy",
		Aliases: []string{"netpol"},
		Short:   "Say whether policies let one talk to another, and which rule decides",
		Long: `Reads Namespaces, Nodes, Pods and policies from the API and decides as agents do, by the same code. The port is that
of the receiving Pod: what a Service makes of it has been done. Needs the right to list these kinds in all Namespaces. What the Pods of
the sender's Node were told of domain names is asked of its agent, if rules are about names.`,
		Example: `  antctl query networkpolicy --from default/frontend --to default/backend1 --port 80
  antctl query networkpolicy --from 192.0.2.7 --to kube-system/coredns-0 --port udp/53`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := target.Client()
			if err != nil {
				return err
			}
			return q.run(cmd.Context(), client, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&q.from, "from", "", "the sender: a Pod as NAMESPACE/NAME, or an address")
	cmd.Flags().StringVar(&q.to, "to", "", "the receiver: a Pod as NAMESPACE/NAME, or an address")
	cmd.Flags().StringVar(&q.port, "port", "", "the port, as in 80, tcp/80, udp/53")
	for _, name := range []string{"from", "to", "port"} {
		_ = cmd.MarkFlagRequired(name)
	}
	return cmd
}

type policyQuery struct {
	from, to, port string
}

func (q policyQuery) run(ctx context.Context, client kubernetes.Interface, w io.Writer) error {
	from, err := parsePeer("--from", q.from)
	if err != nil {
		return err
	}
	to, err := parsePeer("--to", q.to)
	if err != nil {
		return err
	}
	port, err := policy.ParsePort(q.port)
	if err != nil {
		return fmt.Errorf("--port: %w", err)
	}
	engine, problems, err := readPolicies(ctx, client)
	if err != nil {
		return err
	}
	if err := tellNames(ctx, client, engine, from.Pod); err != nil {
		problems = append(problems, err)
	}
	for _, problem := range problems {
		fmt.Fprintf(w, "warning: %s\n", problem)
	}
	v, err := engine.Query(from, to, port.Protocol, port.First)
	if err != nil {
		return err
	}
	verdict := "denied"
	if v.Allowed() {
		verdict = "allowed"
	}
	_, err = fmt.Fprintf(w, "%s: %s to %s, %s\n  egress:  %s\n  ingress: %s\n", verdict, describe(q.from, v.Source), describe(q.to, v.Destination), port,
		v.Egress, v.Ingress)
	return err
}

// tellNames tells an engine what the agent of a Pod's Node knows of domain names, if it matters.
func tellNames(ctx context.Context, client kubernetes.Interface, e *policy.Engine, sender types.NamespacedName) error {
	pod, ok := e.Pod(sender)
	if !ok || !e.Asks(sender) {
		return nil
	}
	var list systemv1alpha1.FQDNCacheEntryList
	if err := system.Get(ctx, client, &list, nil, "nodes", pod.Node, "fqdncache"); err != nil {
		return fmt.Errorf("what Pods of Node %s were told of domain names is not known: %w", pod.Node, err)
	}
	told := make(map[types.NamespacedName][]policy.Resolution)
	for _, entry := range list.Items {
		address, err := netip.ParseAddr(entry.Address)
		if err != nil {
			return fmt.Errorf("the agent of Node %s: %w", pod.Node, err)
		}
		for _, name := range entry.Pods {
			namespace, name, _ := strings.Cut(name, "/")
			of := types.NamespacedName{Namespace: namespace, Name: name}
			told[of] = append(told[of], policy.Resolution{Name: entry.Name, Address: address, Lapsed: entry.Lapsed})
		}
	}
	for of, all := range told {
		e.SetResolutions(of, all)
	}
	return nil
}

func describe(asked string, a netip.Addr) string {
	if asked == a.String() {
		return asked
	}
	return fmt.Sprintf("%s (%s)", asked, a)
}

func parsePeer(flag, text string) (policy.Peer, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return policy.Peer{IP: a}, nil
	}
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || namespace == "" || name == "" {
		return policy.Peer{}, fmt.Errorf("%s %s: write NAMESPACE/NAME of a Pod, or an address", flag, text)
	}
	return policy.Peer{Pod: types.NamespacedName{Namespace: namespace, Name: name}}, nil
}

// readPolicies fills an engine from the API. Problems are what of policies is not in force.
func readPolicies(ctx context.Context, client kubernetes.Interface) (e *policy.Engine, problems []error, err error) {
	e = policy.New("")
	namespaces, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("list Namespaces: %w", err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("list Nodes: %w", err)
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("list Pods: %w", err)
	}
	policies, err := client.NetworkingV1().NetworkPolicies("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, nil, fmt.Errorf("list NetworkPolicies: %w", err)
	}
	clusterPolicies, err := listClusterPolicies(ctx, client)
	if err != nil {
		return nil, nil, err
	}
	problems = append(problems, set(e, namespaces.Items)...)
	problems = append(problems, set(e, nodes.Items)...)
	problems = append(problems, set(e, pods.Items)...)
	problems = append(problems, set(e, policies.Items)...)
	return e, append(problems, set(e, clusterPolicies)...), nil
}

// listClusterPolicies are none where the API does not have the kind.
func listClusterPolicies(ctx context.Context, client kubernetes.Interface) ([]policyv1alpha2.ClusterNetworkPolicy, error) {
	var list policyv1alpha2.ClusterNetworkPolicyList
	path := "/apis/" + policyv1alpha2.GroupVersion.String() + "/clusternetworkpolicies"
	body, err := client.Discovery().RESTClient().Get().AbsPath(path).DoRaw(ctx)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("list ClusterNetworkPolicies: %w", err)
	}
	return list.Items, nil
}

// set tells an engine of objects.
func set[T any](e *policy.Engine, items []T) (problems []error) {
	for i := range items {
		if err := e.Set(&items[i]); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}
