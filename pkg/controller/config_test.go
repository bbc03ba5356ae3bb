package controller

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadConfig(t *testing.T) {
	tests := []struct {
		name, text string
		want       Config
		err        string
	}{
		{name: "empty", text: "", want: Config{APIPort: 10349}},
		{name: "a port", text: "apiPort: 443", want: Config{APIPort: 443}},
		{name: "no port", text: "apiPort: 0", err: "apiPort is not a port"},
		{name: "an unknown key", text: "apiport: 443\nenablePrometheusMetrics: true", err: `unknown field "enablePrometheusMetrics"`},
	}
	for _, test := range tests {
		file := filepath.Join(t.TempDir(), "antrea-controller.conf")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadConfig(file)
		switch {
		case test.err != "":
			if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), file) {
				t.Errorf("%s: error %v, want %q and the file", test.name, err, test.err)
			}
		case err != nil || got != test.want:
			t.Errorf("%s: %+v, %v; want %+v", test.name, got, err, test.want)
		}
	}
}
