package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestThin: the plugin starts anew for every Pod, so what the daemon needs stays out of it.
func TestThin(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	heavy := []string{"k8s.io/", "sigs.k8s.io/", "google.golang.org/", "go.opentelemetry.io/", "net/http", "crypto/tls"}
	for path := range strings.Lines(string(out)) {
		if slices.ContainsFunc(heavy, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			t.Errorf("the plugin imports %s", path)
		}
	}
}
