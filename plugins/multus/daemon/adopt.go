package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// delegate is what Multus has written of one attachment before it executed any plugin: a file for each sandbox, named after the
// container, has a list of them.
type delegate struct {
	Name         string `json:"Name"` // as the status names it
	Bytes        []byte `json:"Bytes"`
	Interface    string `json:"ifnameRequest"`
	ResourceName string `json:"resourceName"`
	DeviceID     string `json:"deviceID"`
}

// cached is what libcni has written for Multus after the plugins of an attachment, in a directory beside.
type cached struct {
	Kind         string                     `json:"kind"`
	ContainerID  string                     `json:"containerId"`
	Config       []byte                     `json:"config"`
	IfName       string                     `json:"ifName"`
	Network      string                     `json:"networkName"`
	NetNS        string                     `json:"netns"`
	Args         [][2]string                `json:"cniArgs"`
	Capabilities map[string]json.RawMessage `json:"capabilityArgs"`
	Result       json.RawMessage            `json:"result"`

	file string
}

const cacheKind = "cniCacheV1"

// resultsDir is where libcni keeps its files in a directory that it is given.
const resultsDir = "results"

// adoptAll makes records of all sandboxes in the cache of Multus that have none. path is where the Node has its plugins.
func (d *daemon) adoptAll(ctx context.Context, cniDir string, path []string) {
	entries, err := os.ReadDir(d.host.path(cniDir))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			klog.FromContext(ctx).Error(err, "The cache of Multus cannot be read")
		}
		return
	}
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		unlock := d.journal.Lock(entry.Name())
		if _, err := d.adopt(ctx, entry.Name(), cniDir, path); err != nil {
			klog.FromContext(ctx).Error(err, "A sandbox that Multus attached is not taken over", "container", entry.Name())
		}
		unlock()
	}
}

// adopt makes sure that a sandbox in the cache of Multus has a record, and that this has the path, which the cache does not say. The
// caller has locked the sandbox.
func (d *daemon) adopt(ctx context.Context, container, cniDir string, path []string) (known bool, err error) {
	if r, ok := d.journal.Get(container); ok {
		if r.Cache != "" && !slices.Equal(r.Path, path) {
			r.Path = path
			err = d.journal.Put(r)
		}
		return true, err
	}
	r, err := d.host.fromMultus(container, cniDir)
	if err != nil || r == nil {
		return false, err
	}
	r.Boot, r.Path = d.boot, path
	if err := d.journal.Put(*r); err != nil {
		return false, err
	}
	klog.FromContext(ctx).Info("Took a sandbox over from Multus", "pod", r.Pod, "container", container, "networks", len(r.Attachments))
	return true, nil
}

// fromMultus is what the cache of Multus has of a sandbox, nil if nothing. What libcni has kept is used where there is both, because it was
// written after the plugins were executed; a sandbox of which one file was damaged is known from the others.
func (h host) fromMultus(container, cniDir string) (*record, error) {
	delegates, err := h.delegates(container, cniDir)
	results := h.cachedResults(container, cniDir, delegates)
	if len(delegates) == 0 && len(results) == 0 {
		return nil, err
	}
	r := record{ContainerID: container, State: done, Cache: cniDir}
	for i, del := range delegates {
		list, err := netplan.ParseList(del.Bytes, "")
		if err != nil {
			return nil, fmt.Errorf("cache of Multus: network %s of sandbox %s: %w", del.Name, container, err)
		}
		a := netplan.Attachment{Network: del.Name, List: list, IfName: del.Interface, Default: i == 0, Resource: del.ResourceName, Device: del.DeviceID}
		name := fmt.Sprint("net", i)
		at := slices.IndexFunc(results, func(c cached) bool {
			return c.Network == list.Name && (a.Default || c.IfName == a.IfName || a.IfName == "" && c.IfName == name)
		})
		if at < 0 { // the plugins may have been executed all the same
			switch {
			case a.IfName != "":
			case a.Default:
				a.IfName = "eth0"
			default:
				a.IfName = name
			}
			r.Attachments = append(r.Attachments, attached{Attachment: a, Begun: true})
			continue
		}
		c := results[at]
		results = slices.Delete(results, at, at+1)
		if err := r.add(a, c); err != nil {
			return nil, err
		}
	}
	for _, c := range results { // attached later, or the list of delegates is damaged
		if err := r.add(netplan.Attachment{Network: c.Network, Default: len(r.Attachments) == 0}, c); err != nil {
			return nil, err
		}
	}
	for i := range r.Attachments {
		a := &r.Attachments[i]
		a.Auxiliary = i > 0 && a.IfName == r.Attachments[0].IfName
		if a.Device != "" {
			a.DeviceInfo = forPlugins(a.Network, container, a.IfName)
		}
	}
	return &r, nil
}

// add appends an attachment with what libcni has kept of it.
func (r *record) add(a netplan.Attachment, c cached) error {
	var err error
	if a.List, err = netplan.ParseList(c.Config, ""); err != nil {
		return fmt.Errorf("cache of Multus: %s: %w", c.file, err)
	}
	a.IfName, a.Capabilities = c.IfName, c.Capabilities
	for _, pair := range c.Args {
		switch pair[0] {
		case "K8S_POD_NAMESPACE":
			r.Pod.Namespace = pair[1]
		case "K8S_POD_NAME":
			r.Pod.Name = pair[1]
		case "K8S_POD_UID":
			r.Pod.UID = pair[1]
		}
		switch {
		case pair[0] != "IgnoreUnknown" && !strings.HasPrefix(pair[0], "K8S_POD_"):
			if !slices.Contains(a.Args, pair) {
				a.Args = append(a.Args, pair)
			}
		case !slices.ContainsFunc(r.Args, func(other [2]string) bool { return other[0] == pair[0] }):
			r.Args = append(r.Args, pair)
		}
	}
	at := attached{Attachment: a, Begun: true, Result: c.Result}
	if r.NetNS == "" {
		r.NetNS = c.NetNS
	}
	if result, err := newest(c.Result); err == nil && r.NetNS == "" { // an older libcni
		for _, i := range result.Interfaces {
			r.NetNS = i.Sandbox
		}
	}
	r.Attachments = append(r.Attachments, at)
	return nil
}

// delegates are those of the sandbox, none if there is no file.
func (h host) delegates(container, cniDir string) ([]delegate, error) {
	if container == "" || filepath.Base(container) != container {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(h.path(cniDir), container))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []delegate
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("cache of Multus: %w", err)
	}
	return all, nil
}

// cachedResults is what libcni has kept of the sandbox. Until version 3.7, Multus left that to the directory which the runtime uses too,
// where only the delegates' are its own.
func (h host) cachedResults(container, cniDir string, delegates []delegate) []cached {
	var all []cached
	for _, dir := range []string{cniDir, filepath.Dir(cniDir)} {
		files, _ := filepath.Glob(filepath.Join(escape(filepath.Join(h.path(dir), resultsDir)), "*-"+escape(container)+"-*")) // the pattern is sound
		for _, file := range files {
			c, err := readCached(file)
			if err != nil || c.ContainerID != container { // the name of another container may end so
				continue
			}
			mine := dir == cniDir || slices.ContainsFunc(delegates, func(del delegate) bool {
				list, err := netplan.ParseList(del.Bytes, "")
				return err == nil && list.Name == c.Network
			})
			if mine {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b cached) int { return strings.Compare(a.IfName, b.IfName) }) // eth0 is before net1
	return all
}

func readCached(file string) (c cached, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err == nil && c.Kind != cacheKind {
		err = fmt.Errorf("%s is of kind %q, not %s", file, c.Kind, cacheKind)
	}
	c.file = file
	return c, err
}

// dropCache deletes what Multus has kept of a sandbox that is undone.
func (h host) dropCache(r record) error {
	if r.Cache == "" {
		return nil
	}
	delegates, _ := h.delegates(r.ContainerID, r.Cache) // a damaged file goes too
	var errs []error
	for _, c := range h.cachedResults(r.ContainerID, r.Cache, delegates) {
		errs = append(errs, os.Remove(c.file))
	}
	if err := os.Remove(filepath.Join(h.path(r.Cache), r.ContainerID)); !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
