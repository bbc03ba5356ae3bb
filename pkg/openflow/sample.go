package openflow

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Sample is the sample action: it sends every so many packets to the collectors of IPFIX.
type Sample struct {
	Probability  uint16 // of 65535
	CollectorSet uint32
	Domain       uint32
	Point        uint32
	Port         Port // 0 or PortAny for none
	Direction    SampleDirection
}

// SampleDirection says how a Sample is reported.
type SampleDirection uint8

// The directions of a Sample.
const (
	SampleDefault SampleDirection = iota
	SampleIngress
	SampleEgress
)

// Sample appends a sample action.
func (a Actions) Sample(s Sample) Actions {
	var space [32]byte
	subtype := uint16(nxSample)
	port := s.Port
	if port == 0 {
		port = PortAny
	}
	switch {
	case s.Direction != SampleDefault:
		subtype = nxSample3
	case port != PortAny:
		subtype = nxSample2
	}
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], subtype), s.Probability)
	b = binary.BigEndian.AppendUint32(b, s.CollectorSet)
	b = binary.BigEndian.AppendUint32(b, s.Domain)
	b = binary.BigEndian.AppendUint32(b, s.Point)
	if subtype != nxSample {
		b = append(b, byte(port>>8), byte(port), byte(s.Direction))
	}
	return a.appended(b)
}

// decodeSample reads the body of a sample action of any form.
func decodeSample(subtype uint16, body []byte) (Sample, bool) {
	if len(body) != 14 && len(body) != 22 || (len(body) == 14) != (subtype == nxSample) {
		return Sample{}, false
	}
	s := Sample{
		Probability:  binary.BigEndian.Uint16(body),
		CollectorSet: binary.BigEndian.Uint32(body[2:]),
		Domain:       binary.BigEndian.Uint32(body[6:]),
		Point:        binary.BigEndian.Uint32(body[10:]),
		Port:         PortAny,
	}
	if subtype != nxSample {
		s.Port = portFrom16(uint64(binary.BigEndian.Uint16(body[14:])))
	}
	if subtype == nxSample3 {
		s.Direction = SampleDirection(body[16])
	}
	return s, s.Probability != 0 && s.Direction <= SampleEgress
}

func (x *Syntax) appendSample(b []byte, subtype uint16, body []byte) ([]byte, bool) {
	s, ok := decodeSample(subtype, body)
	b = fmt.Appendf(b, "sample(probability=%d,collector_set_id=%d,obs_domain_id=%d,obs_point_id=%d",
		s.Probability, s.CollectorSet, s.Domain, s.Point)
	if s.Port != PortAny {
		b = x.appendPort(append(b, ",sampling_port="...), s.Port)
	}
	switch s.Direction {
	case SampleIngress:
		b = append(b, ",ingress"...)
	case SampleEgress:
		b = append(b, ",egress"...)
	}
	return append(b, ')'), ok
}

func (x *Syntax) parseSample(a Actions, text string) (Actions, error) {
	var s Sample
	err := eachWord(text, func(word string) (err error) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "probability":
			err = parseTo(&s.Probability, value)
		case "collector_set_id":
			err = parseTo(&s.CollectorSet, value)
		case "obs_domain_id":
			err = parseTo(&s.Domain, value)
		case "obs_point_id":
			err = parseTo(&s.Point, value)
		case "sampling_port":
			s.Port, err = x.parsePort(value)
		case "ingress":
			s.Direction = SampleIngress
		case "egress":
			s.Direction = SampleEgress
		default:
			err = fmt.Errorf("sample has no argument %q", key)
		}
		return err
	})
	if err == nil && s.Probability == 0 {
		err = fmt.Errorf("sample needs a probability of 1 to 65535")
	}
	return a.Sample(s), err
}
