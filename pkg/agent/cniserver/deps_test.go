package cniserver

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependencies keeps Kubernetes out of this package, and everything that is not needed out of the plugin, which starts anew
// for each call.
func TestDependencies(t *testing.T) {
	for _, tt := range []struct {
		pkg       string
		forbidden []string
	}{
		{"github.com/antrea-mc/antrea-mc/pkg/agent/cniserver", []string{"k8s.io/client-go", "k8s.io/api", "sigs.k8s.io/controller-runtime"}},
		{"github.com/antrea-mc/antrea-mc/cmd/antrea-cni", []string{"k8s.io", "net/http", "github.com/vishvananda/netlink", "go.opentelemetry.io"}},
		{"github.com/antrea-mc/antrea-mc/pkg/ipam", []string{"k8s.io", "github.com"}},
	} {
		out, err := exec.Command("go", "list", "-deps", tt.pkg).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", tt.pkg, err)
		}
		for dep := range strings.FieldsSeq(string(out)) {
			for _, f := range tt.forbidden {
				if dep != tt.pkg && (dep == f || strings.HasPrefix(dep, f+"/")) {
					t.Errorf("%s depends on %s", tt.pkg, dep)
				}
			}
		}
	}
}
