package plugin

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// files is a directory as "name: content" lines.
func files(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(string(content)), " ")
		if i := strings.LastIndex(text, "#"); i >= 0 {
			text = text[i+1:]
		}
		lines = append(lines, e.Name()+": "+text)
	}
	return strings.Join(lines, "\n")
}

// fakePlugin is a script that answers VERSION; the text after the last # tells it from others.
func fakePlugin(name string, versions string) string {
	return fmt.Sprintf("#!/bin/sh\necho '{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[%s]}'\n#%s", versions, name)
}

func TestInstall(t *testing.T) {
	const newest = `"1.0.0","1.1.0"`
	image, node := t.TempDir(), t.TempDir()
	write := func(dir, name, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	install := func(skip ...string) {
		t.Helper()
		if err := install(filepath.Join(image, "antrea-cni"), image, node, skip, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	want := func(lines ...string) {
		t.Helper()
		if got := files(t, node); got != strings.Join(lines, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
		}
	}
	for _, name := range []string{"antrea-cni", "bandwidth", "loopback", "portmap"} {
		write(image, name, fakePlugin("image's "+name, newest))
	}
	write(node, "bandwidth", fakePlugin("node's bandwidth", newest))
	write(node, "portmap", fakePlugin("node's portmap", `"1.0.0"`))
	write(node, "ptp", fakePlugin("node's ptp", `"1.0.0"`))

	install("loopback")
	installed := []string{
		".antrea-installed: portmap antrea", "antrea: image's antrea-cni", "bandwidth: node's bandwidth", "portmap: image's portmap",
		"portmap.before-antrea: node's portmap", "ptp: node's ptp",
	}
	want(installed...)
	install("loopback") // an upgrade
	want(installed...)
	install()
	want(".antrea-installed: portmap antrea loopback", "antrea: image's antrea-cni", "bandwidth: node's bandwidth",
		"loopback: image's loopback", "portmap: image's portmap", "portmap.before-antrea: node's portmap", "ptp: node's ptp")

	for range 2 {
		if err := uninstall(node, io.Discard); err != nil {
			t.Fatal(err)
		}
		want("bandwidth: node's bandwidth", "portmap: node's portmap", "ptp: node's ptp")
	}
}

func TestRunInstallErrors(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "usage: antrea-cni install|uninstall"},
		{"remove", `unknown command "remove"`},
		{"install here", `unexpected argument "here"`},
		{"install --bin-dir /nonexistent --plugins-dir /nonexistent", "/nonexistent"},
	} {
		err := RunInstall(strings.Fields(tt.args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: error %v, want %q", tt.args, err, tt.want)
		}
	}
}
