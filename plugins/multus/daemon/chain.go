package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/invoke"
	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// sandbox is what every plugin of a Pod is told.
type sandbox struct {
	ContainerID string
	NetNS       string
	Args        [][2]string
	Path        []string // directories of plugins
}

// plugins executes the plugins of the Node.
type plugins struct {
	host   host
	counts *counts
	slots  chan struct{} // each process takes one
}

// passthru is a plugin that hands on what it gets; nothing is executed for it.
const passthru = "passthru"

// add executes the plugins of an attachment, and returns the result of the last one. before is what the first one gets.
func (p plugins) add(ctx context.Context, s sandbox, a netplan.Attachment, before json.RawMessage) (json.RawMessage, error) {
	result := before
	for _, text := range a.List.Plugins {
		kind, err := pluginType(text)
		if err != nil {
			return nil, err
		}
		if kind == passthru {
			if result == nil {
				result = json.RawMessage(fmt.Sprintf(`{"cniVersion":%q,"interfaces":[{"name":%q,"sandbox":%q}]}`, a.List.CNIVersion, a.IfName, s.NetNS))
			}
			continue
		}
		if result, err = p.addOne(ctx, s, a, kind, text, result); err != nil {
			return nil, pluginError(kind, a.List.Name, cni.Add, err)
		}
	}
	return result, nil
}

func (p plugins) addOne(ctx context.Context, s sandbox, a netplan.Attachment, kind string, text, before json.RawMessage) (json.RawMessage, error) {
	path, err := p.FindInPath(kind, s.Path)
	if err != nil {
		return nil, err
	}
	conf, err := configure(a, text, before)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	result, err := invoke.ExecPluginWithResult(ctx, path, conf, args(cni.Add, s, a), p)
	p.counts.plugin(kind, cni.Add, err, time.Since(start))
	if err != nil {
		return nil, err
	}
	if result, err = result.GetAsVersion(a.List.CNIVersion); err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// again executes the plugins of an attachment for CHECK, or backwards for DEL. result is what ADD returned, nil if it did not.
func (p plugins) again(ctx context.Context, command cni.Command, s sandbox, a netplan.Attachment, result json.RawMessage) error {
	if !atLeast(a.List.CNIVersion, "0.4.0") {
		if command == cni.Check {
			return nil
		}
		result = nil
	}
	list := slices.Clone(a.List.Plugins)
	if command == cni.Del {
		slices.Reverse(list)
	}
	var errs []error
	for _, text := range list {
		kind, err := pluginType(text)
		if err != nil || kind == passthru {
			errs = append(errs, err)
			continue
		}
		if err := p.execute(ctx, command, s, a, kind, text, result, nil); err != nil {
			errs = append(errs, pluginError(kind, a.List.Name, command, err))
		}
	}
	return errors.Join(errs...)
}

// undo deletes an attachment, and what a plugin has left that died in the middle of its ADD.
func (p plugins) undo(ctx context.Context, s sandbox, a attached) error {
	if err := p.again(ctx, cni.Del, s, a.Attachment, a.Result); err != nil {
		return err
	}
	if a.Result == nil {
		if err := removeUnnamed(p.host.path(s.NetNS)); err != nil {
			return fmt.Errorf("network %s: %w", a.Network, err)
		}
	}
	return p.host.removeDevice(a.Attachment)
}

// ofNetwork executes the plugins of a network for GC or STATUS, if their version knows it.
func (p plugins) ofNetwork(ctx context.Context, command cni.Command, path []string, list netplan.List, set map[string]any) error {
	if !atLeast(list.CNIVersion, "1.1.0") || command == cni.GC && list.DisableGC {
		return nil
	}
	var errs []error
	for _, text := range list.Plugins {
		kind, err := pluginType(text)
		if err != nil || kind == passthru {
			errs = append(errs, err)
			continue
		}
		if err := p.execute(ctx, command, sandbox{Path: path}, netplan.Attachment{List: list}, kind, text, nil, set); err != nil {
			errs = append(errs, pluginError(kind, list.Name, command, err))
		}
	}
	return errors.Join(errs...)
}

func (p plugins) execute(ctx context.Context, command cni.Command, s sandbox, a netplan.Attachment, kind string, text, result json.RawMessage, set map[string]any) error {
	path, err := p.FindInPath(kind, s.Path)
	if err != nil {
		return err
	}
	conf, err := configure(a, text, result)
	if err != nil {
		return err
	}
	if len(set) > 0 {
		var keys map[string]any
		if err := json.Unmarshal(conf, &keys); err != nil {
			return err
		}
		for key, value := range set {
			keys[key] = value
		}
		if conf, err = json.Marshal(keys); err != nil {
			return err
		}
	}
	start := time.Now()
	err = invoke.ExecPluginWithoutResult(ctx, path, conf, args(command, s, a), p)
	p.counts.plugin(kind, command, err, time.Since(start))
	return err
}

// configure is what a plugin reads: its part of the list, with the keys that the specification says the runtime adds.
func configure(a netplan.Attachment, text, result json.RawMessage) ([]byte, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, err
	}
	var declared map[string]bool
	if value, ok := keys["capabilities"]; ok {
		if err := json.Unmarshal(value, &declared); err != nil {
			return nil, fmt.Errorf("key capabilities: %w", err)
		}
	}
	given := map[string]json.RawMessage{}
	for name, value := range a.Capabilities {
		if declared[name] {
			given[name] = value
		}
	}
	set := map[string]any{"name": a.List.Name, "cniVersion": a.List.CNIVersion}
	if len(given) > 0 {
		set["runtimeConfig"] = given
	}
	if result != nil {
		set["prevResult"] = result
	}
	for key, value := range set {
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		keys[key] = encoded
	}
	return json.Marshal(keys)
}

// args are the variables of a plugin. What the runtime says beside the Pod's names is for the default network.
func args(command cni.Command, s sandbox, a netplan.Attachment) *invoke.Args {
	var pairs [][2]string
	for _, pair := range s.Args {
		if a.Default || pair[0] == "IgnoreUnknown" || strings.HasPrefix(pair[0], "K8S_POD_") {
			pairs = append(pairs, pair)
		}
	}
	for _, pair := range a.Args {
		pairs = slices.DeleteFunc(pairs, func(other [2]string) bool { return other[0] == pair[0] })
		pairs = append(pairs, pair)
	}
	return &invoke.Args{
		Command: string(command), ContainerID: s.ContainerID, NetNS: s.NetNS, IfName: a.IfName, PluginArgs: pairs,
		Path: strings.Join(s.Path, string(filepath.ListSeparator)),
	}
}

func pluginType(text json.RawMessage) (string, error) {
	var p types.PluginConf
	if err := json.Unmarshal(text, &p); err != nil {
		return "", fmt.Errorf("network configuration: %w", err)
	}
	if p.Type == "" || strings.ContainsRune(p.Type, '/') {
		return "", fmt.Errorf("key type of the network configuration is %q, not the name of a plugin", p.Type)
	}
	return p.Type, nil
}

// pluginError keeps the code of the plugin.
func pluginError(kind, network string, command cni.Command, err error) error {
	text := fmt.Sprintf("network %q: plugin %s failed (%s)", network, kind, strings.ToLower(string(command)))
	var told *types.Error
	if errors.As(err, &told) {
		return types.NewError(told.Code, text+": "+told.Msg, told.Details)
	}
	return fmt.Errorf("%s: %w", text, err)
}

func atLeast(v, least string) bool {
	ok, err := version.GreaterThanOrEqualTo(v, least)
	return err == nil && ok
}

// newest is a result in the newest form.
func newest(text json.RawMessage) (*current.Result, error) {
	result, err := version.NewResult(resultVersion(text), text)
	if err != nil {
		return nil, err
	}
	return current.NewResultFromResult(result)
}

func resultVersion(text json.RawMessage) string {
	v, err := (&version.ConfigDecoder{}).Decode(text)
	if err != nil {
		return ""
	}
	return v
}

// FindInPath is where a plugin is, as the Node sees it.
func (p plugins) FindInPath(plugin string, dirs []string) (string, error) {
	if _, err := invoke.FindInPath(plugin, p.host.paths(dirs)); err != nil {
		return "", fmt.Errorf("plugin %s is in none of the directories %s of the Node", plugin, strings.Join(dirs, ", "))
	}
	for _, dir := range dirs {
		if found, err := invoke.FindInPath(plugin, p.host.paths([]string{dir})); err == nil {
			return filepath.Join(dir, filepath.Base(found)), nil
		}
	}
	return "", fmt.Errorf("plugin %s has gone", plugin)
}

// Decode reads what a plugin says of its versions.
func (plugins) Decode(text []byte) (version.PluginInfo, error) {
	return (&version.PluginDecoder{}).Decode(text)
}

// searchPath is for plugins that execute programs of the Node.
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ExecPlugin executes a plugin with the Node's files. It ends with the daemon: nobody would hear its answer.
func (p plugins) ExecPlugin(ctx context.Context, path string, stdin []byte, environ []string) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	env := []string{searchPath}
	for _, pair := range environ {
		if strings.HasPrefix(pair, "CNI_") {
			env = append(env, pair)
		}
	}
	for {
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, path)
		cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = "/", env, bytes.NewReader(stdin), &stdout, &stderr
		cmd.WaitDelay = 5 * time.Second // a process that the plugin left may hold the pipes
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if p.host.root != "/" {
			cmd.SysProcAttr.Chroot = p.host.root
		}
		err := cmd.Run()
		switch {
		case err == nil:
			return stdout.Bytes(), nil
		case errors.Is(err, syscall.ETXTBSY): // it is just being installed
			time.Sleep(100 * time.Millisecond)
			continue
		case ctx.Err() != nil:
			return nil, fmt.Errorf("ended by multus: %w", context.Cause(ctx))
		}
		told := &types.Error{}
		if json.Unmarshal(stdout.Bytes(), told) != nil || told.Msg == "" {
			told = types.NewError(types.ErrInternal, fmt.Sprintf("%s: %v: %s%s", path, err, stdout.Bytes(), stderr.Bytes()), "")
		}
		return nil, told
	}
}
