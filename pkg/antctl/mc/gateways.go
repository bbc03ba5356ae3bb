package mc

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

// The states of a gateway, as people see it.
const (
	gatewayActive   = "Active"   // carries traffic
	gatewayWaiting  = "Waiting"  // its agent keeps traffic away for now; the reason says why
	gatewayDraining = "Draining" // is about to go
	gatewayNone     = "None"     // annotated, and no gateway
	gatewayUnknown  = "Unknown"  // its agent does not answer
)

// gatewayRow is one gateway of this cluster.
type gatewayRow struct {
	Name      string       `json:"name"`
	GatewayIP string       `json:"gatewayIP,omitempty"`
	Weight    int32        `json:"weight,omitempty"`
	State     string       `json:"state"`
	Reason    string       `json:"reason,omitempty"`
	Since     *metav1.Time `json:"since,omitempty"`
	Published string       `json:"published"` // status of the condition
	Remote    ratio        `json:"remoteGateways"`
	Local     ratio        `json:"nodes"`
}

// ratio is how many of some peers are up.
type ratio struct {
	Up    int `json:"up"`
	Total int `json:"total"`
}

func (r ratio) String() string { return fmt.Sprintf("%d/%d", r.Up, r.Total) }

func (r *ratio) count(s systemv1alpha1.PeerState) {
	r.Total++
	if s == systemv1alpha1.PeerUp {
		r.Up++
	}
}

// rows are the gateways of this cluster, and the Nodes that are annotated and are none.
func (s sight) rows(nodes []corev1.Node) []gatewayRow {
	rows := []gatewayRow{}
	for _, g := range s.gateways {
		row := gatewayRow{Name: g.Name, GatewayIP: g.GatewayIP, Weight: g.Weight, Published: string(metav1.ConditionUnknown)}
		if c := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionPublished); c != nil {
			row.Published = string(c.Status)
		}
		row.State, row.Reason, row.Since = stateOf(g, s.agents[g.Name])
		for _, c := range s.connections(false) {
			if c.Node == g.Name {
				row.Remote.count(c.State)
			}
		}
		for _, p := range s.agents[g.Name].peers.Items {
			if p.ClusterID == "" {
				row.Local.count(p.State)
			}
		}
		rows = append(rows, row)
	}
	for _, n := range nodes {
		if value := n.Annotations[member.AnnotationGateway]; value != "" && value != "false" && !s.isGateway(n.Name) {
			row := gatewayRow{Name: n.Name, State: gatewayNone, Reason: "see `kubectl describe node " + n.Name + "`", Published: string(metav1.ConditionFalse)}
			switch {
			case n.Annotations[member.AnnotationGatewayDrain] == "true":
				row.Reason = "drained: antctl mc drain gateway " + n.Name + " --undo"
			case n.Spec.Unschedulable:
				row.Reason = "cordoned: kubectl uncordon " + n.Name
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func stateOf(g v1alpha1.Gateway, view agentView) (state, reason string, since *metav1.Time) {
	attracting := meta.FindStatusCondition(view.peers.Conditions, systemv1alpha1.ConditionAttracting)
	switch {
	case g.DrainingSince != nil:
		return gatewayDraining, g.DrainReason, g.DrainingSince
	case view.err != nil:
		return gatewayUnknown, view.err.Error(), nil
	case attracting == nil || attracting.Status == metav1.ConditionUnknown:
		return gatewayUnknown, "the agent does not know", nil
	case attracting.Status == metav1.ConditionTrue:
		return gatewayActive, "", &attracting.LastTransitionTime
	}
	return gatewayWaiting, attracting.Reason, &attracting.LastTransitionTime
}

func newShowGateways(target *cluster.Flags) *cobra.Command {
	var namespace string
	var format output.Format
	cmd := &cobra.Command{
		Use:     "gateways",
		Aliases: []string{"gateway"},
		Short:   "Show the gateways of this cluster and whether they carry traffic",
		Long: `Show the gateways of this cluster and whether they carry traffic.

  Active     carries traffic
  Waiting    keeps traffic away for now: HoldDown after its switch has started, RemoteLost while it reaches no other cluster
  Draining   is about to go; its traffic has moved
  None       the Node is annotated and is no gateway
  Unknown    its agent does not answer, which does not stop the traffic

REMOTE and NODES are how many gateways of other clusters, and Nodes of this one, it sees alive.`,
		Example: `  antctl mc show gateways
  antctl mc show gateways -o yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			s, err := a.look(cmd.Context(), namespace, false)
			if err != nil {
				return err
			}
			var nodes corev1.NodeList
			if err := a.List(cmd.Context(), &nodes); apierrors.IsForbidden(err) {
				a.note("annotated Nodes that are no gateway are not shown: %v", err)
			} else if err != nil {
				return fmt.Errorf("list Nodes: %w", err)
			}
			rows := s.rows(nodes.Items)
			if len(rows) == 0 {
				a.note("namespace %s has no Gateway: `kubectl annotate node NODE multicluster.antrea.io/gateway=true` makes one", namespace)
			}
			return format.Print(a.out, map[string]any{"apiVersion": "v1", "kind": "List", "items": rows},
				func(w io.Writer) error { return printGatewayRows(w, rows, time.Now()) })
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "kube-system", "namespace of the member controller")
	format.AddTo(cmd)
	return cmd
}

func printGatewayRows(w io.Writer, rows []gatewayRow, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tGATEWAY IP\tWEIGHT\tSTATE\tSINCE\tPUBLISHED\tREMOTE\tNODES\tREASON")
	for _, r := range rows {
		since, weight := "-", "-"
		if r.Since != nil {
			since = span(now.Sub(r.Since.Time))
		}
		if r.Weight > 0 {
			weight = fmt.Sprint(r.Weight)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, orNone(r.GatewayIP), weight, r.State, since, r.Published, r.Remote, r.Local, r.Reason)
	}
	return t.Flush()
}
