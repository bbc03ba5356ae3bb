package plugin

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

const (
	// Name is the plugin's file name on a node: the type in the network configuration.
	Name = "antrea"
	// ownedFile lists the binaries in the directory that were put there by install.
	ownedFile = ".antrea-installed"
	// savedSuffix is appended to the name of a binary of the node that was too old and is put back by uninstall.
	savedSuffix = ".before-antrea"
)

// companions are the plugins of the CNI project that the default conflist and containers need beside ours.
var companions = []string{"bandwidth", "loopback", "portmap"}

// RunInstall is the command line of "antrea-cni install" and "antrea-cni uninstall".
func RunInstall(args []string, out io.Writer) error {
	const usage = "usage: antrea-cni install|uninstall [--bin-dir DIR] [--plugins-dir DIR] [--skip NAME,NAME]"
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	binDir := flags.String("bin-dir", "/opt/cni/bin", "directory of the node's CNI plugins")
	pluginsDir := flags.String("plugins-dir", "/opt/cni/bin", "directory with "+strings.Join(companions, ", ")+" to install")
	skip := flags.String("skip", os.Getenv("SKIP_CNI_BINARIES"), "comma-separated plugins that are not to be installed")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; %s", flags.Arg(0), usage)
	}
	switch args[0] {
	case "install":
		self, err := os.Executable()
		if err != nil {
			return err
		}
		return install(self, *pluginsDir, *binDir, strings.Split(*skip, ","), out)
	case "uninstall":
		return uninstall(*binDir, out)
	}
	return fmt.Errorf("unknown command %q; %s", args[0], usage)
}

// install copies self as antrea and the companions from pluginsDir to binDir. A companion that the node already has stays,
// unless it is too old for the default conflist; then it is set aside.
func install(self, pluginsDir, binDir string, skip []string, out io.Writer) error {
	owned, err := readOwned(binDir)
	if err != nil {
		return err
	}
	put := func(name, from string) error {
		if !slices.Contains(owned, name) {
			owned = append(owned, name)
			// The list comes first: a file on the list that is not there does no harm.
			if err := writeFile(filepath.Join(binDir, ownedFile), strings.NewReader(strings.Join(owned, "\n")+"\n"), 0o644); err != nil {
				return err
			}
		}
		src, err := os.Open(from)
		if err != nil {
			return err
		}
		defer src.Close()
		fmt.Fprintf(out, "installing %s\n", filepath.Join(binDir, name))
		return writeFile(filepath.Join(binDir, name), src, 0o755)
	}
	for _, name := range companions {
		target := filepath.Join(binDir, name)
		if slices.Contains(skip, name) {
			continue
		}
		if _, err := os.Stat(target); err == nil && !slices.Contains(owned, name) {
			if speaksNewest(target) {
				fmt.Fprintf(out, "keeping %s of the node\n", target)
				continue
			}
			fmt.Fprintf(out, "setting %s aside: it does not speak CNI %s\n", target, cni.Versions[len(cni.Versions)-1])
			if err := os.Rename(target, target+savedSuffix); err != nil {
				return err
			}
		}
		if err := put(name, filepath.Join(pluginsDir, name)); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	if slices.Contains(skip, Name) {
		return nil
	}
	if err := put(Name, self); err != nil {
		return fmt.Errorf("install %s: %w", Name, err)
	}
	return nil
}

// uninstall leaves binDir as install found it.
func uninstall(binDir string, out io.Writer) error {
	owned, err := readOwned(binDir)
	if err != nil {
		return err
	}
	for _, name := range owned {
		target := filepath.Join(binDir, name)
		fmt.Fprintf(out, "removing %s\n", target)
		if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := os.Rename(target+savedSuffix, target); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(filepath.Join(binDir, ownedFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func readOwned(binDir string) ([]string, error) {
	content, err := os.ReadFile(filepath.Join(binDir, ownedFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// Names are joined to a path that is removed later: take only those that install writes.
	return slices.DeleteFunc(strings.Fields(string(content)), func(name string) bool {
		return name != Name && !slices.Contains(companions, name)
	}), nil
}

// writeFile replaces path at once, so that no runtime executes half a file or finds it busy.
func writeFile(path string, content io.Reader, mode fs.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = io.Copy(f, content); err != nil {
		f.Close()
		return err
	}
	if err = errors.Join(f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// speaksNewest reports whether the plugin at path answers the newest version that the default conflist offers.
func speaksNewest(path string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = []string{"CNI_COMMAND=VERSION"}
	cmd.Stdin = bytes.NewReader([]byte(`{"cniVersion":"1.0.0"}`))
	out, err := cmd.Output()
	if err != nil {
		return false
	}
	info, err := (&version.PluginDecoder{}).Decode(out)
	return err == nil && slices.Contains(info.SupportedVersions(), cni.Versions[len(cni.Versions)-1])
}
