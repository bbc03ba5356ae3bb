package flows

import (
	"cmp"
	"errors"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// wanted is what owners want. Where several want a flow for the same packets, [pipeline.Merge] settles it, just
// as it does for a whole state.
type wanted struct {
	claims  map[openflow.FlowKey][]claim
	byOwner map[pipeline.Owner][]openflow.FlowKey

	groups   map[uint32]ownedGroup // by number
	groupsOf map[pipeline.Owner][]uint32
}

// claim is one owner's flow, as the owner wants it.
type claim struct {
	owner pipeline.Owner
	flow  openflow.Flow
}

// ownedGroup is a group and its one owner.
type ownedGroup struct {
	owner pipeline.Owner
	group openflow.Group
}

func newWanted() *wanted {
	return &wanted{claims: make(map[openflow.FlowKey][]claim), byOwner: make(map[pipeline.Owner][]openflow.FlowKey),
		groups: make(map[uint32]ownedGroup), groupsOf: make(map[pipeline.Owner][]uint32)}
}

// concerned are the flows and groups that a change may concern.
type concerned struct {
	flows  map[openflow.FlowKey]bool
	groups map[uint32]bool
}

func nothingConcerned() concerned {
	return concerned{make(map[openflow.FlowKey]bool), make(map[uint32]bool)}
}

// set replaces what one owner wants and notes what this may concern. The keys of the flows must differ.
func (w *wanted) set(owned pipeline.Owned, c concerned) {
	owner := owned.Owner
	for _, id := range w.groupsOf[owner] {
		c.groups[id] = true
		if w.groups[id].owner == owner { // another owner may have it by now
			delete(w.groups, id)
		}
	}
	var ids []uint32
	for _, g := range owned.Groups {
		c.groups[g.ID] = true
		w.groups[g.ID] = ownedGroup{owner, g}
		ids = append(ids, g.ID)
	}
	w.groupsOf[owner] = ids
	if len(ids) == 0 {
		delete(w.groupsOf, owner)
	}
	for _, key := range w.setFlows(owner, owned.Flows) {
		c.flows[key] = true
	}
}

// setFlows replaces the flows of one owner and returns the keys of those before and after.
func (w *wanted) setFlows(owner pipeline.Owner, flows []openflow.Flow) []openflow.FlowKey {
	keys := w.byOwner[owner]
	for _, key := range keys {
		rest := slices.DeleteFunc(w.claims[key], func(c claim) bool { return c.owner == owner })
		if len(rest) == 0 {
			delete(w.claims, key)
		} else {
			w.claims[key] = rest
		}
	}
	if len(flows) == 0 {
		delete(w.byOwner, owner)
		return keys
	}
	now := make([]openflow.FlowKey, len(flows))
	for i, f := range flows {
		now[i] = f.Key()
		w.claims[now[i]] = append(w.claims[now[i]], claim{owner, f})
	}
	w.byOwner[owner] = now
	return append(keys, now...)
}

// flow is what the switch is to hold for a key; the error is a [*pipeline.Conflict] for every owner that goes without.
func (w *wanted) flow(key openflow.FlowKey) (f openflow.Flow, ok bool, conflicts error) {
	claims := w.claims[key]
	switch len(claims) {
	case 0:
		return openflow.Flow{}, false, nil
	case 1:
		return claims[0].flow, true, nil
	}
	owned := make([]pipeline.Owned, len(claims))
	for i, c := range claims {
		owned[i] = pipeline.Owned{Owner: c.owner, Flows: []openflow.Flow{c.flow}}
	}
	conflicts = pipeline.Merge(owned)
	return owned[0].Flows[0], true, conflicts
}

// allGroups is every group that the switch is to hold, by number.
func (w *wanted) allGroups() map[uint32]openflow.Group {
	all := make(map[uint32]openflow.Group, len(w.groups))
	for id, owned := range w.groups {
		all[id] = owned.group
	}
	return all
}

// all is everything that the switch is to hold.
func (w *wanted) all() (all contents, conflicts error) {
	flows := make(map[openflow.FlowKey]openflow.Flow, len(w.claims))
	var errs []error
	for key := range w.claims {
		f, _, err := w.flow(key)
		flows[key] = f
		errs = append(errs, err)
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(text(a), text(b)) })
	return contents{flows, w.allGroups()}, errors.Join(errs...)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
