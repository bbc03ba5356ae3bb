package nftable

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/knftables"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// compare looks at what nft can list: names, elements, and rules by their comments.
func (t Table) compare(ctx context.Context, nft knftables.Interface) ([]systemv1alpha1.Drift, error) {
	sets, err := nft.List(ctx, "sets")
	if knftables.IsNotFound(err) {
		return []systemv1alpha1.Drift{drift(t.String(), "")}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	chains, err := nft.List(ctx, "chains")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	all := append(t.names("set", sets, t.setNames()), t.names("chain", chains, t.chainNames())...)
	for _, c := range t.Chains {
		if !slices.Contains(chains, c.Name) {
			continue
		}
		rules, err := nft.ListRules(ctx, c.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: chain %s: %w", t, c.Name, err)
		}
		all = append(all, t.rules(c, rules)...)
	}
	for _, s := range t.Sets {
		if !slices.Contains(sets, s.Name) {
			continue
		}
		elements, err := nft.ListElements(ctx, "set", s.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: set %s: %w", t, s.Name, err)
		}
		var have []string
		for _, e := range elements {
			have = append(have, strings.Join(e.Key, separator))
		}
		all = append(all, t.names("element of set "+s.Name, have, s.Elements)...)
	}
	return all, nil
}

// names compares without regard to order.
func (t Table) names(what string, have, want []string) []systemv1alpha1.Drift {
	var all []systemv1alpha1.Drift
	text := func(name string) string { return fmt.Sprintf("%s %s: %s %s", t.Family, t.Name, what, name) }
	for _, name := range want {
		if !slices.Contains(have, name) {
			all = append(all, drift(text(name), ""))
		}
	}
	for _, name := range have {
		if !slices.Contains(want, name) {
			all = append(all, drift("", text(name)))
		}
	}
	return all
}

// rules compares a chain, by what it has to hold and then by its order.
func (t Table) rules(c Chain, have []*knftables.Rule) []systemv1alpha1.Drift {
	text := func(format string, args ...any) string {
		return fmt.Sprintf("%s %s %s: ", t.Family, t.Name, c.Name) + fmt.Sprintf(format, args...)
	}
	var all []systemv1alpha1.Drift
	var marks, wanted []string
	for _, rule := range c.Rules {
		wanted = append(wanted, c.mark(rule))
	}
	for _, r := range have {
		mark := ""
		if r.Comment != nil {
			mark = *r.Comment
		}
		marks = append(marks, mark)
		if !slices.Contains(wanted, mark) {
			handle := 0
			if r.Handle != nil {
				handle = *r.Handle
			}
			all = append(all, drift("", text("a rule that is not the agent's, handle %d", handle)))
		}
	}
	for i, rule := range c.Rules {
		if !slices.Contains(marks, wanted[i]) {
			all = append(all, drift(text("%s", rule), ""))
		}
	}
	if len(all) == 0 && !slices.Equal(marks, wanted) {
		all = append(all, drift(text("%d rules in their order", len(wanted)), text("%d of them in another", len(marks))))
	}
	return all
}

func drift(want, have string) systemv1alpha1.Drift {
	return systemv1alpha1.NewDrift(systemv1alpha1.DriftNFT, want, have)
}
