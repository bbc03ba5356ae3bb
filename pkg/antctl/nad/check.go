package nad

import (
	"slices"
	"strings"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// Definition is a NetworkAttachmentDefinition.
type Definition struct{ Namespace, Name, Config string }

func (d Definition) ref() string { return d.Namespace + "/" + d.Name }

// Node is what the Nodes have, as far as it is known.
type Node struct {
	Plugins         []string // all of them; if nil, any may be there
	WhereaboutsFile []byte   // the file with defaults for key ipam
}

// Level says how bad a problem is.
type Level string

const (
	// Error is what a Pod fails by, or what gives an address twice.
	Error Level = "error"
	// Warning is what may be meant.
	Warning Level = "warning"
)

// Problem is something wrong with a key of spec.config.
type Problem struct {
	Level   Level  `json:"level"`
	Key     string `json:"key"`
	Problem string `json:"problem"`
	Fix     string `json:"fix"`
}

// Report is what was found in a NetworkAttachmentDefinition.
type Report struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	OnNodes   bool      `json:"onNodes,omitempty"` // its configuration is in files of the Nodes
	Problems  []Problem `json:"problems"`
}

// Fails reports whether a problem is an error.
func (r Report) Fails() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Level == Error })
}

// Check looks at each definition, and at what they say of each other's addresses. There is a report for each, in their order.
func Check(all []Definition, node Node) []Report {
	reports := make([]Report, len(all))
	var claims []claim
	for i, d := range all {
		reports[i] = Report{Namespace: d.Namespace, Name: d.Name, Problems: []Problem{}}
		if strings.TrimSpace(d.Config) == "" {
			reports[i].OnNodes = true
			continue
		}
		c := checker{node: node, of: i, ref: d.ref(), name: d.Name}
		c.config(d.Config)
		if len(c.problems) == 0 { // what the daemon would say, in case it knows more
			if _, err := netplan.ParseList([]byte(d.Config), d.Name); err != nil {
				c.wrong("spec.config", err.Error(), "correct it")
			}
		}
		reports[i].Problems = append(reports[i].Problems, c.problems...)
		claims = append(claims, c.claims...)
	}
	for i, c := range claims {
		for _, other := range claims[:i] {
			if p, ok := c.against(other); ok {
				reports[c.of].Problems = append(reports[c.of].Problems, p)
			}
			if p, ok := c.givesGatewayOf(other); ok {
				reports[c.of].Problems = append(reports[c.of].Problems, p)
			}
			if p, ok := other.givesGatewayOf(c); ok {
				reports[other.of].Problems = append(reports[other.of].Problems, p)
			}
		}
	}
	return reports
}
