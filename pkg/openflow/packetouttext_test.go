package openflow

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// packetOutTexts are packets to send, in the form that is printed.
var packetOutTexts = []string{
	"in_port=ANY,packet=0200000000010200000000020806,actions=drop",
	"in_port=LOCAL,packet=020000000001020000000002080600,actions=output:1,resubmit(,4)",
	"reg0=0x5,in_port=CONTROLLER,packet=0200000000010200000000020806,actions=output:NXM_NX_REG0[]",
	"reg1=0x7/0xff,tun_id=0x9,tun_src=10.0.0.1,metadata=0x3,in_port=2,packet=0200000000010200000000020806,actions=clone(output:1),group:3",
}

func TestParsePacketOut(t *testing.T) {
	for _, text := range packetOutTexts {
		m, err := ParsePacketOut(text)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := string(plain.AppendPacketOut(nil, m)); got != text {
			t.Errorf("printed %s\nwant    %s", got, text)
		}
		b, err := AppendMessage(nil, 1, m)
		if err != nil {
			t.Fatal(err)
		}
		if _, again, err := Decode(b); err != nil || !same(again, m) {
			t.Errorf("%s became %+v: %v", text, again, err)
		}
	}
	if m, err := named.ParsePacketOut("in_port=eth0 source=2 packet=0200000000010200000000020806"); err != nil || m.Metadata != mustMatch("in_port=1,reg0=2/0xf") {
		t.Errorf("%v: %v", m, err)
	}
	for _, test := range []struct {
		text string
		word string
	}{
		{"in_port=1,packet=012,actions=drop", "packet=012"},
		{"in_port=1,packet=zz", "packet=zz"},
		{"in_port=1,packet=0102", "packet=0102"},
		{"in_port=NORMAL,packet=0102", "in_port=NORMAL"},
		{"in_port=foo,packet=0200000000010200000000020806", "in_port=foo"},
		{"in_port=1,ip,packet=0200000000010200000000020806", "ip"},
		{"in_port=1,nw_src=1.2.3.4,packet=0200000000010200000000020806", "nw_src=1.2.3.4"},
		{"in_port=1,packet=0200000000010200000000020806,table=3", "table=3"},
		{"in_port=1,packet=0200000000010200000000020806,actions=output:1,clone(foo)", "foo"},
	} {
		_, err := ParsePacketOut(test.text)
		var wrong *ParseError
		if !errors.As(err, &wrong) || wrong.Word != test.word || wrong.Offset != strings.Index(test.text, test.word) {
			t.Errorf("%s: %v, want %q", test.text, err, test.word)
		}
	}
	for _, text := range []string{"packet=0200000000010200000000020806", "in_port=1", "in_port=1,packet=0200000000010200000000020806,actions=goto_table:3"} {
		if _, err := ParsePacketOut(text); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

// TestRealPacketOutFields asks ovs-ofctl of every field whether a packet-out can have it.
func TestRealPacketOutFields(t *testing.T) {
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	for f := range Fields() {
		value := strings.Split(anyValue(f, false).String(), ",")
		i := slices.IndexFunc(value, func(word string) bool {
			key, _, _ := strings.Cut(word, "=")
			got, ok := LookupField(key)
			return ok && got == f
		})
		if i < 0 {
			continue // which a match has by another name
		}
		text := "in_port=1," + value[i] + ",packet=0200000000010200000000020806"
		_, err := ParsePacketOut(text)
		out, _ := exec.Command("ovs-ofctl", "--no-names", "-O", "OpenFlow15", "packet-out", "unix:/nonexistent", text).CombinedOutput()
		if taken := bytes.Contains(out, []byte("connecting to")); taken != (err == nil) {
			t.Errorf("%s: %v, ovs-ofctl says %s", text, err, out)
		}
	}
}

// TestRealPacketOut has ovs-ofctl and us send the same packets, which the switch gives to the controller.
func TestRealPacketOut(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	c := dial(t, s)
	c.tell(AsyncConfig{Set: true, Properties: []AsyncProperty{{AsyncPacketIn, 0x3f}}}, Config{Set: true, MissSendLen: 0xffff})
	for _, text := range packetOutTexts[1:] {
		front, _, _ := strings.Cut(text, ",actions=")
		text := front + ",actions=CONTROLLER:65535"
		m, err := ParsePacketOut(text)
		if err != nil {
			t.Fatal(err)
		}
		ours := c.ask("OFPT_PACKET_IN", m)
		s.Ofctl("-O OpenFlow15 packet-out", "br-int", string(plain.AppendPacketOut(nil, m)))
		theirs := c.await("OFPT_PACKET_IN")
		if !bytes.Equal(ours[HeaderLen:], theirs[HeaderLen:]) {
			t.Errorf("%s\nours   %x\ntheirs %x", text, ours, theirs)
		}
	}
}
