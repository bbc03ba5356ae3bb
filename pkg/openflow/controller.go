package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Punt is the controller action with all its arguments: it sends the packet to a controller. [Actions.Controller] is for
// those that need only a length.
type Punt struct {
	MaxLen   uint16 // how many bytes of the packet, 0xffff for all
	ID       uint16 // of the controllers to send to
	Reason   uint8  // 1 for an action, which is usual; 0 no match, 2 invalid TTL, 3 action set, 4 group, 5 packet-out
	UserData []byte // for the controller to know what to do
	Pause    bool   // the controller may let the packet go on
	Meter    uint32 // 0 for none
}

const reasonAction = 1

// reasonNames are the reasons of a packet-in, as ovs-ofctl spells them.
var reasonNames = []string{"no_match", "action", "invalid_ttl", "action_set", "group", "packet_out"}

// Properties of the controller action.
const (
	puntMaxLen = iota
	puntID
	puntReason
	puntUserData
	puntPause
	puntMeter
)

// Punt appends a controller action.
func (a Actions) Punt(p Punt) Actions {
	var space [64]byte
	if len(p.UserData) == 0 && !p.Pause && p.Meter == 0 {
		b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxController), p.MaxLen)
		b = binary.BigEndian.AppendUint16(b, p.ID)
		return a.appended(append(b, p.Reason, 0))
	}
	b := append(beginNicira(space[:0], nxController2), 0, 0, 0, 0, 0, 0)
	if p.MaxLen != 0xffff {
		b = append(b, 0, puntMaxLen, 0, 8, byte(p.MaxLen>>8), byte(p.MaxLen), 0, 0)
	}
	if p.ID != 0 {
		b = append(b, 0, puntID, 0, 8, byte(p.ID>>8), byte(p.ID), 0, 0)
	}
	if p.Reason != reasonAction {
		b = append(b, 0, puntReason, 0, 5, p.Reason, 0, 0, 0)
	}
	if n := 4 + len(p.UserData); n > 4 {
		b = append(b, 0, puntUserData, byte(n>>8), byte(n))
		b = append(append(b, p.UserData...), allZeros[:pad8(n)]...)
	}
	if p.Pause {
		b = append(b, 0, puntPause, 0, 4, 0, 0, 0, 0)
	}
	if p.Meter != 0 {
		b = binary.BigEndian.AppendUint32(append(b, 0, puntMeter, 0, 8), p.Meter)
	}
	return a.appended(b)
}

// decodePunt reads the body of the controller action of either form.
func decodePunt(subtype uint16, body []byte) (p Punt, ok bool) {
	if subtype == nxController {
		if len(body) != 6 {
			return Punt{}, false
		}
		return Punt{MaxLen: binary.BigEndian.Uint16(body), ID: binary.BigEndian.Uint16(body[2:]), Reason: body[4]}, true
	}
	p = Punt{MaxLen: 0xffff, Reason: reasonAction}
	if len(body) < 6 {
		return Punt{}, false
	}
	ok = true
	err := eachProperty(body[6:], func(kind uint16, value []byte) error {
		switch {
		case kind == puntMaxLen && len(value) >= 2:
			p.MaxLen = binary.BigEndian.Uint16(value)
		case kind == puntID && len(value) >= 2:
			p.ID = binary.BigEndian.Uint16(value)
		case kind == puntReason && len(value) >= 1:
			p.Reason = value[0]
		case kind == puntUserData:
			p.UserData = value
		case kind == puntPause:
			p.Pause = true
		case kind == puntMeter && len(value) >= 4:
			p.Meter = binary.BigEndian.Uint32(value)
		default:
			ok = false
		}
		return nil
	})
	return p, ok && err == nil
}

func appendPunt(b []byte, subtype uint16, body []byte) ([]byte, bool) {
	p, ok := decodePunt(subtype, body)
	if !ok || int(p.Reason) >= len(reasonNames) {
		return b, false
	}
	if p.Reason == reasonAction && p.ID == 0 && len(p.UserData) == 0 && !p.Pause && p.Meter == 0 {
		return fmt.Appendf(b, "CONTROLLER:%d", p.MaxLen), true
	}
	var list []string
	if p.Reason != reasonAction {
		list = append(list, "reason="+reasonNames[p.Reason])
	}
	if p.MaxLen != 0xffff {
		list = append(list, fmt.Sprintf("max_len=%d", p.MaxLen))
	}
	if p.ID != 0 {
		list = append(list, fmt.Sprintf("id=%d", p.ID))
	}
	if len(p.UserData) > 0 {
		list = append(list, "userdata="+string(appendOctets(nil, p.UserData)))
	}
	if p.Pause {
		list = append(list, "pause")
	}
	if p.Meter != 0 {
		list = append(list, fmt.Sprintf("meter_id=%d", p.Meter))
	}
	return append(append(append(b, "controller("...), strings.Join(list, ",")...), ')'), true
}

// appendOctets appends octets in hexadecimal with dots between them.
func appendOctets(b, octets []byte) []byte {
	for i := range octets {
		if i > 0 {
			b = append(b, '.')
		}
		b = hex.AppendEncode(b, octets[i:i+1])
	}
	return b
}

func parseOctets(s string) ([]byte, error) {
	octets, err := hex.DecodeString(strings.ReplaceAll(s, ".", ""))
	if err != nil {
		err = fmt.Errorf("%q is not hexadecimal", s)
	}
	return octets, err
}

func parsePunt(a Actions, s string) (Actions, error) {
	if s == "" {
		return a.Output(PortController), nil
	}
	if v, err := parseUint(s, 16); err == nil {
		return a.Controller(uint16(v)), nil
	}
	p := Punt{MaxLen: 0xffff, Reason: reasonAction}
	err := eachWord(s, func(word string) (err error) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "max_len":
			err = parseTo(&p.MaxLen, value)
		case "id":
			err = parseTo(&p.ID, value)
		case "reason":
			i := slices.Index(reasonNames, value)
			if i < 0 {
				return fmt.Errorf("%q is no reason", value)
			}
			p.Reason = uint8(i)
		case "userdata":
			p.UserData, err = parseOctets(value)
		case "pause":
			p.Pause = true
		case "meter_id":
			err = parseTo(&p.Meter, value)
		default:
			err = fmt.Errorf("controller has no argument %q", key)
		}
		return err
	})
	if err != nil {
		return Actions{}, err
	}
	if p.Reason == reasonAction && p.ID == 0 && len(p.UserData) == 0 && !p.Pause && p.Meter == 0 {
		return a.Controller(p.MaxLen), nil
	}
	return a.bounded(len(p.UserData), func() Actions { return a.Punt(p) })
}
