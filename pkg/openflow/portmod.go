package openflow

import "encoding/binary"

// PortMod changes the configuration of a port: the bits of Config that Mask has.
type PortMod struct {
	Port         Port
	MAC          MAC // must be the port's
	Config, Mask uint32
	Properties   []byte // as they came; AdvertiseProperty makes one
}

// Bits of a port's configuration.
const (
	PortConfigDown       = 1 << 0
	PortConfigNoRecv     = 1 << 2
	PortConfigNoForward  = 1 << 5
	PortConfigNoPacketIn = 1 << 6
)

// AdvertiseProperty is the property of a port mod that changes what an Ethernet port advertises.
func AdvertiseProperty(features uint32) []byte {
	return appendProperty(nil, 0, binary.BigEndian.AppendUint32(nil, features))
}

func (PortMod) mod() {}

// String is the change as ovs-ofctl prints it.
func (m PortMod) String() string { return "port-mod" + textOf(m) }

// MessageType implements [Message].
func (PortMod) MessageType() MessageType { return TypePortMod }

// AppendBinary implements [Message].
func (m PortMod) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, uint32(m.Port))
	b = append(append(append(b, 0, 0, 0, 0), m.MAC[:]...), 0, 0)
	b = binary.BigEndian.AppendUint32(b, m.Config)
	b = binary.BigEndian.AppendUint32(b, m.Mask)
	return append(b, m.Properties...), nil
}

func decodePortMod(b []byte) (PortMod, error) {
	if err := atLeast(b, 24); err != nil {
		return PortMod{}, err
	}
	return PortMod{
		Port:       Port(binary.BigEndian.Uint32(b)),
		MAC:        MAC(b[8:14]),
		Config:     binary.BigEndian.Uint32(b[16:]),
		Mask:       binary.BigEndian.Uint32(b[20:]),
		Properties: clone(b[24:]),
	}, nil
}

func (m PortMod) appendText(p *printer) {
	p.format(" port: ")
	p.port(m.Port)
	p.format(": addr:%s\n     config: ", m.MAC)
	p.knownBits(m.Config, portConfigNames)
	p.format("\n     mask:   ")
	p.knownBits(m.Mask, portConfigNames)
	p.format("\n     advertise: ")
	var advertise uint32
	for prop, err := range properties(m.Properties) {
		if err == nil && prop.kind == 0 && len(prop.body) == 4 {
			advertise = binary.BigEndian.Uint32(prop.body)
		}
	}
	if advertise == 0 {
		p.format("UNCHANGED\n")
		return
	}
	p.knownBits(advertise, portFeatureNames)
	p.format("\n")
}

var portConfigNames = []string{"PORT_DOWN", "", "NO_RECV", "", "", "NO_FWD", "NO_PACKET_IN"}

var portFeatureNames = []string{"10MB-HD", "10MB-FD", "100MB-HD", "100MB-FD", "1GB-HD", "1GB-FD", "10GB-FD", "40GB-FD",
	"100GB-FD", "1TB-FD", "OTHER", "COPPER", "FIBER", "AUTO_NEG", "AUTO_PAUSE", "AUTO_PAUSE_ASYM"}

var portStateNames = []string{"LINK_DOWN", "BLOCKED", "LIVE"}

func (m PortDesc) appendText(p *printer) {
	p.format(" %s(%s): addr:%s\n     config:     ", m.Port, m.Name, m.MAC)
	p.knownBits(m.Config, portConfigNames)
	p.format("\n     state:      ")
	p.knownBits(m.State, portStateNames)
	p.format("\n")
	e, _ := m.Ethernet()
	for _, line := range []struct {
		name     string
		features uint32
	}{{"current:    ", e.Current}, {"advertised: ", e.Advertised}, {"supported:  ", e.Supported}, {"peer:       ", e.Peer}} {
		if line.features&(1<<len(portFeatureNames)-1) != 0 {
			p.format("     %s", line.name)
			p.knownBits(line.features, portFeatureNames)
			p.format("\n")
		}
	}
	p.format("     speed: %d Mbps now, %d Mbps max\n", e.Speed/1000, e.MaxSpeed/1000)
}

// EthernetPort is what an Ethernet port can and does, bits of features and speeds in kb/s.
type EthernetPort struct {
	Current, Advertised, Supported, Peer uint32
	Speed, MaxSpeed                      uint32
}

// Ethernet is the port's property as an Ethernet port, if it has it.
func (m PortDesc) Ethernet() (EthernetPort, bool) {
	for p, err := range properties(m.Properties) {
		if err == nil && p.kind == 0 && len(p.body) == 28 {
			word := func(i int) uint32 { return binary.BigEndian.Uint32(p.body[4+4*i:]) }
			return EthernetPort{word(0), word(1), word(2), word(3), word(4), word(5)}, true
		}
	}
	return EthernetPort{}, false
}

// Property is the property of a port description that says it.
func (e EthernetPort) Property() []byte {
	body := make([]byte, 4, 28)
	for _, v := range []uint32{e.Current, e.Advertised, e.Supported, e.Peer, e.Speed, e.MaxSpeed} {
		body = binary.BigEndian.AppendUint32(body, v)
	}
	return appendProperty(nil, 0, body)
}

var portReasons = []string{"ADD", "DEL", "MOD"}

func (m PortStatus) appendText(p *printer) {
	if int(m.Reason) < len(portReasons) {
		p.format(" %s:", portReasons[m.Reason])
	} else {
		p.format(" unknown reason %d:", m.Reason)
	}
	m.Port.appendText(p)
}
