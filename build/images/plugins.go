package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// pluginPackages are the CNI plugins of build/cni-plugins, whose go.mod pins them.
var pluginPackages = []string{
	"github.com/containernetworking/plugins/plugins/main/loopback",
	"github.com/containernetworking/plugins/plugins/meta/bandwidth",
	"github.com/containernetworking/plugins/plugins/meta/portmap",
}

// buildPlugins builds the CNI plugins into dir and returns their files; Go's build cache makes a second time quick.
func buildPlugins(ctx context.Context, dir, arch string) ([]string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", dir + "/"}, pluginPackages...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = "build/cni-plugins"
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build CNI plugins: %w\n%s", err, out)
	}
	var files []string
	for _, p := range pluginPackages {
		files = append(files, filepath.Join(dir, path.Base(p)))
	}
	return files, nil
}
