package openflow

import (
	"fmt"
	"strings"
)

func (x *Syntax) appendLearn(b []byte, subtype uint16, action []byte) ([]byte, bool) {
	l, ok := decodeLearn(subtype, action)
	if !ok {
		return b, false
	}
	b = x.appendTable(append(b, "learn(table="...), l.Table)
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
	if l.Result.Width > 0 {
		b = x.appendSubfield(append(b, ",result_dst="...), l.Result)
	}
	for _, s := range l.Specs {
		b = x.appendLearnSpec(append(b, ','), s)
	}
	return append(b, ')'), true
}

func (x *Syntax) appendLearnSpec(b []byte, s LearnSpec) []byte {
	switch {
	case s.Kind == LearnOutput:
		return x.appendSubfield(append(b, "output:"...), s.Dst)
	case s.Kind == LearnLoad && s.Src.Width > 0:
		return x.appendMove(b, "load:", s.Src, s.Dst)
	case s.Kind == LearnLoad:
		b = appendHex(append(b, "load:"...), string(s.Value))
		return x.appendSubfield(append(b, "->"...), s.Dst)
	case s.Src.Width > 0:
		b = x.appendSubfield(b, s.Dst)
		if s.Src != s.Dst {
			b = x.appendSubfield(append(b, '='), s.Src)
		}
		return b
	case s.Dst.whole():
		n := s.Dst.bytes()
		value := strings.Repeat("\x00", n) + string(s.Value)
		return x.appendValue(append(append(b, fields[s.Dst.Field].name...), '='), s.Dst.Field, value[len(value)-n:], "")
	}
	b = x.appendSubfield(b, s.Dst)
	return appendHex(append(b, '='), string(s.Value))
}

func (x *Syntax) parseLearn(a Actions, s string) (Actions, error) {
	l := Learn{Table: 1, Priority: DefaultPriority}
	size := 0
	err := eachWord(s, func(word string) error {
		err := x.parseLearnArgument(&l, word)
		if n := len(l.Specs); n > 0 {
			size += 16 + len(l.Specs[n-1].Value)
		}
		return err
	})
	if err != nil {
		return Actions{}, err
	}
	return a.bounded(size, func() Actions { return a.Learn(l) })
}

func (x *Syntax) parseLearnArgument(l *Learn, word string) error {
	key, value, _ := strings.Cut(word, "=")
	number := func(bits int, set func(uint64)) error {
		v, err := parseUint(value, bits)
		set(v)
		return err
	}
	switch key {
	case "table":
		var err error
		if l.Table, err = x.parseTable(value); err == nil && l.Table == TableAll {
			err = fmt.Errorf("no table %d", l.Table)
		}
		return err
	case "result_dst":
		var err error
		if l.Result, err = x.writable(value); err == nil && l.Result.Width != 1 {
			err = fmt.Errorf("%s is not one bit", l.Result)
		}
		return err
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
	spec, err := x.parseLearnSpec(word)
	if err != nil {
		return err
	}
	l.Specs = append(l.Specs, spec)
	return nil
}

func (x *Syntax) parseLearnSpec(word string) (LearnSpec, error) {
	if argument, ok := strings.CutPrefix(word, "output:"); ok {
		sub, err := x.parseSubfield(argument)
		return LearnSpec{Kind: LearnOutput, Dst: sub}, err
	}
	if argument, ok := strings.CutPrefix(word, "load:"); ok {
		from, to, err := cutArrow(argument)
		if err != nil {
			return LearnSpec{}, err
		}
		if number, err := parseNumber(from, maxTunMetadata); err == nil {
			dst, err := x.writable(to)
			if err != nil {
				return LearnSpec{}, err
			}
			return learnConstant(LearnLoad, dst, number)
		}
		src, dst, err := x.parseMove(argument)
		return LearnField(LearnLoad, src, dst), err
	}
	to, from, hasValue := strings.Cut(word, "=")
	dst, err := x.parseSubfield(to)
	if err != nil {
		return LearnSpec{}, err
	}
	if !hasValue {
		return LearnField(LearnMatch, dst, dst), nil
	}
	if src, err := x.parseSubfield(from); err == nil {
		if src.Width != dst.Width {
			return LearnSpec{}, fmt.Errorf("%s and %s have different widths", src, dst)
		}
		return LearnField(LearnMatch, src, dst), nil
	}
	if !dst.whole() {
		number, err := parseNumber(from, maxTunMetadata)
		if err != nil {
			return LearnSpec{}, err
		}
		return learnConstant(LearnMatch, dst, number)
	}
	value, _, err := x.parseValue(dst.Field, from)
	if err != nil {
		return LearnSpec{}, err
	}
	return learnConstant(LearnMatch, dst, value)
}

// learnConstant is a spec with a number.
func learnConstant(kind LearnKind, dst Subfield, number string) (LearnSpec, error) {
	if _, _, err := dst.placeBytes(number); err != nil {
		return LearnSpec{}, err
	}
	n := 2 * ((int(dst.Width) + 15) / 16)
	value := strings.Repeat("\x00", n) + number
	return LearnSpec{Kind: kind, Value: []byte(value[len(value)-n:]), Dst: dst}, nil
}
