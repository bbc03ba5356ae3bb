package policy

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Protocol is a protocol with ports, by its number in IP.
type Protocol uint8

// The protocols that policies know.
const (
	TCP  Protocol = 6
	UDP  Protocol = 17
	SCTP Protocol = 132
)

var protocols = map[corev1.Protocol]Protocol{corev1.ProtocolTCP: TCP, corev1.ProtocolUDP: UDP, corev1.ProtocolSCTP: SCTP}

// String is the protocol as Kubernetes writes it.
func (p Protocol) String() string {
	for name, number := range protocols {
		if number == p {
			return string(name)
		}
	}
	return strconv.Itoa(int(p))
}

// protocolOf is TCP where nothing is said, as in the API.
func protocolOf(p *corev1.Protocol) (Protocol, error) {
	if p == nil || *p == "" {
		return TCP, nil
	}
	if number, ok := protocols[*p]; ok {
		return number, nil
	}
	return 0, fmt.Errorf("protocol %q is none of TCP, UDP and SCTP", *p)
}

// Ports is a range of ports of one protocol, first and last included.
type Ports struct {
	Protocol    Protocol
	First, Last uint16
}

// allPorts are the ports of one protocol.
func allPorts(p Protocol) Ports { return Ports{p, 0, 65535} }

// Contains reports whether a port is in the range.
func (p Ports) Contains(protocol Protocol, port uint16) bool {
	return p.Protocol == protocol && p.First <= port && port <= p.Last
}

// String is the range as in "TCP 80" or "UDP 30000-32767"; all ports are the protocol alone.
func (p Ports) String() string {
	switch {
	case p == allPorts(p.Protocol):
		return p.Protocol.String()
	case p.First == p.Last:
		return fmt.Sprintf("%s %d", p.Protocol, p.First)
	}
	return fmt.Sprintf("%s %d-%d", p.Protocol, p.First, p.Last)
}

// aligned is the range in parts that a mask can match: each a power of two, from a multiple of it.
func (p Ports) aligned() []Ports {
	var parts []Ports
	for first, end := uint32(p.First), uint32(p.Last)+1; first < end; {
		size := uint32(1) << min(bits.TrailingZeros32(first|1<<16), bits.Len32(end-first)-1)
		parts = append(parts, Ports{p.Protocol, uint16(first), uint16(first + size - 1)})
		first += size
	}
	return parts
}

// numbered is a range of a policy, checked.
func numbered(protocol Protocol, first, last int32) (Ports, error) {
	if first < 1 || last > 65535 || last < first {
		return Ports{}, fmt.Errorf("ports %d to %d are no range between 1 and 65535", first, last)
	}
	return Ports{protocol, uint16(first), uint16(last)}, nil
}

// ParsePort reads a protocol and a port, as in "80" for TCP, "udp/53" or "UDP:53".
func ParsePort(text string) (Ports, error) {
	name, number, both := strings.Cut(strings.ReplaceAll(text, ":", "/"), "/")
	if !both {
		name, number = "TCP", name
	}
	protocol, err := protocolOf((*corev1.Protocol)(new(strings.ToUpper(name))))
	if err != nil {
		return Ports{}, err
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return Ports{}, fmt.Errorf("port %q is no number between 1 and 65535", number)
	}
	return Ports{protocol, uint16(port), uint16(port)}, nil
}
