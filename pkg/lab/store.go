package lab

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Store is a containerd root with images in it, from which nodes get theirs as hard links: no import and no disk space
// per node. containerd only ever replaces its blobs and lower layers, so the links are safe; its two databases are not,
// and are copied.
type Store struct{ dir string }

// databases are the files of a containerd root that are written in place.
var databases = []string{"io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs/metadata.db"}

// Store returns an image store with the lab's own images and those of the given archives.
func (b *Builder) Store(ctx context.Context, own, extra []string) (Store, error) {
	sum := sha256.New()
	for _, f := range own {
		fmt.Fprintln(sum, filepath.Base(f))
	}
	base := Store{filepath.Join(b.Cache.Dir, "store", fmt.Sprintf("base-%x", sum.Sum(nil)[:6]))}
	err := b.once(base.dir, func(tmp string) error {
		b.Progress.Say("importing the lab's images (once)")
		if err := os.Mkdir(tmp, 0o755); err != nil {
			return err
		}
		return Store{tmp}.importArchives(ctx, own)
	})
	if err != nil || len(extra) == 0 {
		return base, err
	}
	for _, f := range extra {
		s, err := fileSum(f)
		if err != nil {
			return base, err
		}
		fmt.Fprintln(sum, s)
	}
	full := Store{filepath.Join(b.Cache.Dir, "store", fmt.Sprintf("full-%x", sum.Sum(nil)[:6]))}
	err = b.once(full.dir, func(tmp string) error {
		b.Progress.Say("importing %d images (once, until they change)", len(extra))
		if err := base.Clone(ctx, tmp); err != nil {
			return err
		}
		return Store{tmp}.importArchives(ctx, extra)
	})
	return full, err
}

// Clone makes a containerd root with the store's images at dir, which must not exist.
func (s Store) Clone(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := run(exec.CommandContext(ctx, "cp", "--archive", "--link", s.dir, dir)); err != nil {
		return err
	}
	for _, name := range databases {
		to := filepath.Join(dir, name)
		if err := os.Remove(to); err != nil {
			return err
		}
		if err := run(exec.CommandContext(ctx, "cp", "--archive", filepath.Join(s.dir, name), to)); err != nil {
			return err
		}
	}
	return nil
}

// storeConfig keeps containerd to the store and to a folder for its state.
const storeConfig = `version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = %q
[plugins."io.containerd.internal.v1.opt"]
  path = %q
`

// importArchives runs a containerd on the store, in mount and PID namespaces of its own, and imports archives.
func (s Store) importArchives(ctx context.Context, archives []string) (err error) {
	state, err := os.MkdirTemp("", "antrea-lab-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	config := filepath.Join(state, "containerd.toml")
	socket := filepath.Join(state, "containerd.sock")
	logFile := filepath.Join(state, "containerd.log")
	text := fmt.Sprintf(storeConfig, s.dir, state, socket, filepath.Join(state, "opt"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, svcContainerd, "-c", config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Cloneflags: syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig is about the thread that starts it
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start containerd: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		if _, err := os.Stat(socket); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		select {
		case err := <-ended:
			return &ComponentError{Component: "containerd of the image store", What: fmt.Sprintf("ended: %v", err), Log: logFile}
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, a := range archives {
		ctr := exec.CommandContext(ctx, "ctr", "--address", socket, "--namespace", "k8s.io", "images", "import", a)
		if failed := run(ctr); failed != nil {
			err = errors.Join(err, fmt.Errorf("import %s: %w", filepath.Base(a), failed))
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if exit := <-ended; exit != nil { // it may not have written its databases
		err = errors.Join(err, fmt.Errorf("containerd of the image store: %w", exit))
	}
	return err
}

// imageFiles resolves the patterns of a description. A pattern that matches nothing is reported, not an error: a lab
// without the project's images is a lab without a CNI.
func imageFiles(patterns []string, progress *Progress) ([]string, error) {
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil {
			return nil, fmt.Errorf("images: %s: %w", p, err)
		}
		if len(found) == 0 {
			progress.Say("no image matches %s: make it, then antrea-lab load-image", p)
		}
		files = append(files, found...)
	}
	slices.SortFunc(files, strings.Compare)
	return slices.Compact(files), nil
}
