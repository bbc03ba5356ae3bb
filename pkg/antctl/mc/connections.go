package mc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// connectionsOut is what -o json and -o yaml print.
type connectionsOut struct {
	metav1.TypeMeta `json:",inline"`
	Items           []connection `json:"items"`
}

func newShowConnections(target *cluster.Flags) *cobra.Command {
	var namespace string
	var inside, watch bool
	var interval time.Duration
	var format output.Format
	cmd := &cobra.Command{
		Use:     "connections",
		Aliases: []string{"connection"},
		Short:   "Show what the gateways know of those of the other clusters",
		Long: `Show what the gateways of this cluster know of those of the other clusters, by BFD in Open vSwitch: STATUS is that of packets
from the peer to this Node, and whether the peer hears them. The other direction is what the other cluster shows.

  Up         answers, and carries traffic
  Draining   answers, and asks to send to others
  Down       does not answer: nothing is sent there
  Unknown    the agent does not answer, or has not looked yet; the traffic does not depend on that`,
		Example: `  antctl mc show connections
  antctl mc show connections --watch
  antctl mc show connections --inside -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			last := ""
			return repeat(cmd.Context(), watch, interval, func(ctx context.Context) error {
				s, err := a.look(ctx, namespace, inside)
				if err != nil {
					return err
				}
				if len(s.gateways) == 0 {
					a.note("namespace %s has no Gateway: `kubectl annotate node NODE multicluster.antrea.io/gateway=true` makes one", namespace)
				}
				all := s.connections(inside)
				now := states(all)
				if watch && now == last {
					return nil
				}
				if watch && format == output.Table {
					a.say("%s", time.Now().Format("15:04:05.000"))
				}
				last = now
				out := connectionsOut{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: all}
				return format.Print(a.out, out, func(w io.Writer) error { return printConnections(w, all, time.Now()) })
			})
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "kube-system", "namespace of the member controller")
	cmd.Flags().BoolVar(&inside, "inside", false, "instead, what the Nodes of this cluster and its gateways know of each other")
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "print again whenever a status changes")
	cmd.Flags().DurationVar(&interval, "interval", time.Second, "how often --watch looks")
	format.AddTo(cmd)
	return cmd
}

// repeat calls show once, or with watch until the context ends.
func repeat(ctx context.Context, watch bool, interval time.Duration, show func(context.Context) error) error {
	if watch && interval < 100*time.Millisecond {
		return errors.New("--interval: at least 100ms")
	}
	for {
		if err := show(ctx); err != nil || !watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

// states is what --watch looks at.
func states(all []connection) string {
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintln(&b, c.Node, c.ClusterID, c.Name, c.Address, c.State, c.Message)
	}
	return b.String()
}

// printConnections has one line a connection.
func printConnections(w io.Writer, all []connection, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NODE\tCLUSTER\tHOSTNAME\tADDRESS\tDRIVER\tSUBNETS\tSTATUS\tSINCE\tRTT AVG\tLOSS\tLAST FAILOVER")
	for _, c := range all {
		name := c.ClusterID
		if name == "" {
			name = "<this>"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Node, name, orNone(c.Name), orNone(c.Address), c.Driver,
			orNone(strings.Join(c.SubnetCIDRs, ",")), orUnknown(c.State), since(c.Since, now), rtt(c.GatewayPeer, now), loss(c.GatewayPeer), failover(c.LastFailover, now))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	told := map[string]bool{}
	for _, c := range all {
		line := fmt.Sprintf("%s: %s", c.Node, c.Message)
		if c.State != systemv1alpha1.PeerUp && c.Message != "" && !told[line] {
			told[line] = true
			fmt.Fprintln(w, line)
		}
	}
	return nil
}

func orNone(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// orUnknown never makes Up of what it does not know.
func orUnknown(s systemv1alpha1.PeerState) systemv1alpha1.PeerState {
	switch s {
	case systemv1alpha1.PeerUp, systemv1alpha1.PeerDraining, systemv1alpha1.PeerDown:
		return s
	}
	return systemv1alpha1.PeerUnknown
}

func since(t *metav1.MicroTime, now time.Time) string {
	if t == nil {
		return "-"
	}
	return span(now.Sub(t.Time))
}

// span is a length of time; clocks of two machines may make it less than nothing.
func span(d time.Duration) string { return duration.HumanDuration(max(d, 0)) }

// rtt is the average round trip, with the age of the last once that is long.
func rtt(p systemv1alpha1.GatewayPeer, now time.Time) string {
	if p.RTT == nil || p.RTTTime == nil {
		return "-"
	}
	text := fmt.Sprintf("%.2f ms", float64(p.RTT.Microseconds())/1000)
	if age := now.Sub(p.RTTTime.Time); age > 30*time.Second {
		text += " (" + span(age) + " ago)"
	}
	return text
}

func loss(p systemv1alpha1.GatewayPeer) string {
	if p.LossPercent == nil {
		return "-"
	}
	return fmt.Sprintf("%d %%", *p.LossPercent)
}

func failover(f *systemv1alpha1.Failover, now time.Time) string {
	if f == nil {
		return "-"
	}
	return fmt.Sprintf("%d ms, %s ago", f.DurationMilliseconds, span(now.Sub(f.Time.Time)))
}
