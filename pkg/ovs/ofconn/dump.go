package ofconn

import (
	"context"
	"fmt"
	"iter"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// DumpFlows goes over the flows that q chooses, as the switch sends them. An error ends it.
func (c *Conn) DumpFlows(ctx context.Context, q openflow.FlowQuery) iter.Seq2[openflow.FlowStats, error] {
	body, err := q.AppendBinary(nil)
	if err != nil {
		return func(yield func(openflow.FlowStats, error) bool) {
			yield(openflow.FlowStats{}, fmt.Errorf("dump flows: %w", err))
		}
	}
	return dump(ctx, c, "flows", openflow.MultipartFlowDesc, body, openflow.DecodeFlowStats)
}

// DumpGroups goes over all groups of the switch, by number.
func (c *Conn) DumpGroups(ctx context.Context) iter.Seq2[openflow.Group, error] {
	body := []byte{0xff, 0xff, 0xff, 0xfc, 0, 0, 0, 0} // all groups
	return dump(ctx, c, "groups", openflow.MultipartGroupDesc, body, openflow.DecodeGroup)
}

// DumpPorts goes over all ports of the switch.
func (c *Conn) DumpPorts(ctx context.Context) iter.Seq2[openflow.PortDesc, error] {
	body := []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0} // any port
	return dump(ctx, c, "ports", openflow.MultipartPortDesc, body, openflow.DecodePortDesc)
}

// Collect is all items of a dump, or the error that ended it.
func Collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// dump sends a multipart request and takes the items out of its replies, which may be dealt with one by one while the rest
// is still on its way. What cut returns must not point into its argument.
func dump[T any](
	ctx context.Context, c *Conn, what string, kind openflow.MultipartType, body []byte, cut func([]byte) (T, []byte, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		fail := func(err error) {
			var none T
			yield(none, fmt.Errorf("dump %s: %w", what, err))
		}
		xid, req, err := c.begin(ctx, openflow.Multipart{Type: kind, Body: body})
		if err != nil {
			fail(err)
			return
		}
		defer c.end(req, xid)
		for more := true; more; {
			m, err := c.next(ctx, req)
			if err != nil {
				fail(err)
				return
			}
			part, err := partOf(m, kind)
			if err != nil {
				fail(err)
				return
			}
			for b := part.Body; len(b) > 0; {
				item, rest, err := cut(b)
				if err != nil {
					fail(err)
					return
				}
				if !yield(item, nil) {
					return
				}
				b = rest
			}
			more = part.More
			c.dealtWith(m)
		}
	}
}

// partOf reads a part of a dump, without a copy of it.
func partOf(m message, kind openflow.MultipartType) (openflow.Multipart, error) {
	if m.header.Type == openflow.TypeMultipartReply {
		part, err := openflow.DecodeMultipart(m.bytes)
		if err == nil && part.Type != kind {
			err = fmt.Errorf("switch answered with a dump of another type, %d", part.Type)
		}
		return part, err
	}
	decoded := m.decode()
	if e, ok := decoded.(*openflow.Error); ok {
		return openflow.Multipart{}, e
	}
	return openflow.Multipart{}, fmt.Errorf("switch answered with %s", decoded.MessageType())
}
