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
}

var (
	errBadTable   = &openflow.Error{Type: openflow.ErrorBadRequest, Code: 9}
	errBadCommand = &openflow.Error{Type: openflow.ErrorGroupModFailed, Code: 11}
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
		case openflow.GroupAdd, openflow.GroupModify, openflow.GroupAddOrModify, openflow.GroupDelete:
		default:
			return errBadCommand // buckets are not changed one by one here
		}
	}
	return nil
}

// applyAll makes all changes or none; it says which one cannot be made.
func (s *state) applyAll(mods []openflow.Mod) (int, *openflow.Error) {
	next := state{flows: s.flows, groups: s.groups}
	if len(mods) > 1 {
		next = state{flows: maps.Clone(s.flows), groups: maps.Clone(s.groups)}
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

func (s *state) sortedGroups() []openflow.Group {
	var all []openflow.Group
	for _, id := range slices.Sorted(maps.Keys(s.groups)) {
		all = append(all, s.groups[id])
	}
	return all
}
