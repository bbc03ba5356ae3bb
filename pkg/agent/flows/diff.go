package flows

import (
	"fmt"
	"iter"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Difference is what separates a switch from what it is to hold.
type Difference struct {
	Added    []openflow.Flow // missing in the switch
	Modified []openflow.Flow // there, with other actions, cookie or timeouts
	Deleted  []openflow.Flow // there, and wanted by nobody
}

// Len is the number of flows that differ.
func (d Difference) Len() int { return len(d.Added) + len(d.Modified) + len(d.Deleted) }

// String is the numbers of flows.
func (d Difference) String() string {
	return fmt.Sprintf("%d added, %d modified, %d deleted", len(d.Added), len(d.Modified), len(d.Deleted))
}

func (d *Difference) sort() {
	for _, flows := range [][]openflow.Flow{d.Added, d.Modified, d.Deleted} {
		slices.SortFunc(flows, openflow.Flow.Compare)
	}
}

// compare looks at one key.
func (d *Difference) compare(want openflow.Flow, wanted bool, have openflow.Flow, had bool) {
	switch {
	case wanted && !had:
		d.Added = append(d.Added, want)
	case wanted && !want.Equal(have):
		d.Modified = append(d.Modified, want)
	case !wanted && had && ours(have):
		d.Deleted = append(d.Deleted, have)
	}
}

// ours reports whether a flow was made by this pipeline. Others are never deleted, only replaced where they are in the way.
func ours(f openflow.Flow) bool {
	return f.Cookie&pipeline.CookieMagicMask == pipeline.CookieMagic
}

// difference compares all that is wanted with all that the switch has.
func difference(want, have map[openflow.FlowKey]openflow.Flow) Difference {
	var d Difference
	for key, w := range want {
		h, had := have[key]
		d.compare(w, true, h, had)
	}
	for key, h := range have {
		if _, wanted := want[key]; !wanted {
			d.compare(openflow.Flow{}, false, h, true)
		}
	}
	d.sort()
	return d
}

// change is one step of a difference.
type change struct {
	operation operation
	flow      openflow.Flow
}

// operation is what happens to a flow, by the name that metrics use.
type operation string

const (
	opAdd    operation = "add"
	opModify operation = "modify"
	opDelete operation = "delete"
)

// changes are the steps that take a switch over, additions before deletions, so that no packet meets neither the old flow nor
// the new one.
func (d Difference) changes() []change {
	changes := make([]change, 0, d.Len())
	for _, f := range d.Added {
		changes = append(changes, change{opAdd, f})
	}
	for _, f := range d.Modified {
		changes = append(changes, change{opModify, f})
	}
	for _, f := range d.Deleted {
		changes = append(changes, change{opDelete, f})
	}
	return changes
}

// mods are changes as messages. A switch replaces a flow that is added again.
func mods(changes []change) iter.Seq[openflow.Mod] {
	return func(yield func(openflow.Mod) bool) {
		for _, c := range changes {
			command := openflow.Add
			if c.operation == opDelete {
				command = openflow.DeleteStrict
			}
			if !yield(openflow.FlowMod{Command: command, Flow: c.flow}) {
				return
			}
		}
	}
}
