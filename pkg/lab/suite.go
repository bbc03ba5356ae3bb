package lab

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/antrea-mc/antrea-mc/pkg/ociimage"
)

// Suite is Kubernetes' own end-to-end tests.
type Suite struct {
	Program string   // e2e.test
	Ginkgo  string   // runs several of it at a time
	Images  []string // archives of what its network tests run
}

// suiteModule is the Go module that names the suite's version.
const suiteModule = "test/conformance/k8s"

// Suite builds the suite and its images, once. bin is the folder of Kubernetes' programs.
func (b *Builder) Suite(ctx context.Context, bin string) (Suite, error) {
	source := filepath.Join(b.Source, suiteModule)
	version, err := requiredVersion(source, "k8s.io/kubernetes")
	if err != nil {
		return Suite{}, err
	}
	sum := sha256.New()
	if err := hashFiles(sum, filepath.Join(source, "go.mod"), filepath.Join(source, "go.sum")); err != nil {
		return Suite{}, err
	}
	dir := filepath.Join(b.Cache.Dir, "bin", fmt.Sprintf("e2e-%s-%s-%x", version, runtime.GOARCH, sum.Sum(nil)[:4]))
	s := Suite{Program: filepath.Join(dir, "e2e.test"), Ginkgo: filepath.Join(dir, "ginkgo")}
	err = b.once(dir, func(tmp string) error {
		b.Progress.Say("building the end-to-end tests of Kubernetes %s (once, some minutes)", version)
		flags := []string{"-trimpath", "-ldflags", kubernetesFlags(version), "-o"}
		test := append(append([]string{"test", "-c", "-vet=off"}, flags...), filepath.Join(tmp, "e2e.test"), "k8s.io/kubernetes/test/e2e")
		if err := goTool(ctx, source, test...); err != nil {
			return err
		}
		return goTool(ctx, source, append(append([]string{"build"}, flags...), filepath.Join(tmp, "ginkgo"), "github.com/onsi/ginkgo/v2/ginkgo")...)
	})
	if err != nil {
		return s, err
	}
	s.Images, err = b.suiteImages(ctx, source, bin, s)
	return s, err
}

// regression is a program of the suite that sends segments which are out of a TCP connection's window.
const regression = "regression-issue-74839"

// suiteImages makes stand-ins for the images that the suite's network tests run. Most are agnhost or a shell with the usual
// tools, which the toolbox has.
func (b *Builder) suiteImages(ctx context.Context, source, bin string, s Suite) ([]string, error) {
	names, err := suiteImageNames(ctx, s)
	if err != nil {
		return nil, err
	}
	kubernetes, err := moduleDir(ctx, source, "k8s.io/kubernetes")
	if err != nil {
		return nil, err
	}
	root, err := b.rootfs(ctx)
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	tools := func(files ...ociimage.File) func(context.Context, string) ([]ociimage.Layer, error) {
		return func(context.Context, string) ([]ociimage.Layer, error) {
			return []ociimage.Layer{ociimage.TarLayer(root), ociimage.FilesLayer(files...)}, nil
		}
	}
	agnhost := ociimage.File{Path: "/agnhost", Source: filepath.Join(bin, "agnhost")}
	// Its server of many ports shows this certificate; some tests run a DNS server from this image.
	porter := filepath.Join(kubernetes, "test/images/agnhost/porter")
	certificate := ociimage.File{Path: "/localhost.crt", Source: filepath.Join(porter, "localhost.crt")}
	coredns := ociimage.File{Path: "/coredns", Source: filepath.Join(bin, "coredns")}
	key := ociimage.File{Path: "/localhost.key", Source: filepath.Join(porter, "localhost.key")}
	images := []image{
		{
			name: names["agnhost"][0], aliases: append(names["agnhost"][1:], names["glibc-dns-testing"]...),
			config: ocispec.ImageConfig{Entrypoint: []string{"/agnhost"}, Cmd: []string{"pause"}, Env: env},
			layers: tools(agnhost, coredns, certificate, key, ociimage.File{Path: "/uploads/.keep", Data: []byte{}}),
			recipe: []string{"certificate", "coredns"},
		},
		{
			name: names["busybox"][0], aliases: append(names["busybox"][1:], names["nginx"]...),
			config: ocispec.ImageConfig{Cmd: []string{"/agnhost", "pause"}, Env: env}, layers: tools(agnhost),
		},
		{
			name: names[regression][0], config: ocispec.ImageConfig{Entrypoint: []string{"/" + regression}},
			layers: func(ctx context.Context, dir string) ([]ociimage.Layer, error) {
				program := filepath.Join(dir, regression)
				err := goTool(ctx, source, "build", "-trimpath", "-o", program, "k8s.io/kubernetes/test/images/"+regression)
				return []ociimage.Layer{ociimage.FilesLayer(ociimage.File{Path: "/" + regression, Source: program})}, err
			},
		},
		{
			name: names["pause"][0], config: ocispec.ImageConfig{Entrypoint: []string{"/pause"}},
			layers: func(context.Context, string) ([]ociimage.Layer, error) {
				return []ociimage.Layer{ociimage.FilesLayer(ociimage.File{Path: "/pause", Source: filepath.Join(bin, "pause")})}, nil
			},
		},
	}
	var files []string
	for _, img := range images {
		img.recipe = append(append(img.recipe, filepath.Base(root)), img.aliases...)
		f, err := b.image(ctx, bin, img)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", img.name, err)
		}
		files = append(files, f)
	}
	return files, nil
}

// moduleDir is the folder of a module that the one in dir requires.
func moduleDir(ctx context.Context, dir, path string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", path)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("folder of module %s: %w", path, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// suiteImageNames are the images that the suite wants of those that have stand-ins, by the last part of their names and in order.
func suiteImageNames(ctx context.Context, s Suite) (map[string][]string, error) {
	cmd := exec.CommandContext(ctx, s.Program, "--list-images")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("images of the end-to-end tests: %w", err)
	}
	names := map[string][]string{"agnhost": nil, "glibc-dns-testing": nil, "busybox": nil, "nginx": nil, "pause": nil, regression: nil}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		name := strings.TrimSpace(lines.Text())
		short, _, _ := strings.Cut(filepath.Base(name), ":")
		if _, wanted := names[short]; wanted && strings.HasPrefix(name, "registry.k8s.io/") {
			names[short] = append(names[short], name)
		}
	}
	for short, found := range names {
		if len(found) == 0 {
			return nil, fmt.Errorf("the end-to-end tests do not name an image %s", short)
		}
		slices.Sort(found) // the program names them in any order
	}
	return names, nil
}
