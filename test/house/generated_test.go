package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What controller-gen makes of pkg/apis is committed as it made it.
func TestGeneratedIsCurrent(t *testing.T) {
	for _, generated := range []struct{ name, pattern, generator string }{
		{"CRDs", "build/crds/*.yaml", "crd:generateEmbeddedObjectMeta=false"},
		{"deepcopy of crd", "pkg/apis/crd/v1alpha1/zz_generated.*.go", "object"},
		{"deepcopy of whereabouts", "pkg/apis/whereabouts/v1alpha1/zz_generated.*.go", "object"},
		{"deepcopy of v1alpha1", "pkg/apis/multicluster/v1alpha1/zz_generated.*.go", "object"},
		{"deepcopy of v1alpha2", "pkg/apis/multicluster/v1alpha2/zz_generated.*.go", "object"},
	} {
		t.Run(generated.name, func(t *testing.T) {
			committed, err := filepath.Glob(filepath.Join(root, generated.pattern))
			if err != nil || len(committed) == 0 {
				t.Fatalf("nothing at %s: %v", generated.pattern, err)
			}
			paths := "./pkg/apis/crd/...;./pkg/apis/multicluster/...;./pkg/apis/whereabouts/..."
			if generated.generator == "object" {
				paths = "./" + filepath.Dir(generated.pattern)
			}
			dir := t.TempDir()
			cmd := exec.Command("go", "tool", "-modfile=tools/go.mod", "controller-gen", generated.generator, "paths="+paths, "output:dir="+dir)
			cmd.Dir = root
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("controller-gen: %v: %s", err, out)
			}
			fresh, err := os.ReadDir(dir)
			if err != nil || len(fresh) != len(committed) {
				t.Errorf("%d files are generated, %d committed: run make generate (%v)", len(fresh), len(committed), err)
			}
			for _, file := range committed {
				want, err := os.ReadFile(filepath.Join(dir, filepath.Base(file)))
				if err != nil {
					t.Errorf("%s is not generated any more: run make generate", file)
					continue
				}
				if have, err := os.ReadFile(file); err != nil || string(have) != string(want) {
					t.Errorf("%s is not current: run make generate (%v)", file, err)
				}
			}
		})
	}
}
