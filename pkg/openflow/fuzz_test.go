package openflow

import (
	"reflect"
	"testing"
)

// FuzzDecode: no panic, and what is understood is stable.
func FuzzDecode(f *testing.F) {
	for _, test := range messages {
		b, err := AppendMessage(nil, 7, test.message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(f, name) {
			flow, err := ParseFlow(line)
			if err != nil {
				f.Fatal(err)
			}
			b, err := AppendMessage(nil, 7, FlowMod{Flow: flow})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _, _ = DecodeFlowStats(b)
		_, _, _ = DecodeGroup(b)
		_, _, _ = DecodePortDesc(b)
		_, _ = DecodeFlowQuery(b)
		h, m, err := Decode(b)
		if err != nil || h.Version != Version15 {
			return
		}
		if mod, ok := m.(Mod); ok {
			_ = mod.String()
		}
		again, err := AppendMessage(nil, 7, m)
		if err != nil {
			return // a text can be longer on the wire than what it was decoded from
		}
		_, m2, err := Decode(again)
		if err != nil || !reflect.DeepEqual(m, m2) {
			t.Fatalf("%+v\nbecame %+v: %v", m, m2, err)
		}
	})
}

// FuzzText: what can be parsed prints as text that parses to the same text, and encodes to bytes that decode to the same flow.
func FuzzText(f *testing.F) {
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(f, name) {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		flow, err := ParseFlow(text)
		if err != nil {
			return
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
	})
}

// FuzzActions: the text of any actions parses, and what was parsed prints and parses as itself.
func FuzzActions(f *testing.F) {
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(f, name) {
			flow, err := ParseFlow(line)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(flow.Actions.appendInstructions(nil))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeInstructions(b)
		if err != nil || len(b) > 30000 {
			return
		}
		for _, x := range []*Syntax{plain, {OpenFlow15: true}} {
			text := string(x.AppendActions(nil, a))
			once, err := x.ParseActions(text)
			if err != nil {
				t.Fatalf("%x\nprints as %s: %v", b, text, err)
			}
			text = string(x.AppendActions(nil, once))
			again, err := x.ParseActions(text)
			if err != nil || again != once {
				t.Fatalf("%x\nprints as %s\nbecame    %s: %v", b, text, again, err)
			}
		}
	})
}
