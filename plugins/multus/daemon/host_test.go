package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes files under a root directory.
func tree(t *testing.T, files map[string]string) host {
	t.Helper()
	h := host{root: t.TempDir()}
	for name, text := range files {
		file := filepath.Join(h.root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, file, text)
	}
	return h
}

func TestHostConfigurations(t *testing.T) {
	h := tree(t, map[string]string{
		"etc/a/00-broken.conf": `{`, "etc/a/10-x.conf": `{"name":"x","type":"single"}`, "etc/a/99-x.conflist": `{"name":"x","plugins":[{"type":"listed"}]}`,
		"etc/a/20-y.json": `{"name":"y","type":"json"}`, "etc/b/20-z.conflist": `{"name":"z","plugins":[{"type":"one"}]}`, "etc/b/10-y.conf": `{"name":"y","type":"first"}`,
		"etc/b/z/10-two.conf": `{"type":"two"}`, "run/x.conf": `{"name":"x","type":"run"}`, "etc/c/readme": ``,
	})
	at := func(path string) func() (string, error) {
		return func() (string, error) {
			l, err := h.configAt(path)
			return join(l.Plugins), err
		}
	}
	named := func(dir, name string) func() (string, error) {
		return func() (string, error) {
			l, err := h.configNamed(dir, name)
			return join(l.Plugins), err
		}
	}
	for _, tt := range []struct {
		name string
		find func() (string, error)
		want string
	}{
		{"list before single", named("/etc/a", "x"), `{"type":"listed"}`},
		{"json", named("/etc/a", "y"), `{"name":"y","type":"json"}`},
		{"none", named("/etc/a", "nothing"), `no file of /etc/a has the name "nothing"`},
		{"what could not be read is named", named("/etc/a", "nothing"), "00-broken.conf: network configuration: unexpected end"},
		{"file", at("/etc/a/10-x.conf"), `{"name":"x","type":"single"}`},
		{"first of a directory", at("/etc/b"), `{"name":"y","type":"first"}`},
		{"list that goes on in a directory", at("/etc/b/20-z.conflist"), `{"type":"one"} {"type":"two"}`},
		{"as Multus writes it", at("/host/etc/a/20-y.json"), `{"name":"y","type":"json"}`},
		{"link of the Node", at("/var/run/x.conf"), `{"name":"x","type":"run"}`},
		{"no file", at("/etc/nothing"), "there is no file /etc/nothing"},
		{"empty directory", at("/etc/c"), "directory /etc/c has no configuration"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.find()
			if err != nil {
				got = err.Error()
			}
			if got != tt.want && (err == nil || !strings.Contains(got, tt.want)) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func join[T ~[]byte](texts []T) string {
	var all []string
	for _, t := range texts {
		all = append(all, string(t))
	}
	return strings.Join(all, " ")
}

func TestInstallConfigures(t *testing.T) {
	h := tree(t, map[string]string{"etc/net.d/readme": ""})
	i := Install{ConfDir: "/etc/net.d"}
	if _, err := i.configure(h); err == nil || !strings.Contains(err.Error(), "no default network in /etc/net.d yet") {
		t.Errorf("error %v", err)
	}
	write(t, h.path("/etc/net.d/10-a.conflist"),
		`{"cniVersion":"1.0.0","cniVersions":["0.3.1","1.1.0"],"name":"a","plugins":[{"type":"a"},{"type":"p","capabilities":{"portMappings":true}}]}`)
	const want = `{
  "cniVersion": "1.0.0",
  "cniVersions": [
    "0.3.1",
    "1.1.0"
  ],
  "name": "multus-cni-network",
  "plugins": [
    {
      "capabilities": {
        "portMappings": true
      },
      "clusterNetwork": "/etc/net.d/10-a.conflist",
      "type": "multus"
    }
  ]
}`
	for range 2 { // the second time, its own file is there
		got, err := i.configure(h)
		if err != nil || got != want {
			t.Errorf("%v: %s", err, got)
		}
	}
	write(t, h.path("/etc/net.d/10-a.conflist"), `{"name":"a","type":"multus-shim"}`)
	if _, err := i.configure(h); err == nil || !strings.Contains(err.Error(), "has multus already") {
		t.Errorf("error %v", err)
	}
	if text, err := os.ReadFile(h.path("/etc/net.d/" + confFile)); err != nil || string(text) != want {
		t.Errorf("%v: %s", err, text)
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
