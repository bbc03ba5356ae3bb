package openflow

import (
	"encoding/binary"
	"fmt"
)

// IPFIXStats are the counters of an IPFIX exporter of Open vSwitch.
type IPFIXStats struct {
	Flows, CurrentFlows, Packets, IPv4, IPv6 uint64
	Errors, IPv4Errors, IPv6Errors           uint64
	TxPackets, TxErrors                      uint64
	Collector                                uint32 // set of collectors, of flow-based exporters
}

const ipfixStatsLen = 88

func cutIPFIXStats(b []byte) (s IPFIXStats, rest []byte, err error) {
	if err := atLeast(b, ipfixStatsLen); err != nil {
		return IPFIXStats{}, nil, err
	}
	readCounters(b, s.counters()...)
	s.Collector = binary.BigEndian.Uint32(b[80:])
	return s, b[ipfixStatsLen:], nil
}

func (s *IPFIXStats) counters() []*uint64 {
	return []*uint64{&s.Flows, &s.CurrentFlows, &s.Packets, &s.IPv4, &s.IPv6, &s.Errors, &s.IPv4Errors, &s.IPv6Errors,
		&s.TxPackets, &s.TxErrors}
}

// AppendBinary implements [Part].
func (s IPFIXStats) AppendBinary(b []byte) ([]byte, error) {
	for _, v := range s.counters() {
		b = binary.BigEndian.AppendUint64(b, *v)
	}
	return appendID(b, s.Collector), nil
}

// ipfix appends the counters of a bridge's exporter, or those of flows by their set of collectors.
func (p *printer) ipfix(subtype uint32, list []Part) {
	if subtype == nxstIPFIXFlow {
		p.format(" %d ids\n", len(list))
	} else {
		p.format("\n")
	}
	for _, part := range list {
		s, ok := part.(IPFIXStats)
		if !ok {
			continue
		}
		front, indent := "  bridge ipfix: ", "                "
		if subtype == nxstIPFIXFlow {
			front, indent = fmt.Sprintf("  id %3d: ", s.Collector), "          "
		}
		p.format("%sflows=%d, current flows=%d, sampled pkts=%d, ipv4 ok=%d, ipv6 ok=%d, tx pkts=%d\n",
			front, s.Flows, s.CurrentFlows, s.Packets, s.IPv4, s.IPv6, s.TxPackets)
		p.format("%spkts errs=%d, ipv4 errs=%d, ipv6 errs=%d, tx errs=%d\n", indent, s.Errors, s.IPv4Errors, s.IPv6Errors, s.TxErrors)
	}
}
