package daemon

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	j, err := openJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := record{
		ContainerID: "c1", NetNS: "/run/netns/x", Boot: "b", Pod: podID{"demo", "web", "u"}, Args: [][2]string{{"K", "V"}}, Path: []string{"/opt/cni/bin"}, State: done,
		Attachments: []attached{{Attachment: netplan.Attachment{
			Network: "demo/n", IfName: "net1", List: netplan.List{Name: "n", CNIVersion: "1.0.0", Plugins: []json.RawMessage{json.RawMessage(`{"type":"a"}`)}},
		}, Begun: true, Result: json.RawMessage(`{}`)}},
	}
	for _, id := range []string{"c1", "c2", "c3", "c4"} {
		r := want
		r.ContainerID = id
		if err := j.put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.remove("c4"); err != nil {
		t.Fatal(err)
	}
	change(t, filepath.Join(dir, "c2"), func(text string) string { return strings.Replace(text, "net1", "net2", 1) })
	change(t, filepath.Join(dir, "c3"), func(text string) string { return text[:len(text)/2] })
	change(t, filepath.Join(dir, ".tmp"), func(string) string { return "half" })

	again, err := openJournal(dir)
	if again == nil || err == nil || !strings.Contains(err.Error(), "c2 is set aside: its checksum is") || !strings.Contains(err.Error(), "c3 is set aside") {
		t.Fatalf("opened %v, %v", again, err)
	}
	if again.whole {
		t.Error("the journal says that it is whole")
	}
	if diff := cmp.Diff([]record{want}, again.all(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, there := range map[string]bool{"c1": true, "c2": false, "c2.damaged": true, "c3.damaged": true, "c4": false, ".tmp": false} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != there {
			t.Errorf("%s: %v", name, err)
		}
	}
	if third, err := openJournal(dir); err != nil || third.whole {
		t.Errorf("whole %v, %v: what was set aside is still missing", third.whole, err)
	}
}

func change(t *testing.T, file string, f func(string) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(f(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}
