package openflow

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite testdata/*.wire")

// flowLines reads a file of flows, one a line.
func flowLines(t testing.TB, name string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestWire pins the bytes of match and instructions beside the text. That they are those of ovs-vswitchd is what
// TestRealCanonical checks.
func TestWire(t *testing.T) {
	for _, name := range []string{"pipeline", "other"} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			for _, line := range flowLines(t, "testdata/"+name+".flows") {
				f, err := ParseFlow(line)
				if err != nil {
					t.Error(err)
					continue
				}
				b, err := FlowMod{Flow: f}.AppendBinary(nil)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&got, "%s\n  match   %x\n  actions %x\n", f, f.Match.oxm, f.Actions.appendInstructions(nil))
				m, err := decodeFlowMod(b)
				if err != nil || m.Flow != f {
					t.Errorf("%s\ncomes back as %s: %v", f, m.Flow, err)
				}
			}
			golden := "testdata/" + name + ".wire"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != string(want) {
				t.Errorf("not as in %s; -update rewrites it:\n%s", golden, got.String())
			}
		})
	}
}

// messages are one of each kind beside their bytes.
var messages = []struct {
	name    string
	message Message
	hex     string
}{
	{"hello", Hello{Versions: []uint8{1, 6}}, "0600001000000007 0001000800000042"},
	{"error", &Error{Type: 4, Code: 9, Data: []byte("data")}, "0601001000000007 00040009 64617461"},
	{"experimenter error", &Error{Type: 0xffff, Code: 15, Experimenter: 0x2320}, "0601001000000007 ffff000f00002320"},
	{"echo request", Echo{Data: []byte{1, 2}}, "0602000a00000007 0102"},
	{"echo reply", Echo{Reply: true}, "0603000800000007"},
	{"features request", Empty(TypeFeaturesRequest), "0605000800000007"},
	{"features reply", Features{DatapathID: 0xabc, Tables: 254, Capabilities: 0x4f},
		"0606002000000007 0000000000000abc 00000000 fe00 0000 0000004f 00000000"},
	{"barrier request", Empty(TypeBarrierRequest), "0614000800000007"},
	{"barrier reply", Empty(TypeBarrierReply), "0615000800000007"},
	{"flow mod", FlowMod{Command: Add, Flow: Flow{Table: 2, Priority: 5, Cookie: 1, Actions: Actions{}.Output(3)}},
		"060e005000000007 0000000000000001 0000000000000000 0200 0000 0000 0005 ffffffff ffffffff ffffffff 0000 0000 " +
			"0001000400000000 0004001800000000 0000001000000003 0000000000000000"},
	{"flow deletion", FlowMod{Command: Delete, CookieMask: 0xff, Flow: Flow{Table: TableAll}},
		"060e003800000007 0000000000000000 00000000000000ff ff03 0000 0000 0000 ffffffff ffffffff ffffffff 0000 0000 0001000400000000"},
	{"group mod", GroupMod{Command: GroupAddOrModify, Group: Group{ID: 9, Type: GroupSelect, SelectionMethod: "hash",
		Fields: GroupFields(FieldIPv4Src), Buckets: []Bucket{{ID: 1, Weight: 100, WatchPort: 7, Actions: Actions{}.Output(3)}}}},
		"060f007000000007 8000 01 00 00000009 0028 0000 ffffffff " +
			"0028 0010 00000001 0000001000000003 0000000000000000 0000 0008 0064 0000 0001 0008 00000007 " +
			"ffff 0030 0000154d 00000001 00000000 68617368000000000000000000000000 0000000000000000 80001604 ffffffff"},
	{"group deletion", GroupMod{Command: GroupDelete, Group: Group{ID: GroupEvery}},
		"060f001800000007 0002 00 00 fffffffc 0000 0000 ffffffff"},
	{"bundle open", BundleControl{ID: 1, Type: BundleOpen, Flags: BundleAtomic | BundleOrdered},
		"0621001000000007 00000001 0000 0003"},
	{"bundle add", BundleAdd{ID: 1, Flags: BundleOrdered, Xid: 7, Mod: FlowMod{Command: Delete}},
		"0622004800000007 00000001 0000 0002 060e003800000007 0000000000000000 0000000000000000 0003 0000 0000 0000 " +
			"ffffffff ffffffff ffffffff 0000 0000 0001000400000000"},
	{"multipart request", Multipart{Type: MultipartPortDesc, Body: []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}},
		"0612001800000007 000d 0000 00000000 ffffffff 00000000"},
	{"multipart reply", Multipart{Reply: true, More: true, Type: MultipartGroupDesc, Body: []byte{}}, "0613001000000007 0007 0001 00000000"},
	{"port status", PortStatus{Reason: PortAdded, Port: PortDesc{Port: 3, MAC: MAC{2, 0, 0, 0, 0, 1}, Name: "eth0"}},
		"060c003800000007 00 00000000000000 00000003 0028 0000 020000000001 0000 65746830000000000000000000000000 00000000 00000000"},
	{"flow removed", FlowRemoved{Reason: 1, Stats: FlowStats{Flow: Flow{Table: 2, Priority: 5, HardTimeout: 9, Cookie: 1},
		Duration: 9 * time.Second, IdleTime: -1, Packets: 2, Bytes: 3}},
		"060b004800000007 02 01 0005 0000 0009 0000000000000001 0001000400000000 " +
			"00000028 80020008 00000009 00000000 80020808 0000000000000002 80020a08 0000000000000003"},
	{"raw", Raw{Type: TypeControllerStatus, Body: []byte{1, 2, 3}}, "0623000b00000007 010203"},
}

func TestMessages(t *testing.T) {
	for _, test := range messages {
		t.Run(test.name, func(t *testing.T) {
			want, err := hex.DecodeString(strings.ReplaceAll(test.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got, err := AppendMessage(nil, 7, test.message)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("bytes\n%x\nwant\n%x", got, want)
			}
			h, m, err := Decode(want)
			if err != nil {
				t.Fatal(err)
			}
			if h.Xid != 7 || h.Type != test.message.MessageType() {
				t.Errorf("header %+v", h)
			}
			again, err := AppendMessage(nil, 7, m)
			if err != nil || !bytes.Equal(again, want) {
				t.Errorf("decoded as %+v, encoded again as\n%x: %v", m, again, err)
			}
			for n := range want {
				if _, _, err := Decode(want[:n]); err == nil {
					t.Errorf("the first %d of %d bytes are taken for a message", n, len(want))
				}
			}
		})
	}
}

// TestTruncated shortens the body of each message while the header tells the truth.
func TestTruncated(t *testing.T) {
	for _, test := range messages {
		whole, err := AppendMessage(nil, 7, test.message)
		if err != nil {
			t.Fatal(err)
		}
		for n := HeaderLen; n < len(whole); n++ {
			b := bytes.Clone(whole[:n])
			b[2], b[3] = byte(n>>8), byte(n)
			if _, m, err := Decode(b); err == nil {
				_, _ = AppendMessage(nil, 7, m)
			}
		}
	}
}

func TestFlowStats(t *testing.T) {
	f, err := ParseFlow("cookie=0x5,table=3,priority=7,idle_timeout=60,ip,nw_dst=10.0.0.0/8,actions=resubmit(,4)")
	if err != nil {
		t.Fatal(err)
	}
	want := FlowStats{Flow: f, Packets: 12, Bytes: 1176, Duration: 65*time.Second + 250*time.Millisecond, IdleTime: 3 * time.Second}
	b, err := want.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, rest, err := DecodeFlowStats(append(b, 1, 2, 3))
	if err != nil || len(rest) != 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %x, %v\nwant %+v", got, rest, err, want)
	}
	const text = "cookie=0x5, duration=65.250s, table=3, n_packets=12, n_bytes=1176, idle_timeout=60, idle_age=3, " +
		"priority=7,ip,nw_dst=10.0.0.0/8 actions=resubmit(,4)"
	if got.String() != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	if again, err := ParseFlow(text); err != nil || again != f {
		t.Errorf("parsed %s: %v", again, err)
	}
}

func TestErrorNames(t *testing.T) {
	for _, test := range []struct {
		err  *Error
		want string
	}{
		{ErrBadPrereq, "OFPBMC_BAD_PREREQ"},
		{ErrBadMask, "OFPBMC_BAD_MASK"},
		{ErrBadMultipart, "OFPBRC_BAD_STAT"},
		{ErrBadOutGroup, "OFPBAC_BAD_OUT_GROUP"},
		{ErrGroupExists, "OFPGMFC_GROUP_EXISTS"},
		{ErrUnknownGroup, "OFPGMFC_UNKNOWN_GROUP"},
		{ErrBundleBadID, "OFPBFC_BAD_ID"},
		{ErrBundleBadFlags, "OFPBFC_BAD_FLAGS"},
		{ErrBundleMsgFailed, "OFPBFC_MSG_FAILED"},
		{&Error{Type: 0xffff, Experimenter: 0x2320, Code: 15}, "NXBAC_BAD_CONJUNCTION"},
		{&Error{Type: 0xffff, Experimenter: 5, Code: 15}, "error 15 of experimenter 0x5"},
		{&Error{Type: 77, Code: 1}, "error of type 77, code 1"},
	} {
		if got := test.err.Name(); got != test.want {
			t.Errorf("%+v is %s, want %s", test.err, got, test.want)
		}
	}
}

// TestRealPrint has ovs-ofctl read the messages.
func TestRealPrint(t *testing.T) {
	ofctl, err := exec.LookPath("ovs-ofctl")
	if err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	for _, test := range messages {
		t.Run(test.name, func(t *testing.T) {
			b, err := AppendMessage(nil, 7, test.message)
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(ofctl, "ofp-print", hex.EncodeToString(b)).CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			if text := string(out); strings.Contains(text, "***") && test.message.MessageType() != TypeControllerStatus {
				t.Errorf("ovs-ofctl reads %s", text)
			}
		})
	}
}
