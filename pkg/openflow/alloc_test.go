package openflow

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
)

// hostile are messages that claim more than they have, or that consist of as many parts as fit.
func hostile() map[string][]byte {
	const long = 0xffff
	fill := func(head []byte, unit ...byte) []byte {
		b := append(bytes.Clone(head), bytes.Repeat(unit, (long-len(head))/len(unit))...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		return b
	}
	flow := unhexed("060e ffff 00000007 0000000000000000 0000000000000000 0000 0000 0000 0005 ffffffff ffffffff ffffffff 0000 0000")
	group := func(buckets int) []byte {
		b := unhexed("060f ffff 00000007 0000 00 00 00000009 0000 0000 ffffffff")
		binary.BigEndian.PutUint16(b[16:], uint16(buckets))
		return b
	}
	nested := unhexed("0000 0010 00000001 0000 000000000000")
	for len(nested) < 60000 {
		nested = append(append(beginNicira(nil, nxClone), 0, 0, 0, 0, 0, 0), nested...)
		binary.BigEndian.PutUint16(nested[2:], uint16(len(nested)))
	}
	list := map[string][]byte{
		"zeros":            fill(unhexed("060e ffff 00000007"), 0),
		"ones":             fill(unhexed("060e ffff 00000007"), 0xff),
		"match of fields":  fill(append(bytes.Clone(flow), unhexed("0001 ff00")...), 0x80, 0, 0x18, 4, 1, 2, 3, 4),
		"match of unknown": fill(append(bytes.Clone(flow), unhexed("0001 ff00")...), 0x77, 0, 0, 0),
		"actions":          fill(append(bytes.Clone(flow), unhexed("0001 0004 00000000 0004 ffa8 00000000")...), 0, 0x18, 0, 8, 0, 0, 0, 0),
		"instructions":     fill(append(bytes.Clone(flow), unhexed("0001 0004 00000000")...), 0, 5, 0, 8, 0, 0, 0, 0),
		"nested actions": fill(append(append(bytes.Clone(flow), unhexed("0001 0004 00000000 0004")...),
			append(binary.BigEndian.AppendUint16(nil, uint16(8+len(nested))), append(make([]byte, 4), nested...)...)...), 0),
		"buckets":          fill(group(0xff00), 0, 8, 0, 0, 0, 0, 0, 1),
		"buckets of zero":  fill(group(0xff00), 0, 0, 0, 0, 0, 0, 0, 0),
		"group properties": fill(group(0), 0xff, 0xff, 0, 4),
		"bands":            fill(unhexed("061d ffff 00000007 0000 0001 00000001"), 0, 1, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
		"hello elements":   fill(unhexed("0600 ffff 00000007"), 0, 2, 0, 4),
		"error in errors":  fill(unhexed("0601 ffff 00000007"), 0, 1, 0, 6, 6, 1, 0xff, 0xf0, 0, 0, 0, 7),
		"async properties": fill(unhexed("061c ffff 00000007"), 0, 1, 0, 8, 0, 0, 0, 1),
		"packet-in":        fill(unhexed("0604 ffff 00000007 00002320 0000001e"), 0, 0, 0, 5, 1, 0, 0, 0),
		"tunnel options":   fill(unhexed("0604 ffff 00000007 00002320 00000018 0000 000000000000"), 1, 2, 3, 4, 0, 0, 0, 0),
	}
	for name, text := range map[string]string{
		"1.3":                 "0413 ffff 00000007 0001 0000 00000000 fff0 0000" + strings.Repeat("00", 44) + "0001 0004 00000000",
		"Open vSwitch in 1.0": "0111 ffff 00000007 ffff 0000 00002320 00000000 00000000 ffe8 0000" + strings.Repeat("00", 44),
		"1.0":                 "0111 ffff 00000007 0001 0000 fff0 0000 003fffff" + strings.Repeat("00", 80),
	} {
		head := unhexed(text)
		list["instructions of "+name] = fill(head, 0, 5, 0, 8, 0, 0, 0, 0)
		list["meters of "+name] = fill(head, 0, 6, 0, 8, 0, 0, 0, 1)
		list["actions of "+name] = fill(head, 0, 0, 0, 8, 0, 1, 0, 0)
		list["flows of "+name] = fill(head, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	for kind := range uint16(20) {
		head := unhexed("0613 ffff 00000007 0000 0000 00000000")
		binary.BigEndian.PutUint16(head[8:], kind)
		name := "parts of " + MultipartType(kind).String()
		list[name+", short"] = fill(head, 0, 8, 0, 0, 0, 0, 0, 0)
		list[name+", longer"] = fill(head, 0, 40, 0, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		list[name+", zero"] = fill(head, 0)
	}
	return list
}

// TestDecodingIsBounded: whatever a peer sends, reading it takes no more memory than a small multiple of its length. What is read
// of the parts of a multipart message is let go of one by one, so the sum is no measure for it; the multiple is that of values in Go
// to their shortest form on the wire.
func TestDecodingIsBounded(t *testing.T) {
	const multiple = 40
	for name, b := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, m, err := Decode(b)
			runtime.ReadMemStats(&after)
			if n := after.TotalAlloc - before.TotalAlloc; n > uint64(multiple*len(b)) {
				t.Errorf("%d bytes allocated for %d (%v)", n, len(b), err)
			}
			parts, ok := m.(Multipart)
			if !ok {
				return
			}
			for part, err := range parts.Parts() {
				if err != nil {
					break
				}
				runtime.ReadMemStats(&before)
				again, err := part.AppendBinary(nil)
				runtime.ReadMemStats(&after)
				if n := after.TotalAlloc - before.TotalAlloc; err == nil && n > uint64(multiple*(len(again)+1000)) {
					t.Errorf("%d bytes allocated for a part of %d", n, len(again))
				}
				break
			}
			runtime.ReadMemStats(&before)
			n := 0
			for range parts.Parts() {
				n++
			}
			runtime.ReadMemStats(&after)
			if total := after.TotalAlloc - before.TotalAlloc; total > uint64(multiple*len(b)) {
				t.Errorf("%d bytes allocated for %d parts of %d bytes", total, n, len(b))
			}
		})
	}
}
