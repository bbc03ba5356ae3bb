package openflow

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Output sends the packet to a port.
func (a Actions) Output(p Port) Actions {
	if p == PortController {
		return a.output(p, 0xffff)
	}
	return a.output(p, 0)
}

// Controller sends the first maxLen bytes of the packet to the controller.
func (a Actions) Controller(maxLen uint16) Actions { return a.output(PortController, maxLen) }

func (a Actions) output(p Port, maxLen uint16) Actions {
	var space [16]byte
	b := begin(space[:0], actOutput)
	b = binary.BigEndian.AppendUint32(b, uint32(p))
	b = binary.BigEndian.AppendUint16(b, maxLen)
	return a.appended(append(b, 0, 0, 0, 0, 0, 0))
}

// InPort sends the packet back where it came from.
func (a Actions) InPort() Actions { return a.Output(PortInPort) }

// Enqueue sends the packet to a queue of a port.
func (a Actions) Enqueue(p Port, queue uint32) Actions {
	return a.SetQueue(queue).output(p, 0xffff).PopQueue()
}

// OutputTruncated sends the first maxLen bytes of the packet to a port.
func (a Actions) OutputTruncated(p Port, maxLen uint32) Actions {
	var space [16]byte
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxOutputTrunc), uint16(p))
	return a.appended(binary.BigEndian.AppendUint32(b, maxLen))
}

// OutputReg sends the packet to the port whose number is in s.
func (a Actions) OutputReg(s Subfield) Actions {
	var space [32]byte
	if s.Field.legacy().class != classExperimenter {
		b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxOutputReg), s.ofsNBits())
		b = s.appendLegacy(b)
		return a.appended(append(b, 0xff, 0xff, 0, 0, 0, 0, 0, 0))
	}
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxOutputReg2), s.ofsNBits())
	b = s.appendLegacy(append(b, 0xff, 0xff))
	return a.appended(append(b, allZeros[:24-len(b)]...))
}

func (x *Syntax) appendOutput(b, body []byte) ([]byte, bool) {
	if len(body) != 12 {
		return b, false
	}
	port := Port(binary.BigEndian.Uint32(body))
	switch {
	case port == PortController:
		return fmt.Appendf(b, "CONTROLLER:%d", binary.BigEndian.Uint16(body[4:])), true
	case port < 0xff00: // from there on the reserved ports of OpenFlow 1.0
		b = append(b, "output:"...)
	case portNames[port] == "":
		return b, false
	}
	return x.appendPort(b, port), true
}

// decodeOutputReg reads the body of the output action of either form.
func decodeOutputReg(subtype uint16, body []byte) (Subfield, bool) {
	if len(body) != 14 {
		return Subfield{}, false
	}
	header := body[2:6]
	if subtype == nxOutputReg2 {
		header = body[4:]
	}
	s, _, err := cutLegacy(header, binary.BigEndian.Uint16(body))
	return s, err == nil
}

// ethernetHeader is the least that a packet is cut to.
const ethernetHeader = 14

func decodeOutputTrunc(body []byte) (OutputTruncated, bool) {
	if len(body) != 6 {
		return OutputTruncated{}, false
	}
	o := OutputTruncated{portFrom16(uint64(binary.BigEndian.Uint16(body))), binary.BigEndian.Uint32(body[2:])}
	return o, o.MaxLen >= ethernetHeader
}

func (x *Syntax) appendOutputTrunc(b, body []byte) ([]byte, bool) {
	o, ok := decodeOutputTrunc(body)
	b = x.appendPort(append(b, "output(port="...), o.Port)
	return fmt.Appendf(b, ",max_len=%d)", o.MaxLen), ok
}

func (x *Syntax) parseOutput(a Actions, s string) (Actions, error) {
	if strings.Contains(s, "port=") && strings.Contains(s, "max_len=") {
		return x.parseOutputTrunc(a, s)
	}
	if port, err := x.parsePort(s); err == nil {
		return a.Output(port), nil
	}
	sub, err := x.parseSubfield(s)
	if err != nil || !strings.Contains(s, "[") {
		return Actions{}, fmt.Errorf("%q is neither a port nor bits of a field", s)
	}
	if sub.Width > 64 {
		return Actions{}, fmt.Errorf("%s is wider than 64 bits", sub)
	}
	return a.OutputReg(sub), nil
}

func (x *Syntax) parseOutputTrunc(a Actions, s string) (Actions, error) {
	var port Port
	var maxLen uint64
	err := eachWord(s, func(word string) (err error) {
		switch key, value, _ := strings.Cut(word, "="); key {
		case "port":
			port, err = x.parsePort(value)
		case "max_len":
			maxLen, err = parseUint(value, 32)
		default:
			err = fmt.Errorf("output has no argument %q", key)
		}
		return err
	})
	if err == nil && maxLen < ethernetHeader {
		err = fmt.Errorf("max_len=%d is less than an Ethernet header", maxLen)
	}
	return a.OutputTruncated(port, uint32(maxLen)), err
}

func (x *Syntax) parseEnqueue(a Actions, s string) (Actions, error) {
	i := strings.LastIndexAny(s, ":q,")
	if i < 0 {
		return Actions{}, fmt.Errorf("%q is not port:queue", s)
	}
	port, err := x.parsePort(s[:i])
	if err != nil {
		return Actions{}, err
	}
	queue, err := parseUint(s[i+1:], 32)
	return a.Enqueue(port, uint32(queue)), err
}

// decodeResubmit reads the body of a resubmit; false for one to the same table from the same port, or to the same table with
// ct, which have no text.
func decodeResubmit(subtype uint16, body []byte) (Resubmit, bool) {
	if len(body) != 6 || body[3]|body[4]|body[5] != 0 {
		return Resubmit{}, false
	}
	r := Resubmit{portFrom16(uint64(binary.BigEndian.Uint16(body))), TableID(body[2]), subtype == nxResubmitTableCT}
	return r, r.Table != noTable || r.Port != PortInPort && !r.CT
}

func (x *Syntax) appendResubmit(b []byte, subtype uint16, body []byte) ([]byte, bool) {
	r, ok := decodeResubmit(subtype, body)
	if !ok || r.Table == noTable {
		return x.appendPort(append(b, "resubmit:"...), r.Port), ok
	}
	b = append(b, "resubmit("...)
	if r.Port != PortInPort {
		b = x.appendPort(b, r.Port)
	}
	b = x.appendTable(append(b, ','), r.Table)
	if r.CT {
		b = append(b, ",ct"...)
	}
	return append(b, ')'), true
}

func (x *Syntax) parseResubmit(a Actions, s string) (Actions, error) {
	parts := strings.Split(s, ",")
	port, table, subtype := PortInPort, TableID(noTable), uint16(nxResubmitTable)
	var err error
	if parts[0] != "" {
		if port, err = x.parsePort(parts[0]); err != nil {
			return Actions{}, err
		}
	}
	if len(parts) > 1 && parts[1] != "" {
		if table, err = x.parseTable(parts[1]); err != nil {
			return Actions{}, err
		}
	}
	if len(parts) == 3 && parts[2] == "ct" {
		subtype = nxResubmitTableCT
	} else if len(parts) > 2 {
		return Actions{}, fmt.Errorf("%q is not port,table,ct", s)
	}
	if port == PortInPort && table == noTable {
		return Actions{}, fmt.Errorf("needs a port or a table")
	}
	return a.resubmit(subtype, port, table), nil
}

func decodeDecTTL(body []byte) (d DecTTL, ok bool) {
	if len(body) < 6 {
		return DecTTL{}, false
	}
	n := int(binary.BigEndian.Uint16(body))
	if n == 0 || 2*n > len(body)-6 {
		return DecTTL{}, false
	}
	for i := range n {
		d.Controllers = append(d.Controllers, binary.BigEndian.Uint16(body[6+2*i:]))
	}
	return d, true
}

func appendDecTTL(b, body []byte) ([]byte, bool) {
	d, ok := decodeDecTTL(body)
	b = append(b, "dec_ttl("...)
	for i, id := range d.Controllers {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(id), 10)
	}
	return append(b, ')'), ok
}

func parseDecTTL(a Actions, s string) (Actions, error) {
	if s == "" {
		return a.DecTTL(), nil
	}
	var ids []uint16
	err := eachWord(s, func(word string) error {
		id, err := parseUint(word, 16)
		ids = append(ids, uint16(id))
		return err
	})
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("no controller in %q", s)
	}
	if err != nil {
		return Actions{}, err
	}
	return a.bounded(2*len(ids), func() Actions { return a.DecTTLTo(ids...) })
}
