package openflow

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzDecode: no panic, what is understood is stable, and nothing takes much more memory than there is input.
func FuzzDecode(f *testing.F) {
	seedDecode(f, f.Add)
	f.Fuzz(checkDecode)
}

func seedDecode(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, sample := range samples {
		b, err := AppendMessage(nil, 7, sample.message)
		if err != nil {
			tb.Fatal(err)
		}
		add(b)
	}
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(tb, name) {
			flow, err := ParseFlow(line)
			if err != nil {
				tb.Fatal(err)
			}
			b, err := AppendMessage(nil, 7, FlowMod{Flow: flow})
			if err != nil {
				tb.Fatal(err)
			}
			add(b)
		}
	}
}

func checkDecode(t *testing.T, b []byte) {
	if text, err := FormatMessage(b); err == nil && len(text) > 1000+500*len(b) {
		t.Fatalf("%d bytes of text for %d", len(text), len(b))
	}
	h, m, err := Decode(b)
	if err != nil || h.Version != Version15 {
		return
	}
	if mod, ok := m.(Mod); ok {
		_ = mod.String()
	}
	if m, ok := m.(Multipart); ok {
		fuzzParts(t, m)
	}
	again, err := AppendMessage(nil, 7, m)
	if err != nil {
		return // a text can be longer on the wire than what it was decoded from
	}
	_, m2, err := Decode(again)
	if err != nil || !same(m, m2) {
		t.Fatalf("%+v\nbecame %+v: %v", m, m2, err)
	}
}

// fuzzParts wants every part to decode to the same after it was encoded.
func fuzzParts(t *testing.T, m Multipart) {
	for part, err := range m.Parts() {
		if err != nil {
			return
		}
		b, err := part.AppendBinary(nil)
		if err != nil || len(b) > 60000 {
			continue
		}
		again, rest, err := m.cutPart(b)
		if err != nil || len(rest) != 0 || !reflect.DeepEqual(emptied(again), emptied(part)) {
			t.Fatalf("%+v\nbecame %+v: %v", part, again, err)
		}
	}
}

// FuzzParts: the body of each type of multipart message, in both directions.
func FuzzParts(f *testing.F) {
	seedParts(f, f.Add)
	f.Fuzz(checkBody)
}

func seedParts(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, sample := range samples {
		if m, ok := sample.message.(Multipart); ok && len(m.Body) > 0 {
			add(uint16(m.Type), m.Reply, m.Subtype, m.Body)
		}
	}
}

func checkBody(t *testing.T, kind uint16, reply bool, subtype uint32, body []byte) {
	m := Multipart{Type: MultipartType(kind), Reply: reply, Body: body}
	if m.Type == MultipartExperimenter {
		m.Experimenter, m.Subtype = experimenterNicira, subtype
	}
	fuzzParts(t, m)
}

// FuzzPacket: frames have headers, whatever they are.
func FuzzPacket(f *testing.F) {
	seedPacket(f, f.Add)
	f.Fuzz(checkPacket)
}

func seedPacket(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, frame := range frames {
		add(frame)
	}
}

func checkPacket(t *testing.T, b []byte) {
	k := DecodePacket(b)
	again, err := DecodeMatch([]byte(k.Match.Key()))
	if err != nil || again != k.Match || k.String() == "" {
		t.Fatalf("%s: %v", k, err)
	}
	frame, err := ComposePacket(k.Match, nil)
	if err != nil {
		return // it is damaged
	}
	composed := DecodePacket(frame).Match
	if composed != k.Match {
		t.Fatalf("%x: %s\nbecame %x: %s", b, k.Match, frame, composed)
	}
}

// FuzzMeter: what can be parsed encodes to bytes that decode to the same, and prints as text that parses to the same.
func FuzzMeter(f *testing.F) {
	seedMeter(f, f.Add)
	f.Fuzz(checkMeter)
}

func seedMeter(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, text := range meterTexts {
		add(text)
	}
}

func checkMeter(t *testing.T, text string) {
	m, err := ParseMeter(text)
	if err != nil {
		return
	}
	if again, err := ParseMeter(m.String()); err != nil || !reflect.DeepEqual(again, m) {
		t.Fatalf("%q is %+v\nprints as %s\nbecame %+v: %v", text, m, m, again, err)
	}
}

// FuzzText: what can be parsed prints as text that parses to the same text, and encodes to bytes that decode to the same flow.
func FuzzText(f *testing.F) {
	seedText(f, f.Add)
	f.Fuzz(checkText)
}

func seedText(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(tb, name) {
			add(line)
		}
	}
}

func checkText(t *testing.T, text string) {
	flow, err := ParseFlow(text)
	if err != nil {
		return
	}
	if flow.Match.Check() != nil {
		return // fields that contradict each other are read in another order again
	}
	again, err := ParseFlow(flow.String())
	if err != nil || again.String() != flow.String() || again.Match != flow.Match {
		t.Fatalf("%q\nprints as %s\nbecame    %s: %v", text, flow, again, err)
	}
	b, err := FlowMod{Flow: flow}.AppendBinary(nil)
	if err != nil || len(b) > 60000 {
		return
	}
	m, err := decodeFlowMod(b)
	if err != nil || m.Flow != flow {
		t.Fatalf("%q\nencodes as %x\nbecame %s: %v", flow, b, m.Flow, err)
	}
}

// FuzzActions: the text of any actions parses, and what was parsed prints and parses as itself.
func FuzzActions(f *testing.F) {
	seedActions(f, f.Add)
	f.Fuzz(checkInstructions)
}

func seedActions(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(tb, name) {
			flow, err := ParseFlow(line)
			if err != nil {
				tb.Fatal(err)
			}
			add(flow.Actions.appendInstructions(nil))
		}
	}
}

// ambiguous is what OpenFlow 1.0 has one spelling for though it is several things: with a VLAN tag in front or without, of TCP or
// UDP, all bits of a field that has fewer of them than its bytes or no mask. Such text is read as the same from the second time on.
var ambiguous = func() []string {
	words := []string{"mod_vlan_", "mod_tp_"}
	for i := range fields {
		if f := &fields[i]; f.nxmName != "" && int(f.bits) < 8*int(f.bytes) {
			words = append(words, "->"+f.nxmName+"[]")
		}
	}
	return words
}()

func checkInstructions(t *testing.T, b []byte) {
	a, err := decodeInstructions(b)
	if err != nil || len(b) > 30000 {
		return
	}
	checkTyped(t, a)
	for _, x := range []*Syntax{plain, {OpenFlow15: true}} {
		text := string(x.AppendActions(nil, a))
		once, err := x.ParseActions(text)
		if err != nil {
			t.Fatalf("%x\nprints as %s: %v", b, text, err)
		}
		if strings.Contains(text, "enqueue:") {
			continue // which is read as three actions, of which the text does not say all
		}
		text = string(x.AppendActions(nil, once))
		if !x.OpenFlow15 && slices.ContainsFunc(ambiguous, func(word string) bool { return strings.Contains(text, word) }) {
			if once, err = x.ParseActions(text); err != nil {
				t.Fatalf("%x\nprints as %s: %v", b, text, err)
			}
			text = string(x.AppendActions(nil, once))
		}
		again, err := x.ParseActions(text)
		if err != nil || again != once {
			t.Fatalf("%x\nprints as %s\nbecame    %s: %v", b, text, again, err)
		}
	}
}

// FuzzOldFlows: dumps of OpenFlow 1.0 and 1.3 become flows that encode and print.
func FuzzOldFlows(f *testing.F) {
	seedOldFlows(f, f.Add)
	f.Fuzz(checkOldFlows)
}

func seedOldFlows(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, line := range flowLines(tb, "testdata/old.hex") {
		m, err := DecodeMultipart(unhexed(line))
		if err != nil {
			tb.Fatal(err)
		}
		add(m.Version == Version10, m.Type == MultipartExperimenter, m.Body)
	}
}

func checkOldFlows(t *testing.T, first, nicira bool, body []byte) {
	m := Multipart{Version: Version13, Type: MultipartFlowDesc, Reply: true, Body: body}
	if first {
		m.Version = Version10
	}
	if nicira {
		m.Type, m.Experimenter, m.Subtype = MultipartExperimenter, experimenterNicira, nxstFlow
	}
	for part, err := range m.Parts() {
		s, ok := part.(FlowStats)
		if err != nil || !ok {
			return
		}
		text := string(plain.AppendFlowStats(nil, s))
		if len(text) > 1000+500*len(body) {
			t.Fatalf("%d bytes of text for %d", len(text), len(body))
		}
		if b, err := s.AppendBinary(nil); err == nil && len(b) < 60000 {
			again, _, err := DecodeFlowStats(b)
			if err != nil || again.Actions != s.Actions {
				t.Fatalf("%s\nbecame %s: %v", text, again, err)
			}
		}
	}
}

// FuzzGroup: a change of a group that can be parsed prints as text that parses to the same, and encodes to bytes that decode to
// the same.
func FuzzGroup(f *testing.F) {
	seedGroup(f, f.Add)
	f.Fuzz(checkGroup)
}

func seedGroup(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, text := range groupTexts {
		add(text)
	}
}

func checkGroup(t *testing.T, text string) {
	m, err := ParseGroupMod(text)
	if err != nil {
		return
	}
	again, err := ParseGroupMod(strings.TrimPrefix(m.String(), "group "))
	if err != nil || again.String() != m.String() {
		t.Fatalf("%q\nprints as %s\nbecame    %s: %v", text, m, again, err)
	}
	b, err := AppendMessage(nil, 7, m)
	if err != nil {
		return
	}
	_, decoded, err := Decode(b)
	got, ok := decoded.(GroupMod)
	if err != nil || !ok || !got.Group.Equal(m.Group) || got.Command != m.Command || got.Bucket != m.Bucket {
		t.Fatalf("%q\nencodes as %x\nbecame %v: %v", text, b, decoded, err)
	}
}

// FuzzPacketOut: what can be parsed prints as text that parses to the same.
func FuzzPacketOut(f *testing.F) {
	seedPacketOut(f, f.Add)
	f.Fuzz(checkPacketOut)
}

func seedPacketOut(tb testing.TB, add func(...any)) {
	tb.Helper()
	for _, text := range packetOutTexts {
		add(text)
	}
}

func checkPacketOut(t *testing.T, text string) {
	m, err := ParsePacketOut(text)
	if err != nil || m.Metadata.Check() != nil || strings.Contains(text, "enqueue") {
		return
	}
	printed := string(plain.AppendPacketOut(nil, m))
	again, err := ParsePacketOut(printed)
	if err != nil || string(plain.AppendPacketOut(nil, again)) != printed || again.Metadata != m.Metadata {
		t.Fatalf("%q\nprints as %s\nbecame %+v: %v", text, printed, again, err)
	}
}
