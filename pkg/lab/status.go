package lab

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Status prints the clusters, nodes and services of a lab. It says whether all of them run.
func (l *Lab) Status(ctx context.Context, out io.Writer) (healthy bool) {
	if !l.alive(ctx) {
		fmt.Fprintf(out, "lab %s is down, its files are in %s\n", l.Name, l.dirs)
		return false
	}
	healthy = true
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLUSTER\tNODE\tADDRESS\tPOD CIDR\tREADY\tSERVICES")
	for _, c := range l.Plan.Clusters {
		ready := l.readyNodes(ctx, c.Name)
		for _, n := range c.Nodes {
			state, ok := l.services(ctx, n.Name)
			healthy = healthy && ok
			r := ready[n.Name]
			if r == "" {
				r = "unknown"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Name, n.Name, n.Address, n.PodCIDRs, r, state)
		}
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\nkubeconfigs: %s\nlogs:        %s and %s\n", l.dirs.kubeconfig("*"), l.dirs.log("*"), l.dirs.nodeLog("*", "*"))
	return healthy
}

// services says in a word whether a node's services run, or which do not.
func (l *Lab) services(ctx context.Context, node string) (string, bool) {
	all, err := l.node(node).Status(ctx)
	if err != nil {
		return "node is down", false
	}
	var bad, restarted []string
	for _, s := range all {
		switch {
		case !s.Running:
			bad = append(bad, s.Name+" "+s.Last)
		case s.Exits > 0:
			restarted = append(restarted, fmt.Sprintf("%s restarted %d times", s.Name, s.Exits))
		}
	}
	if len(bad)+len(restarted) == 0 {
		return fmt.Sprintf("%d running", len(all)), true
	}
	return strings.Join(append(bad, restarted...), ", "), len(bad) == 0
}

// readyNodes asks the API server what it knows of the nodes, by name: yes or no.
func (l *Lab) readyNodes(ctx context.Context, cluster string) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	ready := map[string]string{}
	client, err := l.client(cluster)
	if err != nil {
		return ready
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return ready
	}
	for i := range nodes.Items {
		ready[nodes.Items[i].Name] = "no"
		if c := condition(&nodes.Items[i], corev1.NodeReady); c != nil && c.Status == corev1.ConditionTrue {
			ready[nodes.Items[i].Name] = "yes"
		}
	}
	return ready
}
