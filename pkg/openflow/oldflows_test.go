package openflow

import (
	"os"
	"testing"
)

// TestOldFlows prints dumps of older versions. That the text is that of ovs-ofctl is what TestRealOldText checks.
func TestOldFlows(t *testing.T) {
	const golden = "testdata/old.text"
	var got string
	for _, line := range flowLines(t, "testdata/old.hex") {
		text, err := FormatMessage(unhexed(line))
		if err != nil {
			t.Fatal(err)
		}
		got += text
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || got != string(want) {
		t.Errorf("not as in %s; -update rewrites it:\n%s%v", golden, got, err)
	}
}

// TestOldActionsAreBounded: hostile nesting is an error, not a copy of every level.
func TestOldActionsAreBounded(t *testing.T) {
	var deep []byte
	for len(deep) < 60000 {
		deep = append(beginNicira(make([]byte, 0, 16), nxClone), append(make([]byte, 6), deep...)...)
		deep[2], deep[3] = byte(len(deep)>>8), byte(len(deep))
	}
	for _, version := range []uint8{Version10, Version13} {
		if _, err := (oldActions{version: version}).list(deep, 0); err == nil {
			t.Errorf("version %d takes actions %d levels deep", version, len(deep)/16)
		}
	}
}
