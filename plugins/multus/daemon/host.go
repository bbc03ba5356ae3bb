package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containernetworking/cni/libcni"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// host is the Node's files, which are elsewhere in a container.
type host struct{ root string }

// path is where the daemon finds a file of the Node. /var/run is a link to /run, which may be an absolute one.
func (h host) path(name string) string {
	if h.root == "/" {
		return name
	}
	if rest, ok := strings.CutPrefix(name, "/var/run/"); ok {
		name = "/run/" + rest
	}
	return filepath.Join(h.root, name)
}

func (h host) paths(names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = h.path(name)
	}
	return all
}

func (h host) exists(name string) bool {
	_, err := os.Stat(h.path(name))
	return err == nil
}

// errNoConfig says that no file has the network.
var errNoConfig = errors.New("no such network")

// extensions are those of configuration files, lists first.
var extensions = []string{".conflist", ".conf", ".json"}

// configNamed finds the file of a directory whose network has that name: lists first, then by the file's name. Files that cannot
// be read are in the way of none other; they are named if nothing is found.
func (h host) configNamed(dir, name string) (netplan.List, error) {
	var broken []error
	for _, path := range h.configFiles(dir) {
		list, err := readList(path)
		switch {
		case err != nil:
			broken = append(broken, fmt.Errorf("%s: %w", path, err))
		case list.Name == name:
			return list, nil
		}
	}
	return netplan.List{}, errors.Join(append([]error{fmt.Errorf("%w: no file of %s has the name %q", errNoConfig, dir, name)}, broken...)...)
}

func (h host) configFiles(dir string) []string {
	var all []string
	for _, ext := range extensions {
		found, _ := filepath.Glob(filepath.Join(escape(h.path(dir)), "*"+ext)) // the pattern is sound
		slices.Sort(found)
		all = append(all, found...)
	}
	return all
}

// escape keeps the name of a directory from being a pattern.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// configAt is the configuration in a file, or in the first file of a directory.
func (h host) configAt(path string) (netplan.List, error) {
	at := h.path(path)
	if rest, ok := strings.CutPrefix(path, "/host/"); ok && !h.exists(path) {
		at = h.path("/" + rest) // as Multus writes it, whose container has the Node's /etc there
	}
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return netplan.List{}, fmt.Errorf("%w: there is no file %s", errNoConfig, path)
	case err != nil:
		return netplan.List{}, err
	case !info.IsDir():
		return readList(at)
	}
	files := host{root: "/"}.configFiles(at)
	if len(files) == 0 {
		return netplan.List{}, fmt.Errorf("%w: directory %s has no configuration", errNoConfig, path)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return readList(files[0])
}

// readList reads a file. A list may go on in the files of the directory beside it that has its name.
func readList(path string) (netplan.List, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return netplan.List{}, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return netplan.List{}, fmt.Errorf("network configuration: %w", err)
	}
	if _, ok := keys["type"]; ok {
		return netplan.ParseList(text, "")
	}
	parsed, err := libcni.NetworkConfFromFile(path)
	if err != nil {
		return netplan.List{}, err
	}
	return netplan.FromLibCNI(parsed), nil
}

// auxiliaryChain is the list of the plugins in the directory of that name beside the default network's configuration.
func (h host) auxiliaryChain(clusterNetwork, name, cniVersion string) (netplan.List, error) {
	dir := filepath.Dir(clusterNetwork)
	confs, err := libcni.NetworkPluginConfsFromFiles(h.path(dir), name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return netplan.List{}, fmt.Errorf("key auxiliaryCNIChainName: %w", err)
	}
	list := netplan.List{Name: name, CNIVersion: cniVersion}
	for _, c := range confs {
		list.Plugins = append(list.Plugins, c.Bytes)
	}
	return list, nil
}
