package policies

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// Counted are the rules for Pods of this Node in the order of their policies, then what policies that isolate Pods refuse because no
// rule accepts it, each with what the switch has counted.
func (s *Source) Counted(ctx context.Context, conn *ofconn.Conn) ([]systemv1alpha1.NetworkPolicyRule, error) {
	var dump []openflow.FlowStats
	for _, f := range []pipeline.Feature{
		pipeline.FeaturePolicyRule, pipeline.FeaturePolicyAudit, pipeline.FeatureEgressPolicy, pipeline.FeatureIngressPolicy,
	} {
		cookie, mask := f.Cookie()
		flows, err := ofconn.Collect(conn.DumpFlows(ctx, openflow.FlowQuery{Table: openflow.TableAll, Cookie: cookie, CookieMask: mask}))
		if err != nil {
			return nil, err
		}
		dump = append(dump, flows...)
	}
	now, _ := s.Store.Snapshot()
	counted := count(now, dump)
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.rulesCounted(counted), s.isolationsCounted(counted, now)...), nil
}

const audit = "Audit" // in place of Deny in audit mode

func (s *Source) rulesCounted(counted map[counter]counts) []systemv1alpha1.NetworkPolicyRule {
	var items []systemv1alpha1.NetworkPolicyRule
	for _, r := range s.engine.Rules() {
		c := counted[counter{rule: r.ID}]
		item := systemv1alpha1.NetworkPolicyRule{
			Policy: r.Policy.String(), Direction: r.Direction.String(), Index: r.Index, Name: r.Name, Tier: r.Tier.String(), Action: r.Action.String(),
			ID: r.ID, Connections: c.first, Packets: c.packets, Bytes: c.bytes,
		}
		if r.Audit {
			item.Action = audit
		}
		for _, p := range r.Ports {
			item.Ports = append(item.Ports, p.String())
		}
		for _, d := range r.Domains {
			item.DomainNames = append(item.DomainNames, d.String())
		}
		items = append(items, item)
	}
	return items
}

func (s *Source) isolationsCounted(counted map[counter]counts, now pipeline.State) []systemv1alpha1.NetworkPolicyRule {
	ports := make(map[types.NamespacedName]string, len(now.Pods))
	for port, p := range now.Pods {
		if p.Segment == 0 {
			ports[nameOf(p)] = port
		}
	}
	var items []systemv1alpha1.NetworkPolicyRule
	for _, of := range s.engine.Isolations() {
		item := systemv1alpha1.NetworkPolicyRule{
			Policy: of.Policy.String(), Direction: of.Direction.String(), Isolation: true, Tier: policy.Namespaced.String(), Action: policy.Deny.String(),
		}
		if of.Audit {
			item.Action = audit
		}
		for _, pod := range of.Pods {
			c := counted[counter{port: ports[pod], isEgress: of.Direction == policy.Egress}]
			item.Connections, item.Packets, item.Bytes = item.Connections+c.first, item.Packets+c.packets, item.Bytes+c.bytes
		}
		items = append(items, item)
	}
	return items
}

// counter is a rule, or the port of a Pod with what no rule accepts in a direction.
type counter struct {
	rule     uint32
	port     string
	isEgress bool
}

// counts are packets in the direction of the first one of their connection. First are those that a connection was noted for, or that
// were refused or passed on without one.
type counts struct{ first, packets, bytes uint64 }

// count finds in a dump of the switch what has been counted.
func count(now pipeline.State, dump []openflow.FlowStats) map[counter]counts {
	if now.Policies == nil {
		return nil
	}
	counters := make(map[openflow.FlowKey]counter)
	for name, r := range now.Policies.Rules {
		for _, f := range pipeline.CompileOwner(now, pipeline.Owner{Kind: pipeline.KindPolicyRule, Name: name}).Flows {
			counters[f.Key()] = counter{rule: r.ID}
		}
	}
	for port := range now.Policies.Pods {
		for _, f := range pipeline.CompileOwner(now, pipeline.Owner{Kind: pipeline.KindPodPolicy, Name: port}).Flows {
			if isEgress, ok := pipeline.IsIsolation(f); ok {
				counters[f.Key()] = counter{port: port, isEgress: isEgress}
			}
		}
	}
	counted := make(map[counter]counts)
	for _, f := range dump {
		of, ok := counters[f.Key()]
		if !ok {
			continue
		}
		c := counted[of]
		c.packets += f.Packets
		c.bytes += f.Bytes
		if state, mask := f.Match.Uint(openflow.FieldCTState); mask == 0 || openflow.CTState(state)&openflow.CTNew != 0 {
			c.first += f.Packets
		}
		counted[of] = c
	}
	return counted
}

// Register registers the metrics of policies, which are read when they are asked for.
func (s *Source) Register(r prometheus.Registerer, conn func() (*ofconn.Conn, error)) error {
	gauge := func(name, help string, value func() int) error {
		return r.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) }))
	}
	return errors.Join(
		r.Register(countedCollector{s, conn, prometheus.NewDesc("antrea_agent_networkpolicy_packets_total",
			"Packets that met a rule, or that no rule of a policy that isolates accepts.", []string{"policy", "direction", "rule", "action"}, nil)}),
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
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.engine.Rules() {
		if r.Direction == d {
			n++
		}
	}
	return n
}

// collectTimeout bounds the question to the switch while metrics are gathered.
const collectTimeout = 2 * time.Second

// countedCollector tells what rules have counted. The switch has the numbers; they start again at 0 when its flows do.
type countedCollector struct {
	source *Source
	conn   func() (*ofconn.Conn, error)
	desc   *prometheus.Desc
}

// Describe implements [prometheus.Collector].
func (c countedCollector) Describe(descs chan<- *prometheus.Desc) { descs <- c.desc }

// Collect implements [prometheus.Collector]. It collects nothing while there is no connection.
func (c countedCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	conn, err := c.conn()
	if err != nil {
		return
	}
	items, err := c.source.Counted(ctx, conn)
	if err != nil {
		return
	}
	packets := make(map[[4]string]uint64) // a rule is there once for every number that a named port stands for
	for _, i := range items {
		packets[[4]string{i.Policy, i.Direction, i.Place(), i.Action}] += i.Packets
	}
	for labels, n := range packets {
		metrics <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(n), labels[:]...)
	}
}
