package pipeline

import (
	"go/build"
	"slices"
	"testing"
)

// The package is pure: it may know addresses and flows, and nothing that could reach the world.
func TestImports(t *testing.T) {
	allowed := []string{
		"cmp", "crypto/sha256", "encoding/binary", "errors", "fmt", "hash/fnv", "maps", "net/netip", "slices", "strconv",
		"github.com/antrea-mc/antrea-mc/pkg/openflow",
	}
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range pkg.Imports {
		if !slices.Contains(allowed, path) {
			t.Errorf("pipeline imports %s", path)
		}
	}
}
