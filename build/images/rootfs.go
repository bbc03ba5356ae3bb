package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const suite = "bookworm"

// packages are what the agent image needs of Debian beside the essential ones: the switch, ip for people who look around
// in it, nft for knftables, modprobe for the kernel datapath.
var packages = []string{"openvswitch-switch", "iproute2", "nftables", "kmod"}

// unwanted are files that nobody reads in a container.
var unwanted = []string{"/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*"}

// debianRootfs returns the tar of a root file system, made by mmdebstrap once for each list of packages.
func debianRootfs(ctx context.Context, cache, arch string) (string, error) {
	args := []string{"--variant=essential", "--architectures=" + arch, "--include=" + strings.Join(packages, ",")}
	for _, path := range unwanted {
		args = append(args, "--dpkgopt=path-exclude="+path)
	}
	args = append(args, suite)
	sum := sha256.Sum256([]byte(strings.Join(args, "\n")))
	name := filepath.Join(cache, fmt.Sprintf("agent-rootfs-%x.tar", sum[:6]))
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	fmt.Printf("%s: Debian %s with %s\n", name, suite, strings.Join(packages, ", "))
	unfinished := filepath.Join(cache, fmt.Sprintf(".%d-%s", os.Getpid(), filepath.Base(name)))
	defer os.Remove(unfinished) // fails once it was renamed
	cmd := exec.CommandContext(ctx, "mmdebstrap", append(args, unfinished)...)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("mmdebstrap %s: %w: is it installed, and is there a Debian mirror?\n%s", strings.Join(args, " "), err, out)
	}
	return name, os.Rename(unfinished, name)
}
