package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestThin: the plugins start anew for every Pod, so what the daemons need stays out of them.
func TestThin(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".", "../whereabouts").Output()
	if err != nil {
		t.Fatal(err)
	}
	heavy := []string{"k8s.io/", "sigs.k8s.io/", "google.golang.org/", "go.opentelemetry.io/", "net/http", "crypto/", "github.com/antrea-mc/antrea-mc/pkg/openflow"}
	for path := range strings.Lines(string(out)) {
		if slices.ContainsFunc(heavy, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			t.Errorf("a plugin imports %s", path)
		}
	}
}
