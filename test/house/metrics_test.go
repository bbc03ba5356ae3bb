package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// metric is a name as it stands in the code.
var metric = regexp.MustCompile(`"(antrea_[a-z0-9_]+)"`)

// antreas are names that count what Antrea's metric of that name counts, so dashboards go on working.
var antreas = []string{
	"antrea_agent_local_pod_count", "antrea_agent_ovs_flow_count", "antrea_agent_ovs_flow_ops_count",
	"antrea_agent_ovs_flow_ops_error_count", "antrea_agent_ovs_flow_ops_latency_milliseconds", "antrea_agent_ovs_total_flow_count",
	"antrea_agent_networkpolicy_count", "antrea_agent_ingress_networkpolicy_rule_count", "antrea_agent_egress_networkpolicy_rule_count",
}

// units are what a new name may end in: a counter's, or what a gauge or histogram measures or counts; _up is 1 or 0.
var units = []string{"_total", "_seconds", "_bytes", "_ratio", "_flows", "_gateways", "_clusters", "_sessions", "_addresses", "_attachments", "_sandboxes", "_up"}

func TestMetricNames(t *testing.T) {
	found := 0
	walk := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range metric.FindAllStringSubmatch(string(text), -1) {
			found++
			name := m[1]
			if !slices.Contains(antreas, name) && !slices.ContainsFunc(units, func(unit string) bool { return strings.HasSuffix(name, unit) }) {
				t.Errorf("%s: metric %s is not one of Antrea's and ends in none of %v", path, name, units)
			}
		}
		return nil
	}
	for _, folder := range []string{"pkg", "plugins"} {
		if err := filepath.WalkDir(filepath.Join(root, folder), walk); err != nil {
			t.Fatal(err)
		}
	}
	if found == 0 {
		t.Error("no metric found: does this test still know how they are written?")
	}
}
