package mc

import (
	"fmt"
	"strings"
)

// severity is how bad a finding is.
type severity string

const (
	fail    severity = "FAIL"
	warn    severity = "WARN"
	unknown severity = "UNKNOWN"
)

// finding is something that is not as it should be, and what to do next. Its ID stays the same over versions.
type finding struct {
	ID       string   `json:"id"`
	Severity severity `json:"severity"`
	What     string   `json:"what"`
	Next     string   `json:"next"`
}

// anchor is the finding's place in docs/gateways.md.
func (f finding) anchor() string { return strings.ToLower(f.ID) }

// find looks at the overview from the control plane down to single links.
func (o *overview) find() []finding {
	all := []finding{}
	add := func(id string, s severity, next, format string, args ...any) {
		all = append(all, finding{id, s, fmt.Sprintf(format, args...), next})
	}
	switch o.Ready {
	case "True":
	case "Unknown":
		add("MC-CS-001", unknown, "kubectl -n kube-system get pods -l component=antrea-mc-controller", "this cluster's membership has not been looked at: %s", o.Message)
	default:
		add("MC-CS-001", fail, "antctl mc get clusterset -A", "this cluster is not ready in its ClusterSet: %s", o.Message)
	}
	active, unsure := 0, 0
	for _, g := range o.Gateways {
		switch g.State {
		case gatewayActive:
			active++
			if g.Remote.Up == 0 && g.Remote.Total > 0 {
				add("MC-GW-005", warn, "antctl mc show connections", "gateway %s reaches no gateway of another cluster", g.Name)
			}
		case gatewayUnknown:
			unsure++
			add("MC-GW-004", unknown, "kubectl -n kube-system get pods -l component=antrea-agent -o wide", "gateway %s: %s", g.Name, firstLine(g.Reason))
		case gatewayNone:
			add("MC-GW-007", warn, "kubectl describe node "+g.Name, "node %s is annotated and is no gateway: %s", g.Name, g.Reason)
		default:
			add("MC-GW-003", warn, "antctl mc show gateways", "gateway %s carries no traffic: %s, %s", g.Name, g.State, g.Reason)
		}
		if g.Published == "False" && g.State != gatewayNone {
			add("MC-GW-008", warn, "kubectl -n kube-system get gateway "+g.Name+" -o yaml", "gateway %s is not known to the other clusters", g.Name)
		}
	}
	switch {
	case active == 0 && unsure == 0 && len(o.Clusters) > 0:
		add("MC-GW-001", fail, "kubectl annotate node NODE multicluster.antrea.io/gateway=true", "no gateway of this cluster carries traffic: it is cut off from the others")
	case active == 1 && unsure == 0:
		add("MC-GW-002", warn, "kubectl annotate node NODE multicluster.antrea.io/gateway=true", "one gateway carries all traffic: if it fails, this cluster is cut off")
	}
	for _, c := range o.Clusters {
		switch {
		case c.Gateways == 0:
			add("MC-GW-006", fail, "annotate a Node of that cluster", "cluster %s has no gateway", c.ClusterID)
		case c.State == "Down":
			add("MC-GW-005", fail, "antctl mc show connections", "cluster %s cannot be reached: none of %d links is up", c.ClusterID, c.Links.Total)
		case c.State == "Degraded" && c.Unknown < c.Links.Total-c.Links.Up:
			add("MC-GW-005", warn, "antctl mc show connections", "cluster %s: %s links are up", c.ClusterID, c.Links)
		}
	}
	return all
}

// err is what the command ends with: an error if something is broken now.
func (o *overview) err() error {
	broken := 0
	for _, f := range o.Findings {
		if f.Severity == fail {
			broken++
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of the findings above are failures", broken)
	}
	return nil
}
