package mc

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// overview is what `antctl mc status` shows.
type overview struct {
	ClusterSet string       `json:"clusterSet"`
	ClusterID  string       `json:"clusterID"`
	Leader     string       `json:"leader"`
	Ready      string       `json:"ready"`
	Message    string       `json:"message,omitempty"`
	Gateways   []gatewayRow `json:"gateways"`
	Clusters   []otherRow   `json:"clusters"`
	Findings   []finding    `json:"findings"`
}

// otherRow is another cluster as the gateways of this one see it.
type otherRow struct {
	ClusterID    string                   `json:"clusterID"`
	State        string                   `json:"state"`
	Gateways     int                      `json:"gateways"`
	Links        ratio                    `json:"links"`
	Unknown      int                      `json:"unknownLinks"`
	PodCIDRs     []string                 `json:"podCIDRs,omitempty"`
	WorstRTT     *metav1.Duration         `json:"worstRTT,omitempty"`
	LastFailover *systemv1alpha1.Failover `json:"lastFailover,omitempty"`
}

func newStatus(target *cluster.Flags) *cobra.Command {
	var namespace string
	var watch bool
	var interval time.Duration
	var format output.Format
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show this cluster's place in its ClusterSet: gateways, links to the other clusters, and what is wrong",
		Long: `Show this cluster's place in its ClusterSet: its gateways, the links to the other clusters, and what is wrong, each with its
cause and the next thing to do. Links are counted from this side. Ends with code 1 if something is broken now; warnings do not
fail.`,
		Example: `  antctl mc status
  antctl mc status --watch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			return repeat(cmd.Context(), watch, interval, func(ctx context.Context) error {
				o, err := a.overview(ctx, namespace)
				if err != nil {
					return err
				}
				if watch && format == output.Table {
					a.say("%s", time.Now().Format("15:04:05.000"))
				}
				if err := format.Print(a.out, o, func(w io.Writer) error { return o.print(w, time.Now()) }); err != nil || watch {
					return err
				}
				return o.err()
			})
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "kube-system", "namespace of the member controller")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "print again and again")
	cmd.Flags().DurationVar(&interval, "interval", 2*time.Second, "how often --watch looks")
	format.AddTo(cmd)
	return cmd
}

func (a *api) overview(ctx context.Context, namespace string) (*overview, error) {
	set, err := a.oneClusterSet(ctx, Member, namespace, "")
	if err != nil {
		return nil, err
	}
	s, err := a.look(ctx, namespace, false)
	if err != nil {
		return nil, err
	}
	var nodes corev1.NodeList
	if err := a.List(ctx, &nodes); err != nil && !apierrors.IsForbidden(err) {
		return nil, fmt.Errorf("list Nodes: %w", err)
	}
	ready, _, message := summary(set.Status.Conditions, v1alpha2.ConditionReady)
	o := &overview{
		ClusterSet: set.Name, ClusterID: string(set.Spec.ClusterID), Leader: string(set.Spec.Leaders[0].ClusterID),
		Ready: ready, Message: message, Gateways: s.rows(nodes.Items), Clusters: s.others(),
	}
	o.Findings = o.find()
	return o, nil
}

// others are the other clusters, as the gateways of this one see them.
func (s sight) others() []otherRow {
	all := s.connections(false)
	rows := []otherRow{}
	for _, i := range s.imports {
		row := otherRow{ClusterID: i.Spec.ClusterID, Gateways: len(i.Spec.GatewayInfos), PodCIDRs: i.Spec.PodCIDRs}
		draining := 0
		for _, c := range all {
			if c.ClusterID != row.ClusterID {
				continue
			}
			row.Links.count(c.State)
			switch orUnknown(c.State) {
			case systemv1alpha1.PeerUnknown:
				row.Unknown++
			case systemv1alpha1.PeerDraining:
				draining++
			}
			if c.RTT != nil && (row.WorstRTT == nil || c.RTT.Duration > row.WorstRTT.Duration) {
				row.WorstRTT = c.RTT
			}
			if f := c.LastFailover; f != nil && (row.LastFailover == nil || f.Time.After(row.LastFailover.Time.Time)) {
				row.LastFailover = f
			}
		}
		switch {
		case row.Links.Up > 0 && row.Links.Up+draining == row.Links.Total:
			row.State = "Up"
		case row.Links.Up > 0:
			row.State = "Degraded"
		case row.Unknown > 0:
			row.State = "Unknown"
		default:
			row.State = "Down"
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(x, y otherRow) int { return cmp.Compare(x.ClusterID, y.ClusterID) })
	return rows
}

func (o *overview) print(w io.Writer, now time.Time) error {
	fmt.Fprintf(w, "ClusterSet %s   this cluster: %s   leader: %s   ready: %s\n\n", o.ClusterSet, o.ClusterID, o.Leader, o.Ready)
	if err := printGatewayRows(w, o.Gateways, now); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "CLUSTER\tSTATE\tLINKS\tGATEWAYS\tPOD CIDRS\tWORST RTT\tLAST FAILOVER")
	for _, r := range o.Clusters {
		links, rtt := r.Links.String(), "-"
		if r.Unknown > 0 {
			links += fmt.Sprintf(" (%d unknown)", r.Unknown)
		}
		if r.WorstRTT != nil {
			rtt = fmt.Sprintf("%.2f ms", float64(r.WorstRTT.Microseconds())/1000)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%v\t%s\t%s\n", r.ClusterID, r.State, links, r.Gateways, r.PodCIDRs, rtt, failover(r.LastFailover, now))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(o.Findings) > 0 {
		fmt.Fprintln(w)
	}
	for _, f := range o.Findings {
		fmt.Fprintf(w, "%-7s %s  %s\n", f.Severity, f.ID, f.What)
		fmt.Fprintf(w, "        next: %s   (docs/gateways.md#%s)\n", f.Next, f.anchor())
	}
	return nil
}
