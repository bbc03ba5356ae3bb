package lab

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/antrea-mc/antrea-mc/pkg/ociimage"
)

// toolboxPackages are what a Pod of the lab has at hand, beside agnhost and probe.
var toolboxPackages = []string{
	"bash", "bind9-dnsutils", "curl", "ethtool", "iperf3", "iproute2", "iputils-ping", "netcat-openbsd", "procps", "tcpdump", "util-linux", "wget",
}

// suite is the Debian release of images.
const suite = "bookworm"

// image is one of the lab's own images: its recipe is known before it is made, so that the recipe's sum can name the file.
type image struct {
	name    string
	aliases []string // other names of it
	config  ocispec.ImageConfig
	recipe  []string // what it depends on beside the binaries
	layers  func(ctx context.Context, tmp string) ([]ociimage.Layer, error)
}

// Images returns the archives of the lab's own images.
func (b *Builder) Images(ctx context.Context, bin string) ([]string, error) {
	file := func(path, source string) ociimage.File {
		return ociimage.File{Path: path, Source: filepath.Join(bin, source)}
	}
	fixed := func(l ...ociimage.File) func(context.Context, string) ([]ociimage.Layer, error) {
		return func(context.Context, string) ([]ociimage.Layer, error) {
			return []ociimage.Layer{ociimage.FilesLayer(l...)}, nil
		}
	}
	probe, err := b.probeSources()
	if err != nil {
		return nil, err
	}
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	images := []image{
		{name: ImagePause, config: ocispec.ImageConfig{Entrypoint: []string{"/pause"}}, layers: fixed(file("/pause", "pause"))},
		{name: ImageCoreDNS, config: ocispec.ImageConfig{Entrypoint: []string{"/coredns"}}, layers: fixed(file("/coredns", "coredns"))},
		{
			name: ImageToolbox, config: ocispec.ImageConfig{Cmd: []string{"agnhost", "pause"}, Env: env},
			recipe: append(slices.Clone(toolboxPackages), probe),
			layers: func(ctx context.Context, tmp string) ([]ociimage.Layer, error) {
				root, err := b.rootfs(ctx)
				if err != nil {
					return nil, err
				}
				program := filepath.Join(tmp, "probe")
				if err := goTool(ctx, b.Source, "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./test/probe"); err != nil {
					return nil, err
				}
				return []ociimage.Layer{ociimage.TarLayer(root), ociimage.FilesLayer(
					file("/usr/local/bin/agnhost", "agnhost"), ociimage.File{Path: "/usr/local/bin/probe", Source: program},
				)}, nil
			},
		},
	}
	var files []string
	for _, img := range images {
		f, err := b.image(ctx, bin, img)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", img.name, err)
		}
		files = append(files, f)
	}
	return files, nil
}

// image makes the archive of one image.
func (b *Builder) image(ctx context.Context, bin string, img image) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, filepath.Base(bin), img.name, img.config, img.recipe)
	short, _, _ := strings.Cut(filepath.Base(img.name), ":")
	target := filepath.Join(b.Cache.Dir, "images", fmt.Sprintf("%s-%x.tar", short, sum.Sum(nil)[:6]))
	return target, b.once(target, func(made string) error {
		b.Progress.Say("making image %s", img.name)
		layers, err := img.layers(ctx, filepath.Dir(made))
		if err != nil {
			return err
		}
		return ociimage.WriteFile(made, ociimage.Image{Names: append([]string{img.name}, img.aliases...), Arch: runtime.GOARCH, Layers: layers, Config: img.config})
	})
}

// rootfs makes the toolbox's root file system from Debian packages.
func (b *Builder) rootfs(ctx context.Context) (string, error) {
	packages := strings.Join(toolboxPackages, ",")
	sum := sha256.Sum256([]byte(packages))
	target := filepath.Join(b.Cache.Dir, "rootfs", fmt.Sprintf("toolbox-%s-%s-%x.tar", suite, runtime.GOARCH, sum[:6]))
	return target, b.once(target, func(made string) error {
		b.Progress.Say("installing Debian packages for %s (once, a minute or two)", ImageToolbox)
		args := []string{"--variant=essential", "--include=" + packages}
		for _, dir := range []string{"doc", "man", "locale", "info"} {
			args = append(args, "--dpkgopt=path-exclude=/usr/share/"+dir+"/*")
		}
		return run(exec.CommandContext(ctx, "mmdebstrap", append(args, suite, made)...))
	})
}

// probeSources is the sum of the sources of test/probe.
func (b *Builder) probeSources() (string, error) {
	files, err := filepath.Glob(filepath.Join(b.Source, "test", "probe", "*.go"))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if err := hashFiles(sum, files...); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

// fileSum is the sum of a file's content.
func fileSum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
