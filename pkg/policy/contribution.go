package policy

import (
	"maps"
	"net/netip"
	"slices"
)

// podContribution is what one Pod adds to the index for one policy, and which variants of its rules it makes necessary.
type podContribution struct {
	entries  []entry
	variants [][]variant // of each rule
}

// variantsOf finds what the named ports of the policy's rules stand for in a Pod, as far as the rules look there.
func (e *Engine) variantsOf(p *policy, x *pod) [][]variant {
	all := make([][]variant, len(p.rules))
	for i := range p.rules {
		r := &p.rules[i]
		if len(r.named) == 0 {
			continue
		}
		if r.direction == Ingress && !e.applies(p, x) || r.direction == Egress && len(p.addresses(i, x)) == 0 {
			continue
		}
		for _, n := range r.named {
			for _, ports := range x.resolve(n) {
				if v := (variant{n.name, ports}); !slices.Contains(all[i], v) {
					all[i] = append(all[i], v)
				}
			}
		}
	}
	return all
}

// applies tells whether the policy applies to a Pod on this Node.
func (e *Engine) applies(p *policy, x *pod) bool { return p.appliedTo.has(x) && e.local(x) }

// addresses are those of a Pod that are peers of a rule, be it as a Pod or by what they are.
func (p *policy) addresses(i int, x *pod) []netip.Addr {
	if p.selects(i, x) {
		return x.IPs
	}
	var as []netip.Addr
	if p.named == nil || !p.named.has(x) {
		return nil
	}
	for _, a := range x.IPs {
		if p.rules[i].peers.contains(a) {
			as = append(as, a)
		}
	}
	return as
}

// selects tells whether a Pod is a peer of a rule.
func (p *policy) selects(i int, x *pod) bool {
	return slices.ContainsFunc(p.peers[i], func(g *group) bool { return g.has(x) })
}

// contributionOf is what a Pod adds, given the variants that there are.
func (e *Engine) contributionOf(p *policy, x *pod) *podContribution {
	c := &podContribution{variants: e.variantsOf(p, x)}
	own := key{pod: x.NamespacedName}
	applies := e.applies(p, x)
	if applies {
		for _, d := range p.directions {
			c.entries = append(c.entries, entry{own, Ref{Direction: d, Tier: p.tier, Audit: p.audit}})
		}
	}
	for i := range p.rules {
		ingress, selected := p.rules[i].direction == Ingress, p.selects(i, x)
		for v, ref := range p.refs[i] {
			base, ofPod := v == variant{}, slices.Contains(c.variants[i], v)
			if applies && (base || !ingress || ofPod) {
				c.entries = append(c.entries, entry{own, ref.clause(ClausePod)})
			}
			if applies && base {
				c.entries = appendResolved(c.entries, ref, p.rules[i].peers.domains, e.resolutions[x.NamespacedName])
			}
			switch {
			case selected && (base || ingress):
				c.entries = appendAddresses(c.entries, ref, x.IPs)
			case ofPod && !ingress:
				c.entries = appendAddresses(c.entries, ref, p.addresses(i, x))
			}
		}
	}
	return c
}

func appendAddresses(entries []entry, ref Ref, addresses []netip.Addr) []entry {
	for _, a := range addresses {
		entries = append(entries, entry{key{address: netip.PrefixFrom(a, a.BitLen())}, ref.clause(ClauseAddress)})
	}
	return entries
}

// staticOf is what a policy adds whatever Pods there are, given the variants of its rules.
func (e *Engine) staticOf(p *policy) contribution {
	var c contribution
	for i := range p.rules {
		r := &p.rules[i]
		for v, ref := range p.refs[i] {
			base := v == variant{}
			ports := r.ports
			if !base {
				ports = []Ports{v.port}
			}
			c.rules = append(c.rules, &Rule{
				ID: ref.ID, Policy: p.policy, Direction: r.direction, Tier: p.tier, Precedence: r.precedence, Action: r.action,
				Audit: p.audits(r), Index: r.index, Name: r.name, Named: v.name, Ports: ports, Domains: r.peers.domains,
				Clauses: ref.Clauses,
			})
			for _, port := range ports {
				for _, part := range port.aligned() {
					c.entries = append(c.entries, entry{key{ports: part}, ref.clause(ClausePorts)})
				}
			}
			if base || r.direction == Ingress {
				for _, a := range e.prefixes(r.peers) {
					c.entries = append(c.entries, entry{key{address: a}, ref.clause(ClauseAddress)})
				}
			}
		}
	}
	return c
}

// prefixes are the peers of a rule that are no Pods.
func (e *Engine) prefixes(p peers) []netip.Prefix {
	if p.any {
		return everything
	}
	all := slices.Clone(p.blocks)
	for _, selector := range p.nodes {
		for _, n := range e.nodes {
			if !selector.Matches(labelSet(n.Labels)) {
				continue
			}
			for _, a := range n.Addresses {
				all = append(all, netip.PrefixFrom(a, a.BitLen()))
			}
		}
	}
	return all
}

// follow brings the index up to what a Pod is now to a policy.
func (e *Engine) follow(p *policy, x *pod) {
	if p.active != (p.appliedTo.local > 0) {
		e.rebuild(p)
		return
	}
	if !p.active {
		return
	}
	before := p.ofPods[x]
	if !p.keepsVariants(before, e.variantsOf(p, x)) {
		e.rebuild(p)
		return
	}
	now := e.contributionOf(p, x)
	e.index.add(now.entries)
	p.count(now, 1)
	p.ofPods[x] = now
	if before != nil {
		e.index.remove(before.entries)
		p.count(before, -1)
	}
	if len(now.entries) == 0 {
		delete(p.ofPods, x)
	}
}

// keepsVariants tells whether the rules keep their variants if a Pod has others than before.
func (p *policy) keepsVariants(before *podContribution, now [][]variant) bool {
	for i := range p.rules {
		for _, v := range now[i] {
			if p.variants[i][v] == 0 {
				return false
			}
		}
		if before == nil {
			continue
		}
		for _, v := range before.variants[i] {
			if p.variants[i][v] == 1 && !slices.Contains(now[i], v) {
				return false
			}
		}
	}
	return true
}

func (p *policy) count(c *podContribution, n int) {
	for i, vs := range c.variants {
		for _, v := range vs {
			p.variants[i][v] += n
		}
	}
}

// rebuild computes all that a policy adds to the index. What it had and still has is not touched.
func (e *Engine) rebuild(p *policy) {
	static, ofPods := p.static, p.ofPods
	p.active = p.appliedTo.local > 0
	p.static, p.ofPods = contribution{}, make(map[*pod]*podContribution)
	if p.active {
		members := p.members()
		p.findVariants(e, members)
		p.static = e.staticOf(p)
		e.index.addRules(p.static.rules)
		e.index.add(p.static.entries)
		for x := range members {
			if c := e.contributionOf(p, x); len(c.entries) > 0 {
				p.count(c, 1)
				p.ofPods[x] = c
				e.index.add(c.entries)
			}
		}
	}
	e.forget(static, ofPods)
}

// retract takes all that a policy adds out of the index.
func (e *Engine) retract(p *policy) {
	e.forget(p.static, p.ofPods)
	p.active, p.static, p.ofPods = false, contribution{}, nil
}

func (e *Engine) forget(static contribution, ofPods map[*pod]*podContribution) {
	for _, c := range ofPods {
		e.index.remove(c.entries)
	}
	e.index.remove(static.entries)
	for _, id := range e.index.removeRules(static.rules) {
		delete(e.ids, id)
	}
}

// members are all Pods that matter to a policy.
func (p *policy) members() map[*pod]struct{} {
	all := make(map[*pod]struct{})
	add := func(g *group) {
		maps.Copy(all, g.members)
	}
	add(p.appliedTo)
	for _, groups := range p.peers {
		for _, g := range groups {
			add(g)
		}
	}
	if p.named != nil {
		add(p.named)
	}
	return all
}

// findVariants gives every variant of every rule its id. The counts of the variants start at 0.
func (p *policy) findVariants(e *Engine, members map[*pod]struct{}) {
	p.refs = make([]map[variant]Ref, len(p.rules))
	p.variants = make([]map[variant]int, len(p.rules))
	for i := range p.rules {
		p.refs[i], p.variants[i] = make(map[variant]Ref), make(map[variant]int)
		if p.rules[i].base() {
			p.refs[i][variant{}] = e.ref(p, i, variant{})
		}
	}
	for x := range members {
		for i, vs := range e.variantsOf(p, x) {
			for _, v := range vs {
				p.refs[i][v] = e.ref(p, i, v)
			}
		}
	}
}

// ref is how the index refers to a variant of a rule.
func (e *Engine) ref(p *policy, i int, v variant) Ref {
	r := &p.rules[i]
	clauses := uint8(3)
	if r.anyPort {
		clauses = 2
	}
	return Ref{
		ID: e.id(ruleKey{p.policy, r.direction, r.index, v}), Direction: r.direction, Tier: p.tier, Precedence: r.precedence, Audit: p.audits(r),
		Clauses: clauses,
	}
}
