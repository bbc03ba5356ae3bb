package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// Install says what the daemon puts on the Node.
type Install struct {
	Plugin  string // the plugin's file in the image
	BinDir  string // where it is copied to; not at all if empty
	ConfDir string // of the runtime, where multus is put before the default network; not at all if empty
}

// names under which configurations know the plugin.
var names = []string{"multus", "multus-shim"}

// confFile sorts before the files of other networks, and the runtime takes the first.
const confFile = "00-multus.conflist"

// confInterval is how often the runtime's directory is looked at for another default network.
const confInterval = time.Second

// run installs the plugin, and writes the runtime's configuration as soon as there is a default network, and again when it changes.
// Nothing is taken away at the end: without multus, Pods would start without their networks.
func (i Install) run(ctx context.Context, h host) error {
	if i.BinDir != "" {
		for _, name := range names {
			if err := i.copyPlugin(name); err != nil {
				return fmt.Errorf("install the plugin: %w", err)
			}
		}
	}
	if i.ConfDir == "" {
		return nil
	}
	last := ""
	for {
		text, err := i.configure(h)
		if now := fmt.Sprint(text, err); now != last {
			last = now
			if err != nil {
				klog.FromContext(ctx).Error(err, "The runtime's configuration stays as it is", "directory", i.ConfDir)
			} else {
				klog.FromContext(ctx).Info("The runtime's configuration is "+confFile, "directory", i.ConfDir, "configuration", text)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(confInterval):
		}
	}
}

// copyPlugin does it at once, so that no runtime executes half a file or finds it busy.
func (i Install) copyPlugin(name string) error {
	src, err := os.Open(i.Plugin)
	if err != nil {
		return err
	}
	defer src.Close()
	f, err := os.CreateTemp(i.BinDir, ".multus.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	_, err = io.Copy(f, src)
	if err := errors.Join(err, f.Chmod(0o755), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(i.BinDir, name))
}

// configure writes the configuration list, if it is another one.
func (i Install) configure(h host) (string, error) {
	files := h.configFiles(i.ConfDir)
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	for _, path := range files {
		if filepath.Base(path) == confFile {
			continue
		}
		list, err := readList(path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		if isMultus(list) {
			return "", fmt.Errorf("%s has multus already: delete it for the daemon to write its own", path)
		}
		text, err := conflist(path, filepath.Join(i.ConfDir, filepath.Base(path)))
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		return string(text), replace(filepath.Join(h.path(i.ConfDir), confFile), text)
	}
	return "", fmt.Errorf("no default network in %s yet", i.ConfDir)
}

func isMultus(list netplan.List) bool {
	for _, text := range list.Plugins {
		if kind, err := pluginType(text); err == nil && slices.Contains(names, kind) {
			return true
		}
	}
	return false
}

// conflist is multus before the default network whose configuration is in a file, with its versions and capabilities.
func conflist(file, onNode string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var versions struct {
		CNIVersion  string   `json:"cniVersion"`
		CNIVersions []string `json:"cniVersions,omitempty"`
	}
	if err := json.Unmarshal(text, &versions); err != nil {
		return nil, err
	}
	list, err := readList(file)
	if err != nil {
		return nil, err
	}
	capabilities := map[string]bool{}
	for _, text := range list.Plugins {
		var p struct {
			Capabilities map[string]bool `json:"capabilities"`
		}
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, err
		}
		for name, ok := range p.Capabilities {
			capabilities[name] = capabilities[name] || ok
		}
	}
	plugin := map[string]any{"type": names[0], "clusterNetwork": onNode}
	if len(capabilities) > 0 {
		plugin["capabilities"] = capabilities
	}
	all := map[string]any{"cniVersion": versions.CNIVersion, "name": "multus-cni-network", "plugins": []any{plugin}}
	if len(versions.CNIVersions) > 0 {
		all["cniVersions"] = versions.CNIVersions
	}
	return json.MarshalIndent(all, "", "  ")
}

// replace writes a file at once, if its content is another one.
func replace(path string, text []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".multus.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	_, err = f.Write(text)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
