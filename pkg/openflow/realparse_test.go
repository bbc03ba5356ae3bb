package openflow

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// ofctlParse gives lines to a command of ovs-ofctl that reads them from its standard input, and returns what it prints.
func ofctlParse(t *testing.T, lines []string, args ...string) []string {
	t.Helper()
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	cmd := exec.Command("ovs-ofctl", args...)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ovs-ofctl %s: %v: %s", args, err, stderr.String())
	}
	return strings.Split(string(out), "\n")
}

// matchLines are the matches of every field, alone and masked, with the line that says each to ovs-ofctl: header(value/mask) for each
// field, the header in hexadecimal, as appendHeader has it.
func matchLines(header func(f FieldID) oxmID) (matches []Match, lines []string) {
	for f := range Fields() {
		if fields[f].variable {
			continue // ovs-ofctl has no options mapped here; TestRealFields has
		}
		for _, masked := range []bool{false, true} {
			if masked && !f.Maskable() {
				continue
			}
			m := anyValue(f, masked)
			var words []string
			for s := m.oxm; s != ""; {
				e, rest, err := cutEntry(s)
				if err != nil {
					panic(err)
				}
				b := header(e.id).appendHeader(nil, len(e.value), e.mask != "")
				word := fmt.Sprintf("%x(%x", b, e.value)
				if e.mask != "" {
					word += fmt.Sprintf("/%x", e.mask)
				}
				words, s = append(words, word+")"), rest
			}
			matches, lines = append(matches, m), append(lines, strings.Join(words, ","))
		}
	}
	return matches, lines
}

// takenForMask are fields whose value ovs-ofctl and ovs-vswitchd 3.1 take for their mask as well.
var takenForMask = []FieldID{FieldTunERSPANVer, FieldTunERSPANDir, FieldTunERSPANHWID, FieldTunGTPUFlags, FieldTunGTPUMsgtype}

// expected is what ovs-ofctl makes of a match.
func expected(m Match) Match {
	for f := range m.Fields() {
		if slices.Contains(takenForMask, f.ID) {
			return Match{}.With(f.ID, f.Value, f.Value)
		}
	}
	return m
}

// dumps are the bytes that ovs-ofctl dumps in hexadecimal after a line of text for each match, an error being one too.
func dumps(lines []string) (text []string, list [][]byte) {
	for _, line := range lines {
		_, octets, ok := strings.Cut(line, "  ")
		octets = strings.Map(func(r rune) rune {
			if r == ' ' || r == '-' {
				return -1
			}
			return r
		}, octets)
		b, err := hex.DecodeString(octets)
		switch {
		case line == "":
		case ok && err == nil && len(list) > 0:
			list[len(list)-1] = append(list[len(list)-1], b...)
		default:
			text, list = append(text, line), append(list, nil)
		}
	}
	return text, list
}

// TestRealParseOXM has ovs-ofctl read and write a match of every field, and wants our bytes.
func TestRealParseOXM(t *testing.T) {
	matches, lines := matchLines(FieldID.wire)
	text, theirs := dumps(ofctlParse(t, lines, "--strict", "-m", "parse-oxm", "OpenFlow15"))
	if len(theirs) != len(matches) {
		t.Fatalf("%d answers for %d matches", len(theirs), len(matches))
	}
	for i, m := range matches {
		if ours, err := expected(m).AppendBinary(nil); err != nil || !bytes.Equal(ours, theirs[i]) {
			t.Errorf("%s\nours   %x\ntheirs %x %s", m, ours, theirs[i], text[i])
		}
	}
}

// TestRealParseNXM has ovs-ofctl read a match of every field in the headers of Open vSwitch and write it in them, and wants that to
// be the same match here.
func TestRealParseNXM(t *testing.T) {
	matches, lines := matchLines(FieldID.legacy)
	text, theirs := dumps(ofctlParse(t, lines, "--strict", "-m", "parse-nxm"))
	if len(theirs) != len(matches) {
		t.Fatalf("%d answers for %d matches", len(theirs), len(matches))
	}
	for i, m := range matches {
		got, err := DecodeMatch(bytes.TrimRight(theirs[i], "\x00"))
		if err != nil {
			got, err = DecodeMatch(theirs[i])
		}
		if err != nil || got != expected(m) {
			t.Errorf("%s\nread   %s: %v\ntheirs %x %s", m, got, err, theirs[i], text[i])
		}
	}
}

// TestRealParseActions has ovs-ofctl read the bytes of an example of every action and instruction, and wants our text, or the error
// of the table.
func TestRealParseActions(t *testing.T) {
	x := *tunnelOf4
	x.OpenFlow15 = true
	for _, test := range []struct {
		command string
		kinds   []Kind
		samples []actionSample
		bytes   func(a Actions) []byte
	}{
		{"parse-actions", actionKinds, actionSamples, func(a Actions) []byte { return []byte(a.list) }},
		{"parse-instructions", instructionKinds, instructionSamples, func(a Actions) []byte { return a.appendInstructions(nil) }},
	} {
		t.Run(test.command, func(t *testing.T) {
			var lines, want []string
			for _, sample := range test.samples {
				f, err := tunnelOf4.ParseFlow(sample.flow)
				if err != nil {
					t.Fatal(err)
				}
				k, _ := kindNamed(test.kinds, sample.kind)
				text := "actions=" + string(x.AppendActions(nil, f.Actions))
				if k.Name == "write_metadata(action)" { // which is in a flow alone
					k.Refused = "OFPBIC_UNSUP_INST"
				}
				if k.Refused != "" {
					text = "bad OpenFlow15 " + strings.TrimPrefix(test.command, "parse-") + ": " + k.Refused
				}
				lines, want = append(lines, hex.EncodeToString(test.bytes(f.Actions))), append(want, text)
			}
			var got []string
			for _, line := range ofctlParse(t, lines, test.command, "OpenFlow15") {
				if strings.HasPrefix(line, "actions=") || strings.HasPrefix(line, "bad ") {
					got = append(got, line)
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%d answers for %d examples", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%s\nours   %s\ntheirs %s", lines[i], want[i], got[i])
				}
			}
		})
	}
}
