package ofconntest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// maxBody is how much of a dump goes into one message.
const maxBody = 60000

func (c *session) dump(xid uint32, raw []byte, m openflow.Multipart) {
	var items []func([]byte) ([]byte, error)
	switch m.Type {
	case openflow.MultipartFlowDesc:
		q, err := openflow.DecodeFlowQuery(m.Body)
		if err != nil {
			c.refuse(xid, raw, errBadMatch)
			return
		}
		for _, f := range c.state.flows {
			if q.Table != openflow.TableAll && q.Table != f.Table || (q.Cookie^f.Cookie)&q.CookieMask != 0 || !q.Match.Covers(f.Match) {
				continue
			}
			items = append(items, openflow.FlowStats{Flow: f}.AppendBinary)
		}
	case openflow.MultipartGroupDesc:
		for _, g := range c.state.sortedGroups() {
			items = append(items, g.AppendBinary)
		}
	case openflow.MultipartMeterConfig:
		for _, id := range slices.Sorted(maps.Keys(c.state.meters)) {
			items = append(items, c.state.meters[id].AppendBinary)
		}
	case openflow.MultipartFlowMonitor:
		monitor, _, err := openflow.DecodeFlowMonitor(m.Body)
		if err != nil {
			c.refuse(xid, raw, errBadMatch)
			return
		}
		for _, u := range c.setMonitor(monitor) {
			items = append(items, u.AppendBinary)
		}
	case openflow.MultipartPortDesc:
		for _, p := range c.ports {
			items = append(items, p.AppendBinary)
		}
	default:
		c.refuse(xid, raw, openflow.ErrBadMultipart)
		return
	}
	var body []byte
	for _, item := range items {
		b, err := item(nil)
		if err != nil {
			panic(fmt.Sprintf("ofconntest: %v", err))
		}
		if len(body)+len(b) > maxBody {
			c.send(xid, openflow.Multipart{Reply: true, Type: m.Type, More: true, Body: body})
			body = nil
		}
		body = append(body, b...)
	}
	c.send(xid, openflow.Multipart{Reply: true, Type: m.Type, Body: body})
}
