package house

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/antrea-mc/antrea-mc"

// goPackage is what the rules read of a package.
type goPackage struct {
	ImportPath, Dir, Name, Doc string
	GoFiles, Imports           []string
}

// room is the package's folder in the tree, as in "pkg/agent/flows".
func (p goPackage) room() string { return strings.TrimPrefix(p.ImportPath, module+"/") }

// packages are those of this module that have more than tests.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Doc,GoFiles,Imports", module+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

func TestEveryPackageOpensWithAMap(t *testing.T) {
	for _, p := range packages(t) {
		start := "Package " + p.Name + " "
		if p.Name == "main" {
			start = "Command " + path.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(p.Doc, start) {
			t.Errorf("%s: the comment right above `package %s` begins with %.40q, not with %q", p.room(), p.Name, p.Doc, start)
		}
	}
}

// fileName is a Go file that a package comment names.
var fileName = regexp.MustCompile(`[\w/]+\.go\b`)

func TestMapsNameFilesThatExist(t *testing.T) {
	for _, p := range packages(t) {
		for _, name := range fileName.FindAllString(comment(t, p), -1) {
			if _, err := os.Stat(filepath.Join(p.Dir, name)); err != nil {
				t.Errorf("%s: the package comment names %s: %v", p.room(), name, err)
			}
		}
	}
}

// comment is the whole package comment, of which go list tells the first sentence.
func comment(t *testing.T, p goPackage) string {
	t.Helper()
	var text strings.Builder
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(file.Doc.Text())
	}
	return text.String()
}

func TestNamesSayWhatIsInside(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "base"}, path.Base(p.ImportPath)) {
			t.Errorf("%s: a name that fits everything says nothing", p.room())
		}
	}
}

// arrows are the rooms of the house and the other rooms that each may import, by the longest prefix. A room may always import
// itself. One that has no line here may not be imported by any, or import any.
var arrows = map[string][]string{
	// Leaves.
	"pkg/openflow":     {},
	"pkg/apis":         {},
	"pkg/ipam":         {"pkg/apis"},
	"pkg/netplan":      {},
	"pkg/policy":       {},
	"pkg/policywatch":  {"pkg/policy"},
	"pkg/version":      {},
	"pkg/ociimage":     {},
	"pkg/secureserver": {},
	"pkg/antreaconf":   {},
	"build/crds":       {},

	// The switch: what it is to hold never knows how it gets there.
	"pkg/pipeline": {"pkg/openflow"},
	"pkg/proxy":    {"pkg/openflow", "pkg/pipeline"},
	"pkg/ovs":      {"pkg/openflow"},
	"pkg/cni":      {"pkg/openflow"},

	// Daemons and tools.
	"pkg/agent":        {"pkg/antreaconf", "pkg/apis", "pkg/cni", "pkg/ipam", "pkg/openflow", "pkg/ovs", "pkg/pipeline", "pkg/policy", "pkg/policywatch", "pkg/proxy", "pkg/secureserver", "pkg/version"},
	"pkg/controller":   {"pkg/antreaconf", "pkg/apis", "pkg/policy", "pkg/policywatch", "pkg/secureserver", "pkg/version"},
	"pkg/multicluster": {"pkg/apis"},
	"pkg/antctl":       {"build/crds", "build/manifests", "pkg/apis", "pkg/cni", "pkg/ipam", "pkg/multicluster", "pkg/netplan", "pkg/policy", "pkg/version"},
	"pkg/lab":          {"pkg/ociimage"},
	"plugins":          {"pkg/apis", "pkg/cni", "pkg/ipam", "pkg/netplan"},

	// Flags and wiring.
	"cmd":             {"pkg", "plugins"},
	"build/images":    {"pkg/ociimage"},
	"build/manifest":  {"build/manifests", "pkg/antctl"},
	"build/manifests": {"build/crds", "pkg/cni"},
	"test":            {"pkg", "build"},
}

// roomOf is the key of arrows that a folder belongs to.
func roomOf(folder string) string {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, ok := arrows[folder]; ok {
			return folder
		}
	}
	return ""
}

func TestImportsPointOneWay(t *testing.T) {
	for _, p := range packages(t) {
		from := roomOf(p.room())
		if from == "" {
			t.Errorf("%s is in no room of the house: give it a line in arrows", p.room())
			continue
		}
		for _, path := range p.Imports {
			folder, ours := strings.CutPrefix(path, module+"/")
			if !ours || within(folder, from) {
				continue
			}
			if !slices.ContainsFunc(arrows[from], func(to string) bool { return within(folder, to) }) {
				t.Errorf("%s imports %s: %s may only import %v", p.room(), folder, from, arrows[from])
			}
		}
	}
}

func within(folder, room string) bool { return folder == room || strings.HasPrefix(folder, room+"/") }

// The bottom of the house knows nothing of the world above it.
func TestLeavesAreLeaves(t *testing.T) {
	allowed := map[string][]string{
		"pkg/openflow": {},
		"pkg/pipeline": {module},
		"pkg/apis":     {"k8s.io/api/", "k8s.io/apimachinery/"},
	}
	for _, p := range packages(t) {
		prefixes, checked := allowed[roomOf(p.room())]
		if !checked {
			continue
		}
		for _, path := range p.Imports {
			standard := !strings.Contains(strings.SplitN(path, "/", 2)[0], ".")
			same := strings.HasPrefix(path, module+"/"+roomOf(p.room()))
			if !standard && !same && !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
				t.Errorf("%s imports %s", p.room(), path)
			}
		}
	}
}
