package mc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

// drainOptions are the flags of `antctl mc drain gateway`.
type drainOptions struct {
	namespace           string
	undo, force, dryRun bool
	timeout             time.Duration
}

func newDrainGateway(target *cluster.Flags) *cobra.Command {
	var o drainOptions
	cmd := &cobra.Command{
		Use:   "gateway NODE",
		Short: "Move the traffic between clusters away from a gateway",
		Long: `Move the traffic between clusters away from a gateway, without losing a packet, and wait until it is no gateway any more. Then
the Node can be stopped. It stays out until --undo. Pods of the Node are not touched: that is for kubectl drain, which drains
the gateway too.`,
		Example: `  antctl mc drain gateway node1
  antctl mc drain gateway node1 --undo`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			if o.undo {
				return a.undrain(cmd.Context(), args[0], o)
			}
			return a.drain(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.namespace, "namespace", "n", "kube-system", "namespace of the member controller")
	cmd.Flags().BoolVar(&o.undo, "undo", false, "make it a gateway again")
	cmd.Flags().BoolVar(&o.force, "force", false, "also the last gateway that carries traffic: the cluster is cut off from the others then")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would be done")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 2*time.Minute, "how long to wait; 0 does not wait")
	return cmd
}

func (a *api) drain(ctx context.Context, name string, o drainOptions) error {
	node, err := a.gatewayNode(ctx, name)
	if err != nil {
		return err
	}
	var gateways v1alpha1.GatewayList
	if err := a.List(ctx, &gateways, client.InNamespace(o.namespace)); err != nil {
		return notDeployed(err, Member, o.namespace)
	}
	if others := carriers(gateways.Items, name); len(others) == 0 && !o.force {
		return fmt.Errorf("%s is the only gateway of this cluster that carries traffic: annotate another Node with %s=true first, or cut the cluster off with --force", name, member.AnnotationGateway)
	}
	if o.dryRun {
		a.say("kubectl annotate node %s %s=true --overwrite", name, member.AnnotationGatewayDrain)
		return nil
	}
	if err := a.annotate(ctx, node, "true"); err != nil {
		return err
	}
	a.say("Node %s drains; undo with: antctl mc drain gateway %s --undo", name, name)
	if o.timeout == 0 {
		return nil
	}
	quiet := false
	err = a.waitFor(ctx, o.timeout, func(ctx context.Context) (string, error) {
		var g v1alpha1.Gateway
		err := a.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: name}, &g)
		switch {
		case apierrors.IsNotFound(err):
			return "", nil
		case err != nil:
			return "", err
		case g.DrainingSince == nil:
			return "waiting for antrea-mc-controller to mark the gateway; it waits until a gateway that is new has settled", nil
		}
		if !quiet {
			missing, err := a.attracts(ctx, name)
			if err != nil || missing != "" {
				return missing, err
			}
			quiet = true
		}
		return fmt.Sprintf("all are told to send to others; it stays in the records until %s", g.DrainingSince.Add(member.DrainPeriod).Format(time.TimeOnly)), nil
	})
	if errors.Is(err, errTimeout) {
		return fmt.Errorf("drain gateway %s: %w: see `antctl mc show gateways` and the log of antrea-mc-controller", name, err)
	}
	if err != nil {
		return err
	}
	if !quiet {
		a.say("Node %s is no gateway any more", name)
		return nil
	}
	a.say("Node %s carries no traffic between clusters any more and can be stopped", name)
	return nil
}

// attracts says why the Node's agent may still attract traffic; empty if it does not. That an agent does not answer, the records
// make up for.
func (a *api) attracts(ctx context.Context, node string) (string, error) {
	views, err := a.ask(ctx, []string{node})
	if err != nil {
		return "", err
	}
	view := views[node]
	if view.err != nil {
		return "unknown whether the Node still attracts traffic: " + firstLine(view.err.Error()), nil
	}
	for _, c := range view.peers.Conditions {
		if c.Type == systemv1alpha1.ConditionAttracting && c.Status == metav1.ConditionFalse {
			return "", nil
		}
	}
	return "waiting for the agent to tell its peers", nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (a *api) undrain(ctx context.Context, name string, o drainOptions) error {
	node, err := a.gatewayNode(ctx, name)
	if err != nil {
		return err
	}
	if o.dryRun {
		a.say("kubectl annotate node %s %s-", name, member.AnnotationGatewayDrain)
		return nil
	}
	if err := a.annotate(ctx, node, ""); err != nil {
		return err
	}
	if o.timeout == 0 {
		return nil
	}
	err = a.waitFor(ctx, o.timeout, func(ctx context.Context) (string, error) {
		var g v1alpha1.Gateway
		err := a.Get(ctx, client.ObjectKey{Namespace: o.namespace, Name: name}, &g)
		switch {
		case apierrors.IsNotFound(err):
			return "waiting for antrea-mc-controller to publish the gateway: the Node must be Ready and not cordoned", nil
		case err != nil:
			return "", err
		case g.DrainingSince != nil:
			return "the gateway still drains: " + g.DrainReason, nil
		}
		return "", nil
	})
	if errors.Is(err, errTimeout) {
		return fmt.Errorf("gateway %s: %w", name, err)
	}
	if err == nil {
		a.say("Node %s is a gateway; it takes traffic when its peers see it alive: antctl mc show gateways", name)
	}
	return err
}

// gatewayNode is a Node that is annotated as gateway.
func (a *api) gatewayNode(ctx context.Context, name string) (*corev1.Node, error) {
	var n corev1.Node
	err := a.Get(ctx, client.ObjectKey{Name: name}, &n)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("this cluster has no Node %s: `antctl mc show gateways` lists the gateways", name)
	case err != nil:
		return nil, fmt.Errorf("read Node %s: %w", name, err)
	case n.Annotations[member.AnnotationGateway] == "":
		return nil, fmt.Errorf("node %s is no gateway: it has no annotation %s", name, member.AnnotationGateway)
	}
	return &n, nil
}

// annotate sets gateway-drain, or removes it if value is empty.
func (a *api) annotate(ctx context.Context, n *corev1.Node, value string) error {
	before := n.DeepCopy()
	metav1.SetMetaDataAnnotation(&n.ObjectMeta, member.AnnotationGatewayDrain, value)
	if value == "" {
		delete(n.Annotations, member.AnnotationGatewayDrain)
	}
	if err := a.Patch(ctx, n, client.MergeFrom(before)); err != nil {
		return fmt.Errorf("annotate Node %s: %w", n.Name, err)
	}
	return nil
}

// carriers are the gateways but this one that do not drain.
func carriers(all []v1alpha1.Gateway, but string) (names []string) {
	for _, g := range all {
		if g.Name != but && g.DrainingSince == nil {
			names = append(names, g.Name)
		}
	}
	return names
}
