package pipeline

import (
	"os"
	"strings"
	"testing"
)

// Operators find every reason for a drop in the documentation.
func TestReasonsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	for f := FeatureUnclassified; f <= FeatureTunnelMAC; f++ {
		if name, ok := featureNames[f]; !ok || !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("reason %s is not in docs/troubleshooting.md, or has no name", f)
		}
	}
}
