package openflow

import (
	"encoding/binary"
	"fmt"
	"time"
)

// GroupStats are the counters of a group.
type GroupStats struct {
	ID             uint32
	References     uint32 // flows and groups that send packets to it
	Packets, Bytes uint64
	Duration       time.Duration
	Buckets        []BandStats
}

const groupStatsLen = 40

// DecodeGroupStats takes one group off the front of the body of a group statistics reply.
func DecodeGroupStats(b []byte) (s GroupStats, rest []byte, err error) {
	item, rest, err := cutItem(b, 0, groupStatsLen)
	if err != nil {
		return GroupStats{}, nil, err
	}
	s = GroupStats{ID: binary.BigEndian.Uint32(item[4:]), References: binary.BigEndian.Uint32(item[8:]), Duration: durationAt(item[32:])}
	readCounters(item[16:], &s.Packets, &s.Bytes)
	for item = item[groupStatsLen:]; len(item) > 0; item = item[16:] {
		if err := atLeast(item, 16); err != nil {
			return GroupStats{}, nil, fmt.Errorf("bucket: %w", err)
		}
		var bucket BandStats
		readCounters(item, &bucket.Packets, &bucket.Bytes)
		s.Buckets = append(s.Buckets, bucket)
	}
	return s, rest, nil
}

// AppendBinary appends the group as it stands in a group statistics reply.
func (s GroupStats) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(groupStatsLen+16*len(s.Buckets)))
	b = binary.BigEndian.AppendUint32(append(b, 0, 0), s.ID)
	b = binary.BigEndian.AppendUint32(b, s.References)
	b = appendDuration(appendCounters(append(b, 0, 0, 0, 0), s.Packets, s.Bytes), s.Duration)
	for _, bucket := range s.Buckets {
		b = appendCounters(b, bucket.Packets, bucket.Bytes)
	}
	return b, nil
}

func (s GroupStats) appendText(p *printer) {
	p.format("\n group_id=%d,", s.ID)
	if s.Duration >= 0 {
		p.format("duration=%s,", durationText(s.Duration))
	}
	p.format("ref_count=%d,packet_count=%d,byte_count=%d", s.References, s.Packets, s.Bytes)
	for i, bucket := range s.Buckets {
		p.format(",bucket%d:packet_count=%d,byte_count=%d", i, bucket.Packets, bucket.Bytes)
	}
}

// GroupFeatures say what groups a switch can have, by [GroupType].
type GroupFeatures struct {
	Types, Capabilities uint32
	Max, Actions        [4]uint32
}

func decodeGroupFeatures(b []byte) (f GroupFeatures, rest []byte, err error) {
	if err := atLeast(b, 40); err != nil {
		return GroupFeatures{}, nil, err
	}
	f = GroupFeatures{Types: binary.BigEndian.Uint32(b), Capabilities: binary.BigEndian.Uint32(b[4:])}
	for i := range 4 {
		f.Max[i] = binary.BigEndian.Uint32(b[8+4*i:])
		f.Actions[i] = binary.BigEndian.Uint32(b[24+4*i:])
	}
	return f, b[40:], nil
}

// AppendBinary appends the features as they stand in a group features reply.
func (f GroupFeatures) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, f.Types)
	b = binary.BigEndian.AppendUint32(b, f.Capabilities)
	for _, four := range [][4]uint32{f.Max, f.Actions} {
		for _, v := range four {
			b = binary.BigEndian.AppendUint32(b, v)
		}
	}
	return b, nil
}

// featureActions are the actions that ovs-ofctl names for a group, in its order.
var featureActions = []struct {
	kind int
	name string
}{
	{actOutput, "output"}, {actGroup, "group"}, {actSetField, "set_field"}, {actPopVLAN, "strip_vlan"},
	{actPushVLAN, "push_vlan"}, {actSetNwTTL, "mod_nw_ttl"}, {actDecNwTTL, "dec_ttl"}, {actSetMPLSTTL, "set_mpls_ttl"},
	{actDecMPLSTTL, "dec_mpls_ttl"}, {actPushMPLS, "push_mpls"}, {actPopMPLS, "pop_mpls"}, {actSetQueue, "set_queue"},
}

func (f GroupFeatures) appendText(p *printer) {
	p.format("\n Group table:\n    Types:  %#x\n    Capabilities:  %#x\n", f.Types, f.Capabilities)
	for i, name := range []string{"all", "select", "indirect", "fast failover"} {
		if f.Types&(1<<i) == 0 {
			continue
		}
		p.format("    %s group:\n       max_groups=%#x\n       actions: ", name, f.Max[i])
		first := true
		for _, action := range featureActions {
			if f.Actions[i]&(1<<action.kind) == 0 {
				continue
			}
			if !first {
				p.format(" ")
			}
			p.format("%s", action.name)
			first = false
		}
		if first {
			p.format("<none>")
		}
		p.format("\n")
	}
}
