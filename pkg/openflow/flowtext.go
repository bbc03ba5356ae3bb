package openflow

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AppendText implements [encoding.TextAppender]; see [Flow.String].
func (f Flow) AppendText(b []byte) ([]byte, error) { return plain.appendFlow(b, f), nil }

func (x *Syntax) appendFlow(b []byte, f Flow) []byte {
	if f.Cookie != 0 {
		b = fmt.Appendf(b, "cookie=%#x, ", f.Cookie)
	}
	b = append(b, "table="...)
	b = append(x.appendTable(b, f.Table), ", "...)
	return x.appendRest(b, f, "")
}

// appendRest appends what follows the table and the counters; middle goes before the match.
func (x *Syntax) appendRest(b []byte, f Flow, middle string) []byte {
	for _, timeout := range []struct {
		name  string
		value uint16
	}{{"idle_timeout=", f.IdleTimeout}, {"hard_timeout=", f.HardTimeout}} {
		if timeout.value != 0 {
			b = append(b, timeout.name...)
			b = append(strconv.AppendUint(b, uint64(timeout.value), 10), ", "...)
		}
	}
	for i, name := range flowFlagNames {
		if f.Flags&(1<<i) != 0 {
			b = append(append(b, name...), ' ')
		}
	}
	if f.Importance != 0 {
		b = fmt.Appendf(b, "importance=%d, ", f.Importance)
	}
	b = append(b, middle...)
	start := len(b)
	if f.Priority != DefaultPriority {
		b = append(b, "priority="...)
		b = strconv.AppendUint(b, uint64(f.Priority), 10)
		if !f.Match.IsZero() {
			b = append(b, ',')
		}
	}
	b = x.appendMatch(b, f.Match)
	if len(b) > start {
		b = append(b, ' ')
	}
	b = append(b, "actions="...)
	return x.appendActions(b, f.Actions)
}

var flowFlagNames = []string{"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"}

// String is the flow with its counters, as ovs-ofctl dump-flows prints it.
func (s FlowStats) String() string { return string(plain.AppendFlowStats(nil, s)) }

// AppendFlowStats appends a flow with its counters.
func (x *Syntax) AppendFlowStats(b []byte, s FlowStats) []byte {
	b = fmt.Appendf(b, "cookie=%#x, duration=%s, table=", s.Cookie, durationText(s.Duration))
	b = fmt.Appendf(x.appendTable(b, s.Table), ", n_packets=%d, n_bytes=%d, ", s.Packets, s.Bytes)
	ages := ""
	if s.IdleTime >= 0 {
		ages = fmt.Sprintf("idle_age=%d, ", s.IdleTime/time.Second)
	}
	if hard := s.HardTime / time.Second; s.HardTime > 0 && hard != s.Duration/time.Second {
		ages += fmt.Sprintf("hard_age=%d, ", hard)
	}
	return x.appendRest(b, s.Flow, ages)
}

// durationText has no decimals, three or nine, as few as say all.
func durationText(d time.Duration) string {
	seconds, nanos := d/time.Second, d%time.Second
	switch {
	case nanos == 0:
		return fmt.Sprintf("%ds", seconds)
	case nanos%time.Millisecond == 0:
		return fmt.Sprintf("%d.%03ds", seconds, nanos/time.Millisecond)
	}
	return fmt.Sprintf("%d.%09ds", seconds, nanos)
}

// ParseFlow reads a flow in the syntax of ovs-ofctl, in the spelling of OpenFlow 1.0 or 1.5. Counters, as dump-flows prints
// them, are passed over.
func ParseFlow(text string) (Flow, error) { return plain.ParseFlow(text) }

func (x *Syntax) parseFlow(text string) (Flow, error) {
	front, actions, ok := cutActions(text)
	if !ok {
		return Flow{}, fmt.Errorf("no actions=")
	}
	f := Flow{Priority: DefaultPriority}
	match := matchParser{Syntax: x}
	err := eachWord(front, func(word string) error {
		key, value, hasValue := strings.Cut(word, "=")
		if done, err := x.parseProperty(&f, key, value); done || err != nil {
			return err
		}
		return match.word(key, value, hasValue)
	})
	if err != nil {
		return Flow{}, err
	}
	if f.Match, err = match.finish(front); err != nil {
		return Flow{}, err
	}
	ipProto, _ := f.Match.Uint(FieldIPProto)
	vid, _ := f.Match.Uint(FieldVLANVID)
	p := actionParser{Syntax: x, ipProto: uint8(ipProto), tagged: vid&0x1000 != 0}
	f.Actions, err = p.list(actions)
	shift(err, len(text)-len(actions))
	return f, err
}

// cutActions splits a flow before actions=, which may come after a comma or a space.
func cutActions(text string) (front, actions string, ok bool) {
	for _, key := range []string{"actions=", "action="} {
		for at := 0; ; {
			i := strings.Index(text[at:], key)
			if i < 0 {
				break
			}
			i += at
			if i == 0 || strings.ContainsRune(", \t", rune(text[i-1])) {
				return text[:i], text[i+len(key):], true
			}
			at = i + 1
		}
	}
	return "", "", false
}

// parseProperty takes what is said about the flow beside its match.
func (x *Syntax) parseProperty(f *Flow, key, value string) (done bool, err error) {
	number := func(bits int) uint64 {
		v, parseErr := strconv.ParseUint(value, 0, bits)
		if parseErr != nil {
			err = fmt.Errorf("%s=%q is not a number of %d bits", key, value, bits)
		}
		return v
	}
	switch key {
	case "table":
		if f.Table, err = x.parseTable(value); err != nil {
			err = fmt.Errorf("table=%q is not a table", value)
		}
	case "priority":
		f.Priority = uint16(number(16))
	case "cookie":
		f.Cookie = number(64)
	case "idle_timeout":
		f.IdleTimeout = uint16(number(16))
	case "hard_timeout":
		f.HardTimeout = uint16(number(16))
	case "importance":
		f.Importance = uint16(number(16))
	case "duration", "n_packets", "n_bytes", "idle_age", "hard_age":
	default:
		for i, name := range flowFlagNames {
			if key == name {
				f.Flags |= 1 << i
				return true, nil
			}
		}
		return false, nil
	}
	return true, err
}
