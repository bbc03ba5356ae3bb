package flows

import (
	"cmp"
	"errors"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// wanted are the flows that owners want. Where several want a flow for the same packets, [pipeline.Merge] settles it, just
// as it does for a whole state.
type wanted struct {
	claims  map[openflow.FlowKey][]claim
	byOwner map[pipeline.Owner][]openflow.FlowKey
}

// claim is one owner's flow, as the owner wants it.
type claim struct {
	owner pipeline.Owner
	flow  openflow.Flow
}

func newWanted() *wanted {
	return &wanted{claims: make(map[openflow.FlowKey][]claim), byOwner: make(map[pipeline.Owner][]openflow.FlowKey)}
}

// set replaces what one owner wants and returns the keys of all flows that this may concern. The keys of the flows must
// differ.
func (w *wanted) set(owner pipeline.Owner, flows []openflow.Flow) []openflow.FlowKey {
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
	owned := make([]pipeline.OwnedFlows, len(claims))
	for i, c := range claims {
		owned[i] = pipeline.OwnedFlows{Owner: c.owner, Flows: []openflow.Flow{c.flow}}
	}
	conflicts = pipeline.Merge(owned)
	return owned[0].Flows[0], true, conflicts
}

// all is every flow that the switch is to hold.
func (w *wanted) all() (flows map[openflow.FlowKey]openflow.Flow, conflicts error) {
	flows = make(map[openflow.FlowKey]openflow.Flow, len(w.claims))
	var errs []error
	for key := range w.claims {
		f, _, err := w.flow(key)
		flows[key] = f
		errs = append(errs, err)
	}
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(text(a), text(b)) })
	return flows, errors.Join(errs...)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
