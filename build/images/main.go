// Command images makes the project's container images without a registry or a daemon: archives in the OCI image layout.
//
// It takes the binaries that `make build` left in bin/. contents.go lists what is in each image, rootfs.go makes the
// Debian root file system under the agent and keeps it in the cache, plugins.go builds the CNI plugins that the agent
// brings along.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"github.com/antrea-mc/antrea-mc/pkg/ociimage"
)

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.prefix, "prefix", "antrea-mc", "what stands before the name of each image")
	flag.StringVar(&o.tag, "tag", "latest", "tag of the images")
	flag.StringVar(&o.arch, "arch", runtime.GOARCH, "GOARCH of the binaries")
	flag.StringVar(&o.bin, "bin", "bin", "directory of the binaries")
	flag.StringVar(&o.out, "out", "out/images", "directory of the archives")
	flag.StringVar(&o.cache, "cache", cacheDir(), "directory where root file systems are kept")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		log.Fatalf("images: %v", err)
	}
}

type options struct {
	prefix, tag, arch, bin, out, cache string
}

func run(ctx context.Context, o options) error {
	rootfs, err := debianRootfs(ctx, o.cache, o.arch)
	if err != nil {
		return err
	}
	plugins, err := buildPlugins(ctx, filepath.Join(o.cache, "cni-plugins-"+o.arch), o.arch)
	if err != nil {
		return err
	}
	for name, img := range contents(o.bin, rootfs, plugins) {
		img.Names = []string{o.prefix + "/" + name + ":" + o.tag}
		img.Arch = o.arch
		archive := filepath.Join(o.out, name+".tar")
		if err := ociimage.WriteFile(archive, img); err != nil {
			return fmt.Errorf("%w: has `make build` been run?", err)
		}
		fmt.Printf("%s: %s\n", archive, img.Names[0])
	}
	return nil
}

// cacheDir is where everything is kept that is worth keeping between builds, outside the tree.
func cacheDir() string {
	if dir := os.Getenv("ANTREA_MC_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "antrea-mc")
}
