package ofconntest

import (
	"errors"
	"maps"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// state is what a switch holds.
type state struct {
	flows  map[openflow.FlowKey]openflow.Flow
	groups map[uint32]openflow.Group
	meters map[uint32]openflow.Meter
}

const meterModFailed = 12 // the type of errors

var (
	errBadTable   = &openflow.Error{Type: openflow.ErrorBadRequest, Code: 9}
	errBadCommand = &openflow.Error{Type: openflow.ErrorGroupModFailed, Code: 11}

	errUnknownBucket = &openflow.Error{Type: openflow.ErrorGroupModFailed, Code: 15}
	errBucketExists  = &openflow.Error{Type: openflow.ErrorGroupModFailed, Code: 16}

	errMeterExists  = &openflow.Error{Type: meterModFailed, Code: 1}
	errUnknownMeter = &openflow.Error{Type: meterModFailed, Code: 3}
)

// check finds what is wrong with a change by itself, whatever the switch holds.
func check(mod openflow.Mod) *openflow.Error {
	switch m := mod.(type) {
	case openflow.FlowMod:
		if m.Flow.Table == openflow.TableAll && m.Command < openflow.Delete {
			return errBadTable
		}
		if err := m.Flow.Match.Check(); err != nil {
			if errors.Is(err, openflow.ErrPrerequisite) {
				return openflow.ErrBadPrereq
			}
			return openflow.ErrBadMask
		}
	case openflow.GroupMod:
		switch m.Command {
		case openflow.GroupAdd, openflow.GroupModify, openflow.GroupAddOrModify, openflow.GroupDelete, openflow.GroupInsert,
			openflow.GroupRemove:
		default:
			return errBadCommand
		}
	}
	return nil
}

// applyAll makes all changes or none; it says which one cannot be made.
func (s *state) applyAll(mods []openflow.Mod) (int, *openflow.Error) {
	next := *s
	if len(mods) > 1 {
		next.flows, next.groups = maps.Clone(s.flows), maps.Clone(s.groups)
	}
	for i, mod := range mods {
		var err *openflow.Error
		switch m := mod.(type) {
		case openflow.FlowMod:
			err = next.applyFlow(m)
		case openflow.GroupMod:
			err = next.applyGroup(m)
		}
		if err != nil {
			return i, err
		}
	}
	*s = next
	return 0, nil
}

func (s *state) applyFlow(m openflow.FlowMod) *openflow.Error {
	if m.Command < openflow.Delete {
		for id := range m.Flow.Actions.Groups() {
			if _, ok := s.groups[id]; !ok {
				return openflow.ErrBadOutGroup
			}
		}
	}
	if m.Command == openflow.Add {
		m.Flow.Flags &^= openflow.FlagCheckOverlap
		s.flows[m.Flow.Key()] = m.Flow
		return nil
	}
	for key, f := range s.flows {
		if !chosen(m, f) {
			continue
		}
		if m.Command >= openflow.Delete {
			delete(s.flows, key)
		} else {
			f.Actions = m.Flow.Actions
			s.flows[key] = f
		}
	}
	return nil
}

// chosen reports whether a change that is not an addition is about f.
func chosen(m openflow.FlowMod, f openflow.Flow) bool {
	if (m.Flow.Cookie^f.Cookie)&m.CookieMask != 0 || m.Flow.Table != f.Table && m.Flow.Table != openflow.TableAll {
		return false
	}
	if m.Command == openflow.ModifyStrict || m.Command == openflow.DeleteStrict {
		return m.Flow.Match == f.Match && m.Flow.Priority == f.Priority
	}
	return m.Flow.Match.Covers(f.Match)
}

func (s *state) applyGroup(m openflow.GroupMod) *openflow.Error {
	_, exists := s.groups[m.Group.ID]
	switch m.Command {
	case openflow.GroupAdd:
		if exists {
			return openflow.ErrGroupExists
		}
	case openflow.GroupModify:
		if !exists {
			return openflow.ErrUnknownGroup
		}
	case openflow.GroupDelete:
		s.deleteGroup(m.Group.ID)
		return nil
	case openflow.GroupInsert, openflow.GroupRemove:
		if !exists {
			return openflow.ErrUnknownGroup
		}
		return s.changeBuckets(m)
	}
	s.groups[m.Group.ID] = m.Group
	return nil
}

// deleteGroup also deletes the flows that send to the group, as switches do.
func (s *state) deleteGroup(id uint32) {
	for group := range s.groups {
		if group != id && id != openflow.GroupEvery {
			continue
		}
		delete(s.groups, group)
		maps.DeleteFunc(s.flows, func(_ openflow.FlowKey, f openflow.Flow) bool {
			for used := range f.Actions.Groups() {
				if used == group {
					return true
				}
			}
			return false
		})
	}
}

// changeBuckets inserts into a group, or removes from it.
func (s *state) changeBuckets(m openflow.GroupMod) *openflow.Error {
	g := s.groups[m.Group.ID]
	g.Buckets = slices.Clone(g.Buckets)
	at := func(id uint32) int {
		return slices.IndexFunc(g.Buckets, func(b openflow.Bucket) bool { return b.ID == id })
	}
	i := at(m.Bucket)
	switch m.Bucket {
	case openflow.BucketFirst:
		i = 0
	case openflow.BucketLast:
		i = len(g.Buckets) - 1
	}
	switch {
	case m.Bucket == openflow.BucketAll && m.Command == openflow.GroupRemove:
		g.Buckets = nil
	case i < 0 && (m.Command == openflow.GroupRemove || m.Bucket != openflow.BucketLast):
		return errUnknownBucket
	case m.Command == openflow.GroupRemove:
		g.Buckets = slices.Delete(g.Buckets, i, i+1)
	default:
		for _, b := range m.Group.Buckets {
			if at(b.ID) >= 0 {
				return errBucketExists
			}
		}
		if m.Bucket != openflow.BucketFirst {
			i++
		}
		g.Buckets = slices.Insert(g.Buckets, i, m.Group.Buckets...)
	}
	s.groups[g.ID] = g
	return nil
}

// applyMeter makes a change that no bundle takes.
func (s *state) applyMeter(m openflow.MeterMod) *openflow.Error {
	id := m.Meter.ID
	_, exists := s.meters[id]
	switch {
	case m.Command == openflow.MeterAdd && exists:
		return errMeterExists
	case m.Command == openflow.MeterModify && !exists:
		return errUnknownMeter
	case m.Command == openflow.MeterDelete && id == openflow.MeterAll:
		clear(s.meters)
	case m.Command == openflow.MeterDelete:
		delete(s.meters, id)
	default:
		s.meters[id] = m.Meter
	}
	return nil
}

func (s *state) sortedGroups() []openflow.Group {
	var all []openflow.Group
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		all = append(all, s.groups[id])
	}
	return all
}
