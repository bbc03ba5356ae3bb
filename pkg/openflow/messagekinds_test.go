package openflow

import (
	"encoding/binary"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
)

// empty is a message of the kind without a body.
func (k MessageKind) empty(t testing.TB) []byte {
	t.Helper()
	var body []byte
	if k.Type == TypeMultipartRequest || k.Type == TypeMultipartReply {
		body = binary.BigEndian.AppendUint16(body, uint16(k.Multipart))
		body = append(body, 0, 0, 0, 0, 0, 0)
	}
	if k.Experimenter != 0 {
		body = binary.BigEndian.AppendUint32(body, k.Experimenter)
		body = binary.BigEndian.AppendUint32(body, k.Subtype)
	}
	b, err := AppendMessage(nil, 7, Raw{Type: k.Type, Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ofpPrint has ovs-ofctl read a message.
func ofpPrint(t testing.TB, b []byte) string {
	t.Helper()
	out, err := exec.Command("ovs-ofctl", "ofp-print", hex.EncodeToString(b)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestMessageKinds(t *testing.T) {
	names, numbers := make(map[string]bool), make(map[MessageKind]string)
	for k := range MessageKinds() {
		if k.Name == "" || k.Direction == 0 || names[k.Name] {
			t.Errorf("kind %+v", k)
		}
		names[k.Name] = true
		number := MessageKind{Type: k.Type, Multipart: k.Multipart, Experimenter: k.Experimenter, Subtype: k.Subtype}
		if other, ok := numbers[number]; ok {
			t.Errorf("%s and %s have the same number", k.Name, other)
		}
		numbers[number] = k.Name
	}
	for i, name := range typeNames {
		switch MessageType(i) {
		case TypeMultipartRequest, TypeMultipartReply, TypeExperimenter: // have kinds of their own
		default:
			if name != "" && !names["OFPT_"+name] {
				t.Errorf("OFPT_%s is not in the table", name)
			}
		}
	}
}

// TestRealMessageKinds asks ovs-ofctl, kind by kind, whether it knows the number by the name, or refuses it with the error that the
// table says.
func TestRealMessageKinds(t *testing.T) {
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	unknown := map[string]bool{ErrBadType.Name(): true, ErrBadMultipart.Name(): true, ErrBadSubtype.Name(): true}
	for k := range MessageKinds() {
		text := ofpPrint(t, k.empty(t))
		_, said, _ := strings.Cut(text, "***decode error: ")
		said, _, _ = strings.Cut(said, "***")
		switch {
		case k.Refused != nil && said != k.Refused.Name():
			t.Errorf("%s is not refused with %s: %s", k.Name, k.Refused.Name(), text)
		case k.Refused == nil && unknown[said]:
			t.Errorf("%s is refused: %s", k.Name, text)
		case k.Refused == nil && said == "" && !strings.HasPrefix(text, k.Name+" (OF1.5) "):
			t.Errorf("%s is %s", k.Name, text)
		}
	}
}
