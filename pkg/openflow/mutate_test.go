package openflow

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutated are the fuzz targets: what their inputs begin with, and what must hold for each.
var mutated = map[string]struct {
	seeds func(testing.TB, func(...any))
	check func(*testing.T, []any)
}{
	"FuzzDecode":    {seedDecode, func(t *testing.T, in []any) { checkDecode(t, in[0].([]byte)) }},
	"FuzzPacket":    {seedPacket, func(t *testing.T, in []any) { checkPacket(t, in[0].([]byte)) }},
	"FuzzMeter":     {seedMeter, func(t *testing.T, in []any) { checkMeter(t, in[0].(string)) }},
	"FuzzPacketOut": {seedPacketOut, func(t *testing.T, in []any) { checkPacketOut(t, in[0].(string)) }},
	"FuzzText":      {seedText, func(t *testing.T, in []any) { checkText(t, in[0].(string)) }},
	"FuzzActions":   {seedActions, func(t *testing.T, in []any) { checkInstructions(t, in[0].([]byte)) }},
	"FuzzParts": {seedParts, func(t *testing.T, in []any) {
		checkBody(t, in[0].(uint16), in[1].(bool), in[2].(uint32), in[3].([]byte))
	}},
	"FuzzOldFlows": {seedOldFlows, func(t *testing.T, in []any) {
		checkOldFlows(t, in[0].(bool), in[1].(bool), in[2].([]byte))
	}},
	"FuzzGroup": {seedGroup, func(t *testing.T, in []any) { checkGroup(t, in[0].(string)) }},
}

// TestMutations is fuzzing that does the same in every run: it changes the inputs that are known of each target by numbers that
// are always the same.
func TestMutations(t *testing.T) {
	source, err := os.ReadFile("fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^func (Fuzz\w+)`).FindAllSubmatch(source, -1) {
		name := string(match[1])
		target, ok := mutated[name]
		if !ok {
			t.Errorf("no mutations for %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			var known [][]any
			target.seeds(t, func(in ...any) { known = append(known, in) })
			known = append(known, corpus(t, name)...)
			h := fnv.New64()
			_, _ = h.Write([]byte(name))
			m := mutator{rand.New(rand.NewPCG(1, h.Sum64()))}
			const times = 10000
			for range times {
				in := m.mutate(known)
				fine := false
				func() {
					defer func() {
						if !fine {
							t.Logf("input %#v", in)
						}
					}()
					target.check(t, in)
					fine = true
				}()
			}
		})
	}
}

// corpus is the inputs under testdata/fuzz.
func corpus(t *testing.T, target string) (list [][]any) {
	files, err := filepath.Glob(filepath.Join("testdata/fuzz", target, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(b)), "\n")
		var in []any
		for _, line := range lines[1:] {
			v, err := corpusValue(line)
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			in = append(in, v)
		}
		list = append(list, in)
	}
	return list
}

// corpusValue reads a line such as []byte("\x00") or uint16(3).
func corpusValue(line string) (any, error) {
	kind, argument, _ := strings.Cut(strings.TrimSuffix(line, ")"), "(")
	switch kind {
	case "[]byte":
		s, err := strconv.Unquote(argument)
		return []byte(s), err
	case "string":
		return strconv.Unquote(argument)
	case "bool":
		return strconv.ParseBool(argument)
	case "uint16":
		n, err := strconv.ParseUint(argument, 0, 16)
		return uint16(n), err
	case "uint32":
		n, err := strconv.ParseUint(argument, 0, 32)
		return uint32(n), err
	}
	return nil, fmt.Errorf("no %s is known", kind)
}

type mutator struct{ *rand.Rand }

// mutate changes one of the known inputs, mostly in what is long.
func (m mutator) mutate(known [][]any) []any {
	in := slices.Clone(known[m.IntN(len(known))])
	other := known[m.IntN(len(known))]
	for i, v := range in {
		switch v := v.(type) {
		case []byte:
			in[i] = m.octets(v, other[i].([]byte))
		case string:
			in[i] = string(m.octets([]byte(v), []byte(other[i].(string))))
		case bool:
			in[i] = v != (m.IntN(8) == 0)
		case uint16:
			if m.IntN(8) == 0 {
				in[i] = uint16(m.IntN(24))
			}
		case uint32:
			if m.IntN(8) == 0 {
				in[i] = m.Uint32N(8)
			}
		}
	}
	return in
}

// odd are octets that lengths and counts stumble over.
var odd = []byte{0, 1, 4, 7, 8, 0x10, 0x7f, 0x80, 0xfe, 0xff, ',', '=', '(', ')', '[', '/', '"'}

// octets changes b in up to four places, sometimes to what is in other.
func (m mutator) octets(b, other []byte) []byte {
	b = bytes.Clone(b)
	for range 1 + m.IntN(4) {
		if len(b) == 0 {
			return append(b, odd[m.IntN(len(odd))])
		}
		at := m.IntN(len(b))
		end := at + m.IntN(min(len(b)-at, 16)+1)
		switch m.IntN(6) {
		case 0:
			b[at] ^= 1 << m.IntN(8)
		case 1:
			b[at] = odd[m.IntN(len(odd))]
		case 2:
			b = slices.Delete(b, at, end)
		case 3:
			b = slices.Insert(b, at, bytes.Clone(b[at:end])...)
		case 4:
			b = slices.Insert(b, at, odd[m.IntN(len(odd))])
		case 5:
			if len(other) > 0 {
				from := m.IntN(len(other))
				b = append(b[:at], other[from:]...)
			}
		}
	}
	return b
}
