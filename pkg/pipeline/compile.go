package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Owned is what one owner wants in the switch.
type Owned struct {
	Owner  Owner
	Flows  []openflow.Flow
	Groups []openflow.Group // no two owners want the same
}

// Compile returns what all owners in s want, as [Merge] leaves them. The error joins what could not be had: a
// [*Conflict] for every flow that lost against another, an [*Overlap] for every range of another cluster that is left
// out. The flows are good nevertheless, and the same whenever the state is.
func Compile(s State) ([]Owned, error) {
	owners := s.Owners()
	all := make([]Owned, len(owners))
	for i, o := range owners {
		all[i] = CompileOwner(s, o)
	}
	conflicts := Merge(all)
	return all, errors.Join(overlaps(s), conflicts)
}

// Flows is the union of what the owners want: what the switch is to hold, in the order of tables and priorities.
func Flows(all []Owned) []openflow.Flow {
	var flows []openflow.Flow
	have := make(map[openflow.FlowKey]bool)
	for _, owned := range all {
		for _, f := range owned.Flows {
			if k := f.Key(); !have[k] {
				have[k] = true
				flows = append(flows, f)
			}
		}
	}
	slices.SortFunc(flows, func(a, b openflow.Flow) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Match.Key(), b.Match.Key()))
	})
	return flows
}

// Groups is all groups that the owners want; those that others refer to come before those.
func Groups(all []Owned) []openflow.Group {
	var groups []openflow.Group
	for _, owned := range all {
		groups = append(groups, owned.Groups...)
	}
	return groups
}

// Merge settles, in place, what happens when owners want flows with the same table, priority and match, of which a switch
// can hold one. The first owner in the order of [Owner]s wins. If the others want the same actions, all keep the flow,
// with a cookie that names no owner, so that it does not depend on who came first: it goes when the last of them goes.
// If they want other actions, they go without, and the error has a [*Conflict] for each.
func Merge(all []Owned) error {
	slices.SortStableFunc(all, func(a, b Owned) int { return a.Owner.compare(b.Owner) })
	type place struct{ owner, flow int }
	size := 0
	for i := range all {
		size += len(all[i].Flows)
	}
	first := make(map[openflow.FlowKey]place, size)
	lost := make([][]int, len(all))
	var conflicts []error
	for i := range all {
		for j := range all[i].Flows {
			f := &all[i].Flows[j]
			p, taken := first[f.Key()]
			if !taken {
				first[f.Key()] = place{i, j}
				continue
			}
			winner := &all[p.owner].Flows[p.flow]
			if !sameBody(*winner, *f) {
				conflicts = append(conflicts, &Conflict{Winner: all[p.owner].Owner, Loser: all[i].Owner, Kept: *winner, Refused: *f})
				lost[i] = append(lost[i], j)
				continue
			}
			winner.Cookie &^= cookieOwnerMask
			f.Cookie = winner.Cookie
		}
	}
	for i := range all {
		all[i].Flows = without(all[i].Flows, lost[i])
	}
	return errors.Join(conflicts...)
}

// sameBody reports whether two flows for the same packets do the same; cookies aside.
func sameBody(f, g openflow.Flow) bool {
	f.Cookie = g.Cookie
	return f.Equal(g)
}

// without returns flows less those at the given, ascending positions.
func without(flows []openflow.Flow, lost []int) []openflow.Flow {
	for _, at := range slices.Backward(lost) {
		flows = slices.Delete(flows, at, at+1)
	}
	return flows
}

// A Conflict is a flow that an owner does not get, because another one has a flow for the same packets.
type Conflict struct {
	Winner, Loser Owner
	Kept, Refused openflow.Flow
}

// Error names both owners and both flows.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%s and %s want different flows for the same packets: %q is kept, %q is not installed", c.Winner, c.Loser, c.Kept, c.Refused)
}
