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
		{name: "policies of administrators", text: "featureGates: {AdminNetworkPolicy: true}", want: Config{APIPort: 10349, AdminNetworkPolicy: true}},
		{name: "no port", text: "apiPort: 0", err: "apiPort: 0 is not a port"},
		{name: "an unknown key", text: "apiport: 443", err: "apiport: unknown key; did you mean apiPort?"},
		{name: "as Antrea has it", text: "featureGates:\n#  Traceflow: true\napiPort: 10349\nenablePrometheusMetrics: true\nnodeIPAM:\n  enableNodeIPAM: false\n  clusterCIDRs: []\n",
			want: Config{APIPort: 10349}},
		{name: "what is not there", text: "nodeIPAM:\n  enableNodeIPAM: true", err: "nodeIPAM.enableNodeIPAM: true is not implemented, only Antrea's default false"},
		{name: "a gate that is not there", text: "featureGates:\n  Traceflow: false", err: "featureGates.Traceflow: false is not implemented"},
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
