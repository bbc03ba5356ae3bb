package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// Port is the number of a switch port, 32 bits wide as in OpenFlow 1.1 and later.
type Port uint32

// The reserved ports of the specification.
const (
	PortMax        Port = 0xffffff00
	PortUnset      Port = 0xfffffff7
	PortInPort     Port = 0xfffffff8
	PortTable      Port = 0xfffffff9
	PortNormal     Port = 0xfffffffa
	PortFlood      Port = 0xfffffffb
	PortAll        Port = 0xfffffffc
	PortController Port = 0xfffffffd
	PortLocal      Port = 0xfffffffe
	PortAny        Port = 0xffffffff
)

var portNames = map[Port]string{
	PortUnset: "UNSET", PortInPort: "IN_PORT", PortTable: "TABLE", PortNormal: "NORMAL", PortFlood: "FLOOD", PortAll: "ALL",
	PortController: "CONTROLLER", PortLocal: "LOCAL", PortAny: "ANY",
}

// String is the port as ovs-ofctl prints it.
func (p Port) String() string {
	if name, ok := portNames[p]; ok {
		return name
	}
	return strconv.FormatUint(uint64(p), 10)
}

// ParsePort reads a port number, in either width, or the name of a reserved port.
func ParsePort(s string) (Port, error) {
	if strings.EqualFold(s, "NONE") {
		return PortAny, nil
	}
	for p, name := range portNames {
		if strings.EqualFold(s, name) {
			return p, nil
		}
	}
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("port %q is neither a number nor the name of a reserved port", s)
	}
	return portFrom16(n), nil
}

// portFrom16 widens the reserved ports of OpenFlow 1.0, which end at 0xffff.
func portFrom16(n uint64) Port {
	if n >= 0xff00 && n <= 0xffff {
		n |= 0xffff0000
	}
	return Port(n)
}
