package openflow

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

// TestSamples encodes and decodes a message of every kind, and the parts of the multipart ones.
func TestSamples(t *testing.T) {
	seen := make(map[string]bool)
	for _, sample := range samples {
		seen[sample.kind] = true
		t.Run(sample.kind, func(t *testing.T) {
			b, err := AppendMessage(nil, 7, sample.message)
			if err != nil {
				t.Fatal(err)
			}
			h, m, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if k, ok := kindAt(h, b[HeaderLen:]); !ok || k.Name != sample.kind {
				t.Errorf("is of kind %v", k)
			}
			if !same(m, sample.message) {
				t.Errorf("decoded as\n%+v\nwant\n%+v", m, sample.message)
			}
			again, err := AppendMessage(nil, 7, m)
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("encoded again as\n%x: %v\nwant\n%x", again, err, b)
			}
			if _, raw := m.(Raw); raw {
				t.Error("is not interpreted")
			}
			if m, ok := m.(Multipart); ok {
				checkParts(t, m)
			}
			for n := range b {
				if _, _, err := Decode(b[:n]); err == nil {
					t.Errorf("the first %d of %d bytes are taken for a message", n, len(b))
				}
			}
			for n := HeaderLen; n < len(b); n++ { // while the header tells the truth
				cut := bytes.Clone(b[:n])
				cut[2], cut[3] = byte(n>>8), byte(n)
				_, _ = FormatMessage(cut)
			}
		})
	}
	for k := range MessageKinds() {
		if !seen[k.Name] && k.Refused == nil && !passedThrough[k.Name] {
			t.Errorf("no sample of %s", k.Name)
		}
	}
}

// passedThrough are the kinds that are kept as bytes.
var passedThrough = map[string]bool{"NXT_FLOW_MOD": true}

// checkParts wants the parts to be the body.
func checkParts(t *testing.T, m Multipart) {
	t.Helper()
	var body []byte
	for part, err := range m.Parts() {
		if err != nil {
			t.Fatal(err)
		}
		if _, raw := part.(RawPart); raw {
			t.Error("is not interpreted")
		}
		if body, err = part.AppendBinary(body); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(body, m.Body) {
		t.Errorf("parts are\n%x\nof\n%x", body, m.Body)
	}
}

// same compares messages; what is empty may be nil.
func same(a, b Message) bool {
	return reflect.DeepEqual(a, b) || reflect.DeepEqual(emptied(a), emptied(b))
}

func emptied(m any) any {
	v := reflect.New(reflect.TypeOf(m)).Elem()
	v.Set(reflect.ValueOf(m))
	nilEmpty(v)
	return v.Interface()
}

func nilEmpty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				nilEmpty(v.Field(i))
			}
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
		}
	}
}

// TestRealText compares the text of each sample with that of ovs-ofctl.
func TestRealText(t *testing.T) {
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	compared := make(map[string]bool)
	for _, sample := range samples {
		t.Run(sample.kind, func(t *testing.T) {
			b, err := AppendMessage(nil, 7, sample.message)
			if err != nil {
				t.Fatal(err)
			}
			h, err := DecodeHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			k, _ := kindAt(h, b[HeaderLen:])
			if k.Refused != nil {
				return // which TestRealMessageKinds sees
			}
			likeOfctl(t, b)
			compared[k.Name] = true
		})
	}
	for k := range MessageKinds() {
		if !compared[k.Name] && k.Refused == nil && !passedThrough[k.Name] {
			t.Errorf("no text of %s was compared", k.Name)
		}
	}
}

func likeOfctl(t *testing.T, b []byte) {
	t.Helper()
	got, err := FormatMessage(b)
	if strings.Contains(got, "***decode error") {
		t.Errorf("%x\nis %s", b, got)
	}
	if want := ofpPrint(t, b); err != nil || got != want {
		t.Errorf("%x\ntext is\n%swant\n%s%v", b, got, want, err)
	}
}

// TestRealPackets compares the text of packets.
func TestRealPackets(t *testing.T) {
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) {
			b, err := AppendMessage(nil, 7, PacketIn{Metadata: mustMatch("in_port=1"), TotalLen: len(frame), Data: frame})
			if err != nil {
				t.Fatal(err)
			}
			likeOfctl(t, b)
		})
	}
}

// TestRealErrorNames asks ovs-ofctl for the names of all types and codes there can be.
func TestRealErrorNames(t *testing.T) {
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	var list []*Error
	for kind := range uint16(20) {
		for code := range uint16(40) {
			list = append(list, &Error{Type: kind, Code: code})
		}
	}
	for code := range uint16(100) {
		list = append(list, &Error{Type: ErrorExperimenter, Experimenter: experimenterNicira, Code: code},
			&Error{Type: ErrorExperimenter, Experimenter: experimenterONF, Code: 2300 + code})
	}
	var all []byte
	for i, e := range list {
		b, err := AppendMessage(nil, uint32(i), e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	path := t.TempDir() + "/errors"
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ovs-ofctl", "ofp-parse", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		if _, rest, ok := strings.Cut(line, "OFPT_ERROR (OF1.5) (xid="); ok {
			xid, name, _ := strings.Cut(strings.TrimSpace(rest), "): ")
			names[xid] = name
		}
	}
	for i, e := range list {
		want := names[fmt.Sprintf("%#x", i)]
		if i == 0 {
			want = names["0"] + names["0x0"]
		}
		if strings.HasPrefix(want, "***") {
			if got := e.Name(); strings.Contains(got, "_") {
				t.Errorf("type %d, code %d is %s and unknown to ovs-ofctl", e.Type, e.Code, got)
			}
		} else if e.Name() != want {
			t.Errorf("type %d, code %d is %s, want %s", e.Type, e.Code, e.Name(), want)
		}
	}
}
