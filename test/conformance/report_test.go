package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const report = `[{"SpecReports": [
	{"LeafNodeType": "SynchronizedBeforeSuite", "State": "passed"},
	{"ContainerHierarchyTexts": ["[sig-network] Services"], "LeafNodeType": "It", "LeafNodeText": "should serve", "State": "passed"},
	{"ContainerHierarchyTexts": ["[sig-network] Services"], "LeafNodeType": "It", "LeafNodeText": "should hairpin", "State": "failed", "RunTime": 5000000000, "Failure": {"Message": "timed out\nand more"}},
	{"ContainerHierarchyTexts": ["[sig-network] Services"], "LeafNodeType": "It", "LeafNodeText": "should do SCTP", "State": "skipped"},
	{"ContainerHierarchyTexts": ["[sig-network] Proxy"], "LeafNodeType": "It", "LeafNodeText": "should skip itself", "State": "skipped", "Failure": {"Message": "needs a zone"}},
	{"ContainerHierarchyTexts": ["[sig-node] Pods"], "LeafNodeType": "It", "LeafNodeText": "should run", "State": "skipped"}
]}]`

func TestSummary(t *testing.T) {
	specs, err := readReport([]byte(report))
	if err != nil {
		t.Fatal(err)
	}
	skips := []Skip{
		{Match: "SCTP", Why: "no SCTP", expr: regexp.MustCompile("SCTP")},
		{Match: "cloud", Why: "no cloud", expr: regexp.MustCompile("cloud")},
	}
	s := summarize(specs, regexp.MustCompile(`\[sig-network\]`), skips, true)
	var out strings.Builder
	s.print(&out)
	want := `FAIL  [sig-network] Services should hairpin (5s)
      timed out
?     not run, and not listed: [sig-network] Proxy should skip itself: needs a zone
?     listed as not run, and there is none: cloud
skipped   1  no SCTP
=== 1 passed, 1 failed, 1 skipped
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if s.good() {
		t.Error("a failure is good")
	}
	if s := summarize(specs[:2], regexp.MustCompile(`\[sig-network\]`), skips[:1], false); !s.good() {
		t.Errorf("%+v is not good", s)
	}
	if s := summarize(nil, regexp.MustCompile("."), nil, false); s.good() {
		t.Error("nothing at all is good")
	}
	specs[0].State = "failed"
	if s := summarize(specs[:2], regexp.MustCompile("."), nil, false); s.good() {
		t.Error("what comes before all specs may fail")
	}
}

// The list of the repository can be read, and every entry says why.
func TestSkips(t *testing.T) {
	skips, err := readSkips("skipped.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range skips {
		if s.Match == "" || s.Why == "" {
			t.Errorf("%+v", s)
		}
	}
}
