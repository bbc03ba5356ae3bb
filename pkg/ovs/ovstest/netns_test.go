package ovstest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestRealNetNS(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for a network namespace")
	}
	Require(t)
	name := fmt.Sprintf("ovstest-%d", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
		t.Skipf("cannot make a network namespace: %s", out)
	}
	defer func() { _ = exec.Command("ip", "netns", "del", name).Run() }()
	t.Run("switch", func(t *testing.T) {
		s := Start(t, Config{NetNS: "/var/run/netns/" + name})
		s.AddBridge("br-int")
		s.Vsctl("add-port", "br-int", "gw0", "--", "set", "Interface", "gw0", "type=internal")
		if out := s.Run("ip", "link", "show", "gw0"); !strings.Contains(out, "gw0") {
			t.Errorf("device of the internal port: %s", out)
		}
	})
}
