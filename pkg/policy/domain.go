package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Domain is a domain name as a peer: the name itself or, if Below, all names that have labels before it.
type Domain struct {
	Name  string // as [CanonicalName] has it
	Below bool
}

// CanonicalName is a domain name in small letters and without the dot of the root. Names are equal whatever letters are capital
// (RFC 4343).
func CanonicalName(name string) string {
	return strings.TrimSuffix(strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, name), ".")
}

// The longest names and labels (RFC 1035, section 2.3.4): a name has 255 bytes on the wire, which are 253 as text.
const (
	maxName  = 253
	maxLabel = 63
)

// ParseDomain reads a domain name of a policy: of at least two labels, with "*." before it for all names below.
func ParseDomain(text string) (Domain, error) {
	name, below := strings.CutPrefix(CanonicalName(text), "*.")
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > maxName {
		return Domain{}, fmt.Errorf("%q is no domain name of two labels or more and at most %d characters", text, maxName)
	}
	for _, l := range labels {
		if l == "" || len(l) > maxLabel || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" || l[0] == '-' || l[len(l)-1] == '-' {
			return Domain{}, fmt.Errorf("%q is no domain name, with or without \"*.\" before it: label %q", text, l)
		}
	}
	return Domain{name, below}, nil
}

// Matches tells whether a canonical name is one of those that are meant.
func (d Domain) Matches(name string) bool {
	if d.Below {
		above, ok := strings.CutSuffix(name, d.Name)
		return ok && len(above) > 1 && above[len(above)-1] == '.'
	}
	return name == d.Name
}

// String is the domain name as policies write it.
func (d Domain) String() string {
	if d.Below {
		return "*." + d.Name
	}
	return d.Name
}

// Resolution is an address that a Pod was told when it asked for a name.
type Resolution struct {
	Name    string // canonical
	Address netip.Addr
	// Lapsed says that the address is no longer to be used: connections that there are go on, and new ones are refused.
	Lapsed bool
}

// SetResolutions tells what a Pod has been told, all of it. The Pod need not be known yet.
func (e *Engine) SetResolutions(pod types.NamespacedName, all []Resolution) {
	if len(all) == 0 {
		delete(e.resolutions, pod)
	} else {
		e.resolutions[pod] = all
	}
	x, ok := e.pods[pod]
	if !ok {
		return
	}
	touched := make(map[*policy]bool)
	for _, g := range x.groups {
		for p := range g.policies {
			if p.appliedTo == g && p.namesDomains() {
				touched[p] = true
			}
		}
	}
	for p := range touched {
		e.follow(p, x)
	}
}

// Asks tells whether a rule for a Pod is about domain names: what the Pod is told of names matters.
func (e *Engine) Asks(pod types.NamespacedName) bool {
	return e.anyRuleOf(pod, func(r *Rule) bool { return len(r.Domains) > 0 })
}

// Wants tells whether a rule for a Pod is about a canonical name.
func (e *Engine) Wants(pod types.NamespacedName, name string) bool {
	return e.anyRuleOf(pod, func(r *Rule) bool { return matchesAny(r.Domains, name) })
}

func (e *Engine) anyRuleOf(pod types.NamespacedName, is func(*Rule) bool) bool {
	for ref := range e.index.entries[key{pod: pod}] {
		if ref.ID != 0 && is(e.index.rules[ref.ID].rule) {
			return true
		}
	}
	return false
}

func matchesAny(domains []Domain, name string) bool {
	return slices.ContainsFunc(domains, func(d Domain) bool { return d.Matches(name) })
}

// namesDomains tells whether a rule of the policy is about domain names.
func (s *spec) namesDomains() bool {
	return slices.ContainsFunc(s.rules, func(r ruleSpec) bool { return len(r.peers.domains) > 0 })
}

// appendResolved appends what a Pod has been told of the names that a rule is about.
func appendResolved(entries []entry, ref Ref, domains []Domain, told []Resolution) []entry {
	for _, r := range told {
		if matchesAny(domains, r.Name) {
			of := ref.clause(ClauseAddress)
			of.Established = r.Lapsed
			entries = append(entries, entry{key{address: netip.PrefixFrom(r.Address, r.Address.BitLen())}, of})
		}
	}
	return entries
}
