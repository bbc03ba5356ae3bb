package openflow

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// Part is what the body of a multipart message consists of: one in most requests, any number in most replies.
type Part interface {
	// AppendBinary appends the part as it stands in the body.
	AppendBinary(b []byte) ([]byte, error)
}

// NewMultipart makes a message of parts, which must fit the type.
func NewMultipart(t MultipartType, reply bool, parts ...Part) (Multipart, error) {
	m := Multipart{Type: t, Reply: reply}
	for _, part := range parts {
		var err error
		if m.Body, err = part.AppendBinary(m.Body); err != nil {
			return Multipart{}, err
		}
	}
	return m, nil
}

// Parts goes over the parts of the body and ends with the first error. Of a type that is not known, the body comes as
// [RawPart].
func (m Multipart) Parts() iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		for b := m.Body; len(b) > 0; {
			part, rest, err := m.cutPart(b)
			if err == nil && len(rest) >= len(b) {
				err = fmt.Errorf("part of no bytes")
			}
			if err != nil {
				yield(nil, fmt.Errorf("%s: %w", m.Type, err))
				return
			}
			if !yield(part, nil) {
				return
			}
			b = rest
		}
	}
}

// RawPart is the body, or the rest of it, of a type that is not interpreted.
type RawPart []byte

// AppendBinary implements [Part].
func (p RawPart) AppendBinary(b []byte) ([]byte, error) { return append(b, p...), nil }

// part makes a Part of what a decoder returns.
func part[T Part](p T, rest []byte, err error) (Part, []byte, error) {
	if err != nil {
		return nil, nil, err
	}
	return p, rest, nil
}

// cutPart takes one part off the front of the body.
func (m Multipart) cutPart(b []byte) (Part, []byte, error) {
	switch {
	case m.Type == MultipartExperimenter:
		return m.cutExperimenter(b)
	case m.Reply:
		return m.cutReply(b)
	}
	return m.cutRequest(b)
}

func (m Multipart) cutRequest(b []byte) (Part, []byte, error) {
	switch m.Type {
	case MultipartFlowDesc, MultipartAggregate, MultipartFlowStats:
		return part(cutFlowQuery(b))
	case MultipartPort, MultipartPortDesc:
		id, rest, err := cutID(b)
		return part(PortQuery{Port(id)}, rest, err)
	case MultipartQueue, MultipartQueueDesc:
		id, rest, err := cutID(b)
		if err != nil {
			return nil, nil, err
		}
		return QueueQuery{Port(id), binary.BigEndian.Uint32(b[4:])}, rest, nil
	case MultipartGroup, MultipartGroupDesc:
		id, rest, err := cutID(b)
		return part(GroupQuery{id}, rest, err)
	case MultipartMeter, MultipartMeterConfig:
		id, rest, err := cutID(b)
		return part(MeterQuery{id}, rest, err)
	case MultipartTableFeatures:
		return part(DecodeTableFeatures(b))
	case MultipartFlowMonitor:
		return part(DecodeFlowMonitor(b))
	}
	return RawPart(clone(b)), nil, nil
}

func (m Multipart) cutReply(b []byte) (Part, []byte, error) {
	switch m.Type {
	case MultipartDesc:
		return part(decodeSwitchDesc(b))
	case MultipartFlowDesc:
		return part(m.FlowDecoder()(b))
	case MultipartAggregate:
		return part(decodeAggregate(b))
	case MultipartTable:
		return part(DecodeTableStats(b))
	case MultipartPort:
		return part(DecodePortStats(b))
	case MultipartQueue:
		return part(DecodeQueueStats(b))
	case MultipartGroup:
		return part(DecodeGroupStats(b))
	case MultipartGroupDesc:
		return part(DecodeGroup(b))
	case MultipartGroupFeatures:
		return part(decodeGroupFeatures(b))
	case MultipartMeter:
		return part(DecodeMeterStats(b))
	case MultipartMeterConfig:
		return part(DecodeMeter(b))
	case MultipartMeterFeatures:
		return part(decodeMeterFeatures(b))
	case MultipartTableFeatures:
		return part(DecodeTableFeatures(b))
	case MultipartPortDesc:
		return part(DecodePortDesc(b))
	case MultipartTableDesc:
		return part(DecodeTableDesc(b))
	case MultipartQueueDesc:
		return part(DecodeQueueDesc(b))
	case MultipartFlowMonitor:
		return part(DecodeFlowUpdate(b))
	}
	return RawPart(clone(b)), nil, nil
}

func (m Multipart) cutExperimenter(b []byte) (Part, []byte, error) {
	if m.Reply && m.isDump() {
		return part(m.FlowDecoder()(b))
	}
	if m.Experimenter == experimenterNicira && m.Reply && (m.Subtype == nxstIPFIXBridge || m.Subtype == nxstIPFIXFlow) {
		return part(cutIPFIXStats(b))
	}
	return RawPart(clone(b)), nil, nil
}

// multipart appends the parts, with what some types have around them.
func (p *printer) multipart(m Multipart) error {
	var list []Part
	for part, err := range m.Parts() {
		if err != nil {
			return err
		}
		list = append(list, part)
	}
	if m.Reply && m.More {
		p.format(" flags=[more]")
	}
	if m.Reply {
		sortParts(list)
		p.beforeParts(m.Type, list)
	}
	if m.Reply && m.Experimenter == experimenterNicira && !m.isDump() {
		p.ipfix(m.Subtype, list)
		return nil
	}
	var tables []TableStats
	var features []TableFeatures
	for i, part := range list {
		switch part := part.(type) {
		case TableStats:
			tables = append(tables, part)
		case TableFeatures:
			features = append(features, part)
		case FlowStats:
			p.format("\n ")
			p.flowStats(part)
		case QueueDesc:
			var before Part
			if i > 0 {
				before = list[i-1]
			}
			p.queueDesc(part, before)
		case PortQuery:
			if m.Type == MultipartPortDesc {
				p.format(" port=")
				p.port(part.Port)
			} else {
				part.appendText(p)
			}
		case QueueQuery:
			if m.Type == MultipartQueueDesc && part.Queue == QueueAll {
				p.format(" port=")
				p.port(part.Port)
			} else {
				part.appendText(p)
			}
		case texter:
			part.appendText(p)
		case RawPart:
			p.format("\n")
			p.hexDump(part)
		}
	}
	if len(tables) > 0 {
		p.tables(tables)
	}
	p.tableFeatures(features)
	return nil
}

// sortParts puts ports and queues in order of their numbers.
func sortParts(list []Part) {
	slices.SortStableFunc(list, func(a, b Part) int {
		switch a := a.(type) {
		case PortDesc:
			if b, ok := b.(PortDesc); ok {
				return cmp.Compare(a.Port, b.Port)
			}
		case QueueDesc:
			if b, ok := b.(QueueDesc); ok {
				return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Queue, b.Queue))
			}
		}
		return 0
	})
}

func (p *printer) beforeParts(t MultipartType, list []Part) {
	switch t {
	case MultipartPort:
		p.format(" %d ports\n", len(list))
	case MultipartQueue:
		p.format(" %d queues\n", len(list))
	case MultipartTable, MultipartPortDesc:
		p.format("\n")
	case MultipartFlowDesc:
		if len(list) == 0 {
			p.format("\n")
		}
	}
}
