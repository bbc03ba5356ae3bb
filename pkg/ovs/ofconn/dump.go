package ofconn

import (
	"context"
	"fmt"
	"iter"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// DumpFlows goes over the flows that q chooses, as the switch sends them. An error ends it.
func (c *Conn) DumpFlows(ctx context.Context, q openflow.FlowQuery) iter.Seq2[openflow.FlowStats, error] {
	request, err := openflow.FlowsRequest(c.version, q)
	return dump(ctx, c, request, err, openflow.Multipart.FlowDecoder)
}

// DumpGroups goes over all groups of the switch, in no order.
func (c *Conn) DumpGroups(ctx context.Context) iter.Seq2[openflow.Group, error] {
	return Dump(ctx, c, openflow.MultipartGroupDesc, openflow.GroupQuery{ID: openflow.GroupEvery}, openflow.DecodeGroup)
}

// DumpMeters goes over all meters of the switch.
func (c *Conn) DumpMeters(ctx context.Context) iter.Seq2[openflow.Meter, error] {
	return Dump(ctx, c, openflow.MultipartMeterConfig, openflow.MeterQuery{ID: openflow.MeterAll}, openflow.DecodeMeter)
}

// DumpPorts goes over all ports of the switch.
func (c *Conn) DumpPorts(ctx context.Context) iter.Seq2[openflow.PortDesc, error] {
	return Dump(ctx, c, openflow.MultipartPortDesc, openflow.PortQuery{Port: openflow.PortAny}, openflow.DecodePortDesc)
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

// Dump asks a question that has a multipart reply and goes over its items, which are dealt with one by one while the rest is
// still on its way. What decode returns must not point into its argument. For what the methods of [Conn] do not dump.
func Dump[T any](
	ctx context.Context, c *Conn, kind openflow.MultipartType, query openflow.Part, decode func([]byte) (T, []byte, error),
) iter.Seq2[T, error] {
	request, err := openflow.NewMultipart(kind, false, query)
	return dump(ctx, c, request, err, func(openflow.Multipart) func([]byte) (T, []byte, error) { return decode })
}

// dump is Dump for a request that was made, or could not be, with a decoder for each message of the reply.
func dump[T any](
	ctx context.Context, c *Conn, request openflow.Multipart, err error,
	decoder func(openflow.Multipart) func([]byte) (T, []byte, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		fail := func(err error) {
			var none T
			yield(none, fmt.Errorf("dump %s: %w", request.Type, err))
		}
		if err != nil {
			fail(err)
			return
		}
		xid, req, err := c.begin(ctx, request)
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
			part, err := partOf(m, request.Type)
			if err != nil {
				fail(err)
				return
			}
			decode := decoder(part)
			for b := part.Body; len(b) > 0; {
				item, rest, err := decode(b)
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
	if m.isMultipart() {
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
