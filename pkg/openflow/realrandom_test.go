package openflow_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// TestRealRandom prints random flows, has ovs-ofctl read and add them, and wants the switch to hold the same flows, and
// ovs-ofctl to print the same text of them.
func TestRealRandom(t *testing.T) {
	const flows = 2000
	s := realSwitch(t, "br-int")
	oxm := *openflow.TunnelOf4
	oxm.OpenFlow15 = true
	want := make(map[uint16]openflow.Flow)
	var text strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for i := range flows {
		f := openflow.RandomFlow(r, uint16(i+1))
		if err := f.Match.Check(); err != nil {
			t.Errorf("%s: %v", f, err)
		}
		line := string(oxm.AppendFlow(nil, f))
		if again, err := oxm.ParseFlow(line); err != nil || again != f {
			t.Errorf("%s\nparsed %s: %v", line, oxm.AppendFlow(nil, again), err)
		}
		want[f.Priority] = f
		text.WriteString(line + "\n")
	}
	path := filepath.Join(t.TempDir(), "flows")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Ofctl("-O OpenFlow15 --bundle add-flows", "br-int", path)
	same(t, want, dumpAll(t, dial(t, s, "br-int")))
	lines := dumpText(s, "OpenFlow15", "br-int")
	for priority, f := range want {
		_, ours, _ := strings.Cut(string(oxm.AppendFlow(nil, f)), "priority=")
		if theirs := lines[fmt.Sprint(priority)]; ours != theirs {
			t.Errorf("ours   %s\ntheirs %s", ours, theirs)
		}
	}
}
