package policies

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// Rules are the rules for Pods of this Node, in the order of their policies.
func (s *Source) Rules() []*policy.Rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine.Rules()
}

// Counted is what a rule has counted: packets in the direction of the first one of their connection. First are those that a
// connection was noted for, or that were refused or passed on without one.
type Counted struct {
	First, Packets, Bytes uint64
}

// Count finds in a dump of the switch what each rule has counted, by its number.
func Count(now pipeline.State, dump []openflow.FlowStats) map[uint32]Counted {
	if now.Policies == nil {
		return nil
	}
	type counter struct {
		rule  uint32
		first bool
	}
	rules := make(map[openflow.FlowKey]counter)
	for name, r := range now.Policies.Rules {
		for _, f := range pipeline.CompileOwner(now, pipeline.Owner{Kind: pipeline.KindPolicyRule, Name: name}).Flows {
			state, mask := f.Match.Uint(openflow.FieldCTState)
			rules[f.Key()] = counter{r.ID, mask == 0 || openflow.CTState(state)&openflow.CTNew != 0}
		}
	}
	counted := make(map[uint32]Counted, len(now.Policies.Rules))
	for _, f := range dump {
		of, ok := rules[f.Key()]
		if !ok {
			continue
		}
		c := counted[of.rule]
		c.Packets += f.Packets
		c.Bytes += f.Bytes
		if of.first {
			c.First += f.Packets
		}
		counted[of.rule] = c
	}
	return counted
}

// RuleTables are the tables whose flows count what rules meet.
func RuleTables() []openflow.TableID {
	return []openflow.TableID{pipeline.TableEgressAdmin, pipeline.TableEgressRule, pipeline.TableIngressAdmin, pipeline.TableIngressRule}
}

// Register registers the metrics of policies, which are read when they are asked for.
func (s *Source) Register(r prometheus.Registerer) error {
	gauge := func(name, help string, value func() int) error {
		return r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	return errors.Join(
		gauge("antrea_agent_networkpolicy_count", "Policies that apply to a Pod of the Node.", func() int {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.engine.Policies())
		}),
		gauge("antrea_agent_ingress_networkpolicy_rule_count", "Rules for what Pods of the Node receive.", func() int { return s.rules(policy.Ingress) }),
		gauge("antrea_agent_egress_networkpolicy_rule_count", "Rules for what Pods of the Node send.", func() int { return s.rules(policy.Egress) }),
	)
}

func (s *Source) rules(d policy.Direction) (n int) {
	for _, r := range s.Rules() {
		if r.Direction == d {
			n++
		}
	}
	return n
}
