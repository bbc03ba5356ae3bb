package openflow

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AppendText implements [encoding.TextAppender]; see [Flow.String].
func (f Flow) AppendText(b []byte) ([]byte, error) {
	if f.Cookie != 0 {
		b = fmt.Appendf(b, "cookie=%#x, ", f.Cookie)
	}
	b = append(b, "table="...)
	b = append(strconv.AppendUint(b, uint64(f.Table), 10), ", "...)
	return f.appendRest(b, ""), nil
}

// appendRest appends what follows the table and the counters; middle goes before the match.
func (f Flow) appendRest(b []byte, middle string) []byte {
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
	b = f.Match.append(b)
	if len(b) > start {
		b = append(b, ' ')
	}
	b = append(b, "actions="...)
	return f.Actions.append(b)
}

var flowFlagNames = []string{"send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts"}

// String is the flow with its counters, as ovs-ofctl dump-flows prints it.
func (s FlowStats) String() string {
	b := fmt.Appendf(nil, "cookie=%#x, duration=%s, table=%d, n_packets=%d, n_bytes=%d, ",
		s.Cookie, durationText(s.Duration), s.Table, s.Packets, s.Bytes)
	idle := ""
	if s.IdleTime >= 0 {
		idle = fmt.Sprintf("idle_age=%d, ", s.IdleTime/time.Second)
	}
	return string(s.appendRest(b, idle))
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
func ParseFlow(text string) (Flow, error) {
	f, err := parseFlow(text)
	if err != nil {
		return Flow{}, fmt.Errorf("flow %q: %w", text, err)
	}
	return f, nil
}

func parseFlow(text string) (Flow, error) {
	front, actions, ok := cutActions(text)
	if !ok {
		return Flow{}, fmt.Errorf("no actions=")
	}
	f := Flow{Priority: DefaultPriority}
	var match matchParser
	for word := range words(front) {
		key, value, hasValue := strings.Cut(word, "=")
		done, err := f.parseWord(key, value)
		if err == nil && !done {
			err = match.word(key, value, hasValue)
		}
		if err != nil {
			return Flow{}, err
		}
	}
	var err error
	if f.Match, err = match.finish(); err != nil {
		return Flow{}, err
	}
	ipProto, _ := f.Match.Uint(FieldIPProto)
	f.Actions, err = parseActions(actions, uint8(ipProto))
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

// parseWord takes what is said about the flow beside its match.
func (f *Flow) parseWord(key, value string) (done bool, err error) {
	number := func(bits int) uint64 {
		v, parseErr := strconv.ParseUint(value, 0, bits)
		if parseErr != nil {
			err = fmt.Errorf("%s=%q is not a number of %d bits", key, value, bits)
		}
		return v
	}
	switch key {
	case "table":
		f.Table = TableID(number(8))
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
