package ofconn

import (
	"context"
	"fmt"
	"iter"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// DumpFlows goes over the flows that q chooses, as the switch sends them. An error ends it.
func (c *Conn) DumpFlows(ctx context.Context, q openflow.FlowQuery) iter.Seq2[openflow.FlowStats, error] {
	return func(yield func(openflow.FlowStats, error) bool) {
		body, err := q.AppendBinary(nil)
		if err != nil {
			yield(openflow.FlowStats{}, fmt.Errorf("dump flows: %w", err))
			return
		}
		for flow, err := range dump(ctx, c, openflow.MultipartFlowDesc, body, openflow.DecodeFlowStats) {
			if err != nil {
				err = fmt.Errorf("dump flows: %w", err)
			}
			if !yield(flow, err) {
				return
			}
		}
	}
}

// DumpGroups is all groups of the switch, by number.
func (c *Conn) DumpGroups(ctx context.Context) ([]openflow.Group, error) {
	body := []byte{0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 0} // all groups
	groups, err := collect(dump(ctx, c, openflow.MultipartGroupDesc, body, openflow.DecodeGroup))
	if err != nil {
		return nil, fmt.Errorf("dump groups: %w", err)
	}
	return groups, nil
}

// DumpPorts is all ports of the switch.
func (c *Conn) DumpPorts(ctx context.Context) ([]openflow.PortDesc, error) {
	body := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0} // any port
	ports, err := collect(dump(ctx, c, openflow.MultipartPortDesc, body, openflow.DecodePortDesc))
	if err != nil {
		return nil, fmt.Errorf("dump ports: %w", err)
	}
	return ports, nil
}

// dump sends a multipart request and takes the items out of its replies.
func dump[T any](
	ctx context.Context, c *Conn, kind openflow.MultipartType, body []byte, cut func([]byte) (T, []byte, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		xid, req, err := c.begin(ctx, openflow.Multipart{Type: kind, Body: body})
		if err != nil {
			yield(none, err)
			return
		}
		defer c.end(xid)
		for more := true; more; {
			m, err := c.next(ctx, req)
			if err != nil {
				yield(none, err)
				return
			}
			part, ok := m.(openflow.Multipart)
			if !ok || part.Type != kind {
				yield(none, fmt.Errorf("switch answered with %s", m.MessageType()))
				return
			}
			for b := part.Body; len(b) > 0; {
				item, rest, err := cut(b)
				if !yield(item, err) || err != nil {
					return
				}
				b = rest
			}
			more = part.More
		}
	}
}

func collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}
