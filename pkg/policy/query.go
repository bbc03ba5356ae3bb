package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Peer is one end of a connection: a Pod, or an address.
type Peer struct {
	Pod types.NamespacedName // empty for an address
	IP  netip.Addr           // for a Pod: which of its addresses, or none for the first that fits
}

// Reason is why a decision is what it is.
type Reason string

// The reasons.
const (
	ByRule      Reason = "rule"          // the rules in the decision say so
	Isolated    Reason = "isolated"      // policies apply to the Pod, and none of their rules accepts this
	NoPolicy    Reason = "no policy"     // nothing applies that decides
	NoPod       Reason = "not a Pod"     // nothing applies to what is no Pod, or uses its Node's network
	FromOwnNode Reason = "from its Node" // a Node always reaches its own Pods
	ToItself    Reason = "to itself"     // so does a Pod itself
)

// Decision is what becomes of a connection in one direction.
type Decision struct {
	Allowed  bool
	Reason   Reason
	Rules    []*Rule  // that decide; several NetworkPolicies may accept the same
	Policies []Policy // that isolate the Pod, if the reason is Isolated
	Audited  []Policy // in audit mode, which would have refused it: one by a rule, or all that isolate the Pod
}

// String is the decision in words.
func (d Decision) String() string {
	text := d.decided()
	if len(d.Audited) > 0 {
		text += ", and would be denied by " + join(d.Audited) + ", in audit mode"
	}
	return text
}

func join[T fmt.Stringer](all []T) string {
	names := make([]string, len(all))
	for i, x := range all {
		names[i] = x.String()
	}
	return strings.Join(names, ", ")
}

func (d Decision) decided() string {
	verdict := "denied"
	if d.Allowed {
		verdict = "allowed"
	}
	switch d.Reason {
	case ByRule:
		var names []string
		for _, r := range d.Rules {
			names = append(names, r.String())
		}
		return fmt.Sprintf("%s by %s", verdict, strings.Join(names, "; "))
	case Isolated:
		return fmt.Sprintf("%s: isolated by %s, no rule of which accepts this", verdict, join(d.Policies))
	}
	return fmt.Sprintf("%s: %s", verdict, map[Reason]string{
		NoPolicy: "no policy applies", NoPod: "policies apply to Pods that have a network of their own",
		FromOwnNode: "a Node always reaches its own Pods", ToItself: "a Pod always reaches itself",
	}[d.Reason])
}

// Verdict is what becomes of a connection.
type Verdict struct {
	Source, Destination netip.Addr
	Egress, Ingress     Decision
}

// Allowed reports whether both ends let it pass.
func (v Verdict) Allowed() bool { return v.Egress.Allowed && v.Ingress.Allowed }

// Query decides about a connection: a protocol with ports and the port of the receiver, as it is after Services have chosen an
// endpoint. Only the Pods that the engine takes for local have rules.
func (e *Engine) Query(from, to Peer, protocol Protocol, port uint16) (Verdict, error) {
	sender, senderIPs, err := e.peer(from)
	if err != nil {
		return Verdict{}, err
	}
	receiver, receiverIPs, err := e.peer(to)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{}
	for _, s := range senderIPs {
		i := slices.IndexFunc(receiverIPs, func(r netip.Addr) bool { return r.Is4() == s.Is4() })
		if i >= 0 {
			v.Source, v.Destination = s, receiverIPs[i]
			break
		}
	}
	if !v.Source.IsValid() {
		return Verdict{}, fmt.Errorf("from %v to %v: they have no family of addresses in common", senderIPs, receiverIPs)
	}
	switch {
	case sender != nil && sender == receiver:
		v.Egress, v.Ingress = Decision{Allowed: true, Reason: ToItself}, Decision{Allowed: true, Reason: ToItself}
		return v, nil
	case receiver != nil && sender == nil && e.nodes[receiver.Node].is(v.Source):
		v.Ingress = Decision{Allowed: true, Reason: FromOwnNode}
	default:
		v.Ingress = e.decide(Ingress, receiver, v.Source, protocol, port)
	}
	v.Egress = e.decide(Egress, sender, v.Destination, protocol, port)
	return v, nil
}

// peer finds the Pod of a peer, nil if there is none with a network of its own, and the addresses it may use.
func (e *Engine) peer(p Peer) (*pod, []netip.Addr, error) {
	if p.Pod.Name == "" {
		for _, x := range e.pods {
			if x.selectable() && slices.Contains(x.IPs, p.IP) {
				return x, []netip.Addr{p.IP}, nil
			}
		}
		return nil, []netip.Addr{p.IP}, nil
	}
	x, ok := e.pods[p.Pod]
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("no running Pod %s", p.Pod)
	case len(x.IPs) == 0:
		return nil, nil, fmt.Errorf("pod %s has no address yet", p.Pod)
	case p.IP.IsValid() && !slices.Contains(x.IPs, p.IP):
		return nil, nil, fmt.Errorf("pod %s has addresses %v, not %s", p.Pod, x.IPs, p.IP)
	}
	ips := x.IPs
	if p.IP.IsValid() {
		ips = []netip.Addr{p.IP}
	}
	if !x.selectable() {
		return nil, ips, nil
	}
	return x, ips, nil
}

// decide asks one tier after the other.
func (e *Engine) decide(d Direction, x *pod, peer netip.Addr, protocol Protocol, port uint16) Decision {
	if x == nil {
		return Decision{Allowed: true, Reason: NoPod}
	}
	matched := e.matched(d, x, peer, protocol, port)
	own := e.index.entries[key{pod: x.NamespacedName}]
	var audited []Policy
	for _, tier := range []Tier{Admin, Namespaced, Baseline} {
		var of []*Rule
		for _, r := range matched {
			switch {
			case r.Tier != tier:
			case !r.Audit:
				of = append(of, r)
			case len(of) == 0 && len(audited) == 0:
				audited = []Policy{r.Policy}
			}
		}
		isolated := func(audit bool) bool {
			return tier == Namespaced && len(of) == 0 && own[Ref{Direction: d, Tier: tier, Audit: audit}] > 0
		}
		switch {
		case isolated(false):
			return Decision{Reason: Isolated, Policies: e.isolating(d, x, false), Audited: audited}
		case isolated(true) && len(audited) == 0:
			audited = e.isolating(d, x, true)
		case len(of) == 0 || of[0].Action == Pass:
		case tier == Namespaced:
			return Decision{Allowed: true, Reason: ByRule, Rules: of, Audited: audited}
		default:
			return Decision{Allowed: of[0].Action == Accept, Reason: ByRule, Rules: of[:1], Audited: audited}
		}
	}
	return Decision{Allowed: true, Reason: NoPolicy, Audited: audited}
}

// matched are the rules that have Pod, address and port, in the order in which they are asked.
func (e *Engine) matched(d Direction, x *pod, peer netip.Addr, protocol Protocol, port uint16) []*Rule {
	var rules []*Rule
	for ref := range e.index.entries[key{pod: x.NamespacedName}] {
		if ref.ID == 0 || ref.Direction != d || !e.index.hasAddress(ref, peer) {
			continue
		}
		r := e.index.rules[ref.ID].rule
		if ref.Clauses < ClausePorts || e.index.hasPort(ref, protocol, port) {
			rules = append(rules, r)
		}
	}
	slices.SortFunc(rules, func(a, b *Rule) int {
		if a.Precedence != b.Precedence {
			return int(a.Precedence) - int(b.Precedence)
		}
		return strings.Compare(a.String(), b.String())
	})
	return rules
}

func (x *index) hasAddress(ref Ref, a netip.Addr) bool {
	for bits := range a.BitLen() + 1 {
		p, _ := a.Prefix(bits)
		if x.entries[key{address: p}][ref.clause(ClauseAddress)] > 0 {
			return true
		}
	}
	return false
}

func (x *index) hasPort(ref Ref, protocol Protocol, port uint16) bool {
	for bits := range 17 {
		mask := uint16(1<<bits - 1)
		if x.entries[key{ports: Ports{protocol, port &^ mask, port | mask}}][ref.clause(ClausePorts)] > 0 {
			return true
		}
	}
	return false
}

// isolating are the policies that isolate a Pod, or would but for audit mode, by name.
func (e *Engine) isolating(d Direction, x *pod, audit bool) []Policy {
	var names []Policy
	for _, p := range e.policies {
		if p.audit == audit && slices.Contains(p.directions, d) && p.appliedTo.has(x) {
			names = append(names, p.policy)
		}
	}
	slices.SortFunc(names, func(a, b Policy) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// Isolation is a policy that isolates Pods: what no rule accepts is refused, or only counted.
type Isolation struct {
	Policy    Policy
	Direction Direction
	Audit     bool // the policy is in audit mode
	// Pods are the local ones for which that is so. Several policies can isolate a Pod; those in audit mode have no part in it if
	// one does that is not.
	Pods []types.NamespacedName
}

// Isolations are the policies that isolate a local Pod, in the order of their names.
func (e *Engine) Isolations() []Isolation {
	var all []Isolation
	for name, p := range e.policies {
		if !p.active {
			continue
		}
		for _, d := range p.directions {
			of := Isolation{Policy: name, Direction: d, Audit: p.audit}
			for x := range p.appliedTo.members {
				if e.local(x) && (!p.audit || e.index.entries[key{pod: x.NamespacedName}][Ref{Direction: d, Tier: p.tier}] == 0) {
					of.Pods = append(of.Pods, x.NamespacedName)
				}
			}
			all = append(all, of)
		}
	}
	slices.SortFunc(all, func(a, b Isolation) int {
		return cmp.Or(strings.Compare(a.Policy.String(), b.Policy.String()), cmp.Compare(a.Direction, b.Direction))
	})
	return all
}
