package config

import (
	"maps"
	"strconv"
)

// The values of tunnelType.
const (
	geneve = "geneve"
	vxlan  = "vxlan"
)

// Tunnel is what tunnels are made of.
type Tunnel struct {
	Type string // as Open vSwitch calls it
	Port int    // 0 is the usual one
	Csum bool   // of the outer UDP header
}

// UDPPort is the port that tunnel packets are sent to.
func (t Tunnel) UDPPort() int {
	switch {
	case t.Port != 0:
		return t.Port
	case t.Type == vxlan:
		return 4789
	}
	return 6081
}

// Options are those of a tunnel port that has these.
func (t Tunnel) Options(options map[string]string) map[string]string {
	options = maps.Clone(options)
	if t.Port != 0 {
		options["dst_port"] = strconv.Itoa(t.Port)
	}
	return options
}
