package openflow

import (
	"fmt"
	"strings"
)

func appendLearn(b []byte, subtype uint16, action []byte) ([]byte, bool) {
	l, ok := decodeLearn(subtype, action)
	if !ok {
		return b, false
	}
	b = fmt.Appendf(b, "learn(table=%d", l.Table)
	for _, timeout := range []struct {
		name  string
		value uint16
	}{
		{"idle_timeout", l.IdleTimeout}, {"hard_timeout", l.HardTimeout}, {"fin_idle_timeout", l.FinIdleTimeout},
		{"fin_hard_timeout", l.FinHardTimeout},
	} {
		if timeout.value != 0 {
			b = fmt.Appendf(b, ",%s=%d", timeout.name, timeout.value)
		}
	}
	if l.Priority != DefaultPriority {
		b = fmt.Appendf(b, ",priority=%d", l.Priority)
	}
	if l.Flags&LearnSendFlowRemoved != 0 {
		b = append(b, ",send_flow_rem"...)
	}
	if l.Flags&LearnDeleteLearned != 0 {
		b = append(b, ",delete_learned"...)
	}
	if l.Cookie != 0 {
		b = fmt.Appendf(b, ",cookie=%#x", l.Cookie)
	}
	if l.Limit != 0 {
		b = fmt.Appendf(b, ",limit=%d", l.Limit)
	}
	for _, s := range l.Specs {
		b = s.appendText(append(b, ','))
	}
	return append(b, ')'), true
}

func (s LearnSpec) appendText(b []byte) []byte {
	switch {
	case s.Kind == LearnOutput:
		return s.Dst.append(append(b, "output:"...), fields[s.Dst.Field].nxmName)
	case s.Kind == LearnLoad && s.Src.Width > 0:
		return appendMoveText(b, "load:", s.Src, s.Dst)
	case s.Kind == LearnLoad:
		b = appendHex(append(b, "load:"...), string(s.Value))
		return s.Dst.append(append(b, "->"...), fields[s.Dst.Field].nxmName)
	case s.Src.Width > 0:
		b = s.Dst.append(b, fields[s.Dst.Field].nxmName)
		if s.Src != s.Dst {
			b = s.Src.append(append(b, '='), fields[s.Src.Field].nxmName)
		}
		return b
	case s.Dst.whole():
		n := s.Dst.Field.Bytes()
		value := strings.Repeat("\x00", n) + string(s.Value)
		return appendValue(append(append(b, fields[s.Dst.Field].name...), '='), s.Dst.Field, value[len(value)-n:], "")
	}
	b = s.Dst.append(b, fields[s.Dst.Field].nxmName)
	return appendHex(append(b, '='), string(s.Value))
}

func (a Actions) parseLearn(s string) (Actions, error) {
	l := Learn{Table: 1, Priority: DefaultPriority}
	for word := range words(s) {
		if err := l.parse(word); err != nil {
			return Actions{}, err
		}
	}
	return a.bounded(32*len(l.Specs), func() Actions { return a.Learn(l) })
}

func (l *Learn) parse(word string) error {
	key, value, _ := strings.Cut(word, "=")
	number := func(bits int, set func(uint64)) error {
		v, err := parseUint(value, bits)
		set(v)
		return err
	}
	switch key {
	case "table":
		return number(8, func(v uint64) { l.Table = TableID(v) })
	case "priority":
		return number(16, func(v uint64) { l.Priority = uint16(v) })
	case "idle_timeout":
		return number(16, func(v uint64) { l.IdleTimeout = uint16(v) })
	case "hard_timeout":
		return number(16, func(v uint64) { l.HardTimeout = uint16(v) })
	case "fin_idle_timeout":
		return number(16, func(v uint64) { l.FinIdleTimeout = uint16(v) })
	case "fin_hard_timeout":
		return number(16, func(v uint64) { l.FinHardTimeout = uint16(v) })
	case "cookie":
		return number(64, func(v uint64) { l.Cookie = v })
	case "limit":
		return number(32, func(v uint64) { l.Limit = uint32(v) })
	case "send_flow_rem":
		l.Flags |= LearnSendFlowRemoved
		return nil
	case "delete_learned":
		l.Flags |= LearnDeleteLearned
		return nil
	}
	spec, err := parseLearnSpec(word)
	if err != nil {
		return err
	}
	l.Specs = append(l.Specs, spec)
	return nil
}

func parseLearnSpec(word string) (LearnSpec, error) {
	if argument, ok := strings.CutPrefix(word, "output:"); ok {
		sub, err := ParseSubfield(argument)
		return LearnSpec{Kind: LearnOutput, Dst: sub}, err
	}
	if argument, ok := strings.CutPrefix(word, "load:"); ok {
		from, to, err := cutArrow(argument)
		if err != nil {
			return LearnSpec{}, err
		}
		if number, err := parseNumber(from, 16); err == nil {
			dst, err := writable(to)
			if err != nil {
				return LearnSpec{}, err
			}
			return learnConstant(LearnLoad, dst, number)
		}
		src, dst, err := parsePair(argument)
		return LearnField(LearnLoad, src, dst), err
	}
	to, from, hasValue := strings.Cut(word, "=")
	dst, err := ParseSubfield(to)
	if err != nil {
		return LearnSpec{}, err
	}
	if !hasValue {
		return LearnField(LearnMatch, dst, dst), nil
	}
	if src, err := ParseSubfield(from); err == nil {
		if src.Width != dst.Width {
			return LearnSpec{}, fmt.Errorf("%s and %s have different widths", src, dst)
		}
		return LearnField(LearnMatch, src, dst), nil
	}
	if !dst.whole() {
		number, err := parseNumber(from, 16)
		if err != nil {
			return LearnSpec{}, err
		}
		return learnConstant(LearnMatch, dst, number)
	}
	value, _, err := parseValue(dst.Field, from)
	if err != nil {
		return LearnSpec{}, err
	}
	return learnConstant(LearnMatch, dst, strings.Repeat("\x00", 16-len(value))+value)
}

// learnConstant is a spec with a number of 16 bytes.
func learnConstant(kind LearnKind, dst Subfield, number string) (LearnSpec, error) {
	if _, _, err := dst.placeBytes(number); err != nil {
		return LearnSpec{}, err
	}
	n := 2 * ((int(dst.Width) + 15) / 16)
	return LearnSpec{Kind: kind, Value: []byte(number[len(number)-n:]), Dst: dst}, nil
}
