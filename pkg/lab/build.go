package lab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Builder makes what labs are made of and keeps it in the cache: Kubernetes' programs, images and image stores. Whatever
// is in the cache already is not made again.
type Builder struct {
	Cache    Cache
	Source   string // the repository
	Progress *Progress
}

// FindSource finds the repository: the folder with test/lab/go.mod at or above the working directory or the program.
func FindSource() (string, error) {
	var starts []string
	if wd, err := os.Getwd(); err == nil {
		starts = append(starts, wd)
	}
	if exe, err := os.Executable(); err == nil {
		starts = append(starts, filepath.Dir(exe))
	}
	for _, dir := range starts {
		for {
			if _, err := os.Stat(filepath.Join(dir, "test", "lab", "go.mod")); err == nil {
				return dir, nil
			}
			up := filepath.Dir(dir)
			if up == dir {
				break
			}
			dir = up
		}
	}
	return "", errors.New("the versions to build are in test/lab/go.mod of the antrea-mc repository: run antrea-lab inside it, or name it with --source")
}

// module is one of the Go modules below test/lab and what is built from it.
type module struct {
	dir      string            // below the repository
	programs map[string]string // file name by package
	flags    func(version string) string
	versions string // the required module whose version names the result
}

var modules = []module{
	{
		dir: "test/lab", versions: "k8s.io/kubernetes", flags: kubernetesFlags,
		programs: map[string]string{
			"k8s.io/kubernetes/cmd/kube-apiserver":          svcAPI,
			"k8s.io/kubernetes/cmd/kube-controller-manager": svcKCM,
			"k8s.io/kubernetes/cmd/kube-scheduler":          svcScheduler,
			"k8s.io/kubernetes/cmd/kubelet":                 svcKubelet,
			"k8s.io/kubernetes/cmd/kubectl":                 "kubectl",
			"k8s.io/kubernetes/cmd/kube-proxy":              svcProxy,
			"k8s.io/kubernetes/test/images/agnhost":         "agnhost",
			"go.etcd.io/etcd/server/v3":                     svcEtcd,
			"./pause":                                       "pause",
		},
	},
	{
		dir: "test/lab/coredns", versions: "github.com/coredns/coredns", flags: func(string) string { return "-s -w" },
		programs: map[string]string{"github.com/coredns/coredns": "coredns"},
	},
}

// kubernetesFlags are the linker's: without them the programs report version 0.0 and refuse to work together.
func kubernetesFlags(version string) string {
	part := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	flags := "-s -w"
	for _, x := range [][2]string{
		{"gitVersion", version}, {"gitMajor", part[0]}, {"gitMinor", part[1]}, {"gitTreeState", "clean"},
		{"gitCommit", strings.Repeat("0", 40)}, {"buildDate", "2026-01-01T00:00:00Z"},
	} {
		flags += " -X k8s.io/component-base/version." + x[0] + "=" + x[1]
	}
	return flags
}

// Binaries returns the folder of Kubernetes' programs, which is named after their versions.
func (b *Builder) Binaries(ctx context.Context) (string, error) {
	name := ""
	sum := sha256.New()
	versions := map[string]string{}
	for _, m := range modules {
		dir := filepath.Join(b.Source, m.dir)
		version, err := requiredVersion(dir, m.versions)
		if err != nil {
			return "", err
		}
		versions[m.dir] = version
		name += filepath.Base(m.versions) + "-" + version + "-"
		if err := hashFiles(sum, filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum"), filepath.Join(dir, "tools.go")); err != nil {
			return "", err
		}
	}
	if err := hashFiles(sum, filepath.Join(b.Source, "test/lab/pause/main.go")); err != nil {
		return "", err
	}
	dir := filepath.Join(b.Cache.Dir, "bin", fmt.Sprintf("%s%s-%x", name, runtime.GOARCH, sum.Sum(nil)[:4]))
	return dir, b.once(dir, func(tmp string) error {
		start := time.Now()
		for _, m := range modules {
			b.Progress.Say("building %s %s (once, some minutes)", m.versions, versions[m.dir])
			if err := build(ctx, filepath.Join(b.Source, m.dir), tmp, m, versions[m.dir]); err != nil {
				return err
			}
		}
		return writeFile(filepath.Join(tmp, BuildTimeFile), fmt.Appendln(nil, time.Since(start).Round(time.Second)), 0o644)
	})
}

// BuildTimeFile lies beside the programs and tells how long it took to build them.
const BuildTimeFile = "build-time"

// All fills the cache with everything that labs share and returns the folder of Kubernetes' programs.
func (b *Builder) All(ctx context.Context) (string, error) {
	bin, err := b.Binaries(ctx)
	if err != nil {
		return "", err
	}
	images, err := b.Images(ctx, bin)
	if err != nil {
		return "", err
	}
	_, err = b.Store(ctx, images, nil)
	return bin, err
}

// build builds all programs of a module in one go, which shares the work, and gives them their names.
func build(ctx context.Context, dir, out string, m module, version string) error {
	args := []string{"build", "-trimpath", "-ldflags", m.flags(version), "-o", out + "/"}
	for pkg := range m.programs {
		args = append(args, pkg)
	}
	if err := goTool(ctx, dir, args...); err != nil {
		return err
	}
	for pkg, name := range m.programs {
		made := filepath.Base(pkg)
		if strings.HasPrefix(made, "v") { // a major version is no file name
			made = filepath.Base(filepath.Dir(pkg))
		}
		if err := os.Rename(filepath.Join(out, made), filepath.Join(out, name)); err != nil {
			return err
		}
	}
	return nil
}

// goTool runs go without cgo, so that what it builds runs in any image.
func goTool(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	return run(cmd)
}

// run runs a command whose output matters only if it fails.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		if len(out) > tailBytes {
			out = out[len(out)-tailBytes:]
		}
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args[:min(len(cmd.Args), 6)], " "), err, out)
	}
	return nil
}

// requiredVersion reads the version of a module that a go.mod requires.
func requiredVersion(dir, path string) (string, error) {
	file := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(strings.TrimPrefix(line, "require ")); len(f) >= 2 && f[0] == path && f[1] != "=>" {
			return f[1], nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", file, path)
}

// hashFiles adds the content of files to a sum.
func hashFiles(sum io.Writer, files ...string) error {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(sum, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
