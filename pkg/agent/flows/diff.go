package flows

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Difference is what separates a switch from what it is to hold.
type Difference struct {
	Added    []openflow.Flow // missing in the switch
	Modified []Modified      // there, with other actions, cookie or timeouts
	Deleted  []openflow.Flow // there, and wanted by nobody

	GroupsSet     []openflow.Group // missing in the switch, or other there
	GroupsDeleted []openflow.Group // there, and wanted by nobody

	Meters []systemv1alpha1.Drift // set apart from flows and groups

	// Foreign are flows that somebody else has put into the switch. They stay, and do not count as a difference.
	Foreign []openflow.Flow

	haveGroups map[uint32]openflow.Group // of GroupsSet, those that are there
}

// Modified is a flow that is in the switch, but not as it is wanted.
type Modified struct{ Want, Have openflow.Flow }

// Len is the number of flows, groups and meters that differ.
func (d Difference) Len() int {
	return len(d.Meters) + len(d.Added) + len(d.Modified) + len(d.Deleted) + len(d.GroupsSet) + len(d.GroupsDeleted)
}

// String is the numbers of flows and groups.
func (d Difference) String() string {
	return fmt.Sprintf("%d added, %d modified, %d deleted, groups: %d set, %d deleted", len(d.Added), len(d.Modified), len(d.Deleted),
		len(d.GroupsSet), len(d.GroupsDeleted))
}

func (d *Difference) sort() {
	for _, flows := range [][]openflow.Flow{d.Added, d.Deleted, d.Foreign} {
		slices.SortFunc(flows, openflow.Flow.Compare)
	}
	slices.SortFunc(d.Modified, func(a, b Modified) int { return a.Want.Compare(b.Want) })
	for _, groups := range [][]openflow.Group{d.GroupsSet, d.GroupsDeleted} {
		slices.SortFunc(groups, func(a, b openflow.Group) int { return cmp.Compare(b.ID, a.ID) }) // what others refer to has higher numbers
	}
}

// compare looks at one key.
func (d *Difference) compare(want openflow.Flow, wanted bool, have openflow.Flow, had bool) {
	switch {
	case wanted && !had:
		d.Added = append(d.Added, want)
	case wanted && !want.Equal(have):
		d.Modified = append(d.Modified, Modified{want, have})
	case !wanted && had && ours(have):
		d.Deleted = append(d.Deleted, have)
	case !wanted && had:
		d.Foreign = append(d.Foreign, have)
	}
}

// compareGroup looks at one group.
func (d *Difference) compareGroup(want openflow.Group, wanted bool, have openflow.Group, had bool) {
	switch {
	case wanted && (!had || !want.Equal(have)):
		d.GroupsSet = append(d.GroupsSet, want)
		if had {
			if d.haveGroups == nil {
				d.haveGroups = make(map[uint32]openflow.Group)
			}
			d.haveGroups[have.ID] = have
		}
	case !wanted && had && pipeline.OwnGroup(have.ID):
		d.GroupsDeleted = append(d.GroupsDeleted, have)
	}
}

// ours reports whether a flow was made by this pipeline. Others are never deleted, only replaced where they are in the way.
func ours(f openflow.Flow) bool {
	return f.Cookie&pipeline.CookieMagicMask == pipeline.CookieMagic
}

// contents is what a switch holds, or is to hold.
type contents struct {
	flows  map[openflow.FlowKey]openflow.Flow
	groups map[uint32]openflow.Group
}

// difference compares all that is wanted with all that the switch has.
func difference(want, have contents) Difference {
	var d Difference
	for key, w := range want.flows {
		h, had := have.flows[key]
		d.compare(w, true, h, had)
	}
	for key, h := range have.flows {
		if _, wanted := want.flows[key]; !wanted {
			d.compare(openflow.Flow{}, false, h, true)
		}
	}
	for id, w := range want.groups {
		h, had := have.groups[id]
		d.compareGroup(w, true, h, had)
	}
	for id, h := range have.groups {
		if _, wanted := want.groups[id]; !wanted {
			d.compareGroup(openflow.Group{}, false, h, true)
		}
	}
	d.sort()
	return d
}

// change is one step of a difference: of a flow, or of a group.
type change struct {
	operation operation
	flow      openflow.Flow
	group     *openflow.Group
}

// subject is what a change is about.
type subject struct {
	flow  openflow.FlowKey
	group uint32
}

func (c change) subject() subject {
	if c.group != nil {
		return subject{group: c.group.ID}
	}
	return subject{flow: c.flow.Key()}
}

// mod is the change as a message. A switch replaces a flow that is added again; a group is replaced in place, and never deleted to be
// added again, because its flows would go with it.
func (c change) mod() openflow.Mod {
	switch {
	case c.group != nil && c.operation == opDelete:
		return openflow.GroupMod{Command: openflow.GroupDelete, Group: *c.group}
	case c.group != nil:
		return openflow.GroupMod{Command: openflow.GroupAddOrModify, Group: *c.group}
	case c.operation == opDelete:
		return openflow.FlowMod{Command: openflow.DeleteStrict, Flow: c.flow}
	}
	return openflow.FlowMod{Command: openflow.Add, Flow: c.flow}
}

// operation is what happens to a flow, by the name that metrics use.
type operation string

const (
	opAdd    operation = "add"
	opModify operation = "modify"
	opDelete operation = "delete"
)

// changes are the steps that take a switch over, additions before deletions, so that no packet meets neither the old flow nor
// the new one. Groups come before the flows that send to them, and go after them.
func (d Difference) changes() []change {
	changes := make([]change, 0, d.Len())
	for i := range d.GroupsSet {
		changes = append(changes, change{operation: opModify, group: &d.GroupsSet[i]})
	}
	for _, f := range d.Added {
		changes = append(changes, change{operation: opAdd, flow: f})
	}
	for _, m := range d.Modified {
		changes = append(changes, change{operation: opModify, flow: m.Want})
	}
	for _, f := range d.Deleted {
		changes = append(changes, change{operation: opDelete, flow: f})
	}
	for i := range slices.Backward(d.GroupsDeleted) {
		changes = append(changes, change{operation: opDelete, group: &d.GroupsDeleted[i]})
	}
	return changes
}

// mods are changes as messages.
func mods(changes []change) iter.Seq[openflow.Mod] {
	return func(yield func(openflow.Mod) bool) {
		for _, c := range changes {
			if !yield(c.mod()) {
				return
			}
		}
	}
}
