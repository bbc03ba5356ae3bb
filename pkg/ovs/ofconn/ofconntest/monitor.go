package ofconntest

import (
	"fmt"
	"maps"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// setMonitor begins or ends to report changes, and tells of the flows there are if that is asked for.
func (c *session) setMonitor(m openflow.FlowMonitor) (updates []openflow.FlowUpdate) {
	if m.Command == openflow.MonitorDelete {
		c.monitor = nil
		return nil
	}
	c.monitor = &m
	for _, f := range c.state.flows {
		if m.Flags&openflow.MonitorInitial != 0 && monitors(m, f) {
			updates = append(updates, openflow.FlowUpdate{Event: openflow.MonitorFlowInitial, Flow: f})
		}
	}
	return updates
}

func monitors(m openflow.FlowMonitor, f openflow.Flow) bool {
	return (m.Table == openflow.TableAll || m.Table == f.Table) && m.Match.Covers(f.Match)
}

// watch remembers the flows; its result tells those who monitor them what has changed since. The caller holds the lock.
func (s *Switch) watch(by *session, xid uint32) func() {
	before := make(map[openflow.FlowKey]openflow.Flow)
	for c := range s.sessions {
		if c.monitor != nil {
			before = maps.Clone(s.state.flows)
		}
	}
	return func() {
		for c := range s.sessions {
			if c.monitor == nil {
				continue
			}
			var body []byte
			for _, u := range c.updates(before, c == by, xid) {
				var err error
				if body, err = u.AppendBinary(body); err != nil {
					panic(fmt.Sprintf("ofconntest: %v", err))
				}
			}
			if len(body) > 0 {
				c.send(0, openflow.Multipart{Reply: true, Type: openflow.MultipartFlowMonitor, Body: body})
			}
		}
	}
}

// updates is what one monitor hears. Of a change of its own it hears no more than which one it was, unless it asked for more:
// Open vSwitch takes the flag for its own changes alone for a wish to have these in full as well.
func (c *session) updates(before map[openflow.FlowKey]openflow.Flow, own bool, xid uint32) (updates []openflow.FlowUpdate) {
	m := *c.monitor
	add := func(flag openflow.MonitorFlags, event openflow.MonitorEvent, f openflow.Flow) {
		if m.Flags&flag != 0 && monitors(m, f) {
			updates = append(updates, openflow.FlowUpdate{Event: event, Flow: f})
		}
	}
	for key, f := range c.state.flows {
		switch old, ok := before[key]; {
		case !ok:
			add(openflow.MonitorAdd, openflow.MonitorFlowAdded, f)
		case old != f:
			add(openflow.MonitorModify, openflow.MonitorFlowModified, f)
		}
	}
	for key, f := range before {
		if _, ok := c.state.flows[key]; !ok {
			add(openflow.MonitorRemoved, openflow.MonitorFlowRemoved, f)
		}
	}
	if len(updates) > 0 && own && m.Flags&openflow.MonitorOnlyOwn == 0 {
		return []openflow.FlowUpdate{{Event: openflow.MonitorAbbrev, Xid: xid}}
	}
	return updates
}
