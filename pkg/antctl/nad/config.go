package nad

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/utils"
	"github.com/containernetworking/cni/pkg/version"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// checker looks at one definition.
type checker struct {
	node     Node
	of       int // its place
	ref      string
	name     string // of the network: the definition's, unless the configuration has one
	problems []Problem
	claims   []claim
}

func (c *checker) wrong(key, problem, fix string) {
	c.problems = append(c.problems, Problem{Error, key, problem, fix})
}

type object = map[string]json.RawMessage

// listKeys are those that are read beside plugins.
var listKeys = []string{"cniVersion", "cniVersions", "name", "disableCheck", "disableGC", "loadOnlyInlinedPlugins", "plugins"}

func (c *checker) config(text string) {
	var keys object
	if err := json.Unmarshal([]byte(text), &keys); err != nil || keys == nil {
		c.wrong("spec.config", place(text, err), "write a JSON object: a CNI configuration or configuration list")
		return
	}
	c.version(keys["cniVersion"])
	var name string
	if value, ok := keys["name"]; ok {
		if err := json.Unmarshal(value, &name); err != nil {
			c.wrong("name", "is not a string", "write a string, or leave it out: the object's name is taken")
		} else if err := utils.ValidateNetworkName(name); name != "" && err != nil {
			c.wrong("name", err.Msg+" "+err.Details, "write letters, digits, dots, dashes and underscores, or leave it out")
		}
	}
	c.name = cmp.Or(name, c.name)
	value, ok := keys["plugins"]
	if !ok {
		c.plugin("", keys)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(listKeys, key) {
			c.wrong(key, "is not read beside plugins", "move it into the plugin that it is for")
		}
	}
	var plugins []object
	if err := json.Unmarshal(value, &plugins); err != nil {
		c.wrong("plugins", "is not a list of objects", "write [{\"type\": ...}, ...]")
		return
	}
	if len(plugins) == 0 {
		c.wrong("plugins", "is empty", "write at least one plugin")
	}
	for i, p := range plugins {
		c.plugin(fmt.Sprintf("plugins[%d].", i), p)
	}
}

// place is what is wrong with a JSON text, and where.
func place(text string, err error) string {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return "is null"
	case !errors.As(err, &syntax):
		return "is not an object"
	}
	before := text[:min(int(syntax.Offset), len(text))]
	line := strings.Count(before, "\n") + 1
	return fmt.Sprintf("is not JSON at line %d, column %d: %v", line, len(before)-strings.LastIndex(before, "\n")-1, err)
}

func (c *checker) version(value json.RawMessage) {
	var v string
	switch err := json.Unmarshal(value, &v); {
	case len(value) == 0 || v == "" && err == nil:
		c.wrong("cniVersion", "is missing: plugins take it for 0.1.0", `write "cniVersion": "1.0.0"`)
	case err != nil || !slices.Contains(version.All.SupportedVersions(), v):
		c.wrong("cniVersion", fmt.Sprintf("%s is not a version of the CNI specification", value), "write one of "+strings.Join(version.All.SupportedVersions(), ", "))
	}
}

// plugin looks at a plugin whose keys are at a place of the configuration.
func (c *checker) plugin(at string, keys object) {
	if c.kind(at+"type", keys["type"]) == "antrea" {
		c.segment(at, keys)
	}
	var capabilities map[string]bool
	if value, ok := keys["capabilities"]; ok && json.Unmarshal(value, &capabilities) != nil {
		c.wrong(at+"capabilities", "is not an object of true and false", `write as in {"ips": true}`)
	}
	if value, ok := keys["args"]; ok {
		var args struct{ CNI object }
		if json.Unmarshal(value, &args) != nil {
			c.wrong(at+"args", "is not an object whose key cni is one", `write as in {"cni": {"color": "red"}}`)
		}
	}
	value, ok := keys["ipam"]
	if !ok {
		return
	}
	var ipam object
	if json.Unmarshal(value, &ipam) != nil {
		c.wrong(at+"ipam", "is not an object", `write {"type": ...}`)
		return
	}
	if len(ipam) == 0 {
		return // an interface without addresses
	}
	if kind := c.kind(at+"ipam.type", ipam["type"]); kind == whereabouts.Type {
		c.whereabouts(at, keys)
	}
}

// kind looks at the name of a plugin.
func (c *checker) kind(key string, value json.RawMessage) string {
	var kind string
	err := json.Unmarshal(value, &kind)
	switch {
	case len(value) == 0 || err == nil && kind == "":
		c.wrong(key, "is missing", "write the name of a plugin")
	case err != nil || strings.ContainsRune(kind, '/'):
		c.wrong(key, fmt.Sprintf("%s is not the name of a plugin", value), "write the name of its file without directory")
	case c.node.Plugins != nil && !slices.Contains(c.node.Plugins, kind):
		c.wrong(key, fmt.Sprintf("plugin %s is not there", kind), "install it on the Nodes, or correct its name")
	case c.node.Plugins == nil && !slices.Contains(wellKnown, kind):
		c.problems = append(c.problems, Problem{Warning, key, fmt.Sprintf("plugin %s is none of those that are known", kind), "see that the Nodes have it (--plugins, --bin-dir)"})
	}
	return kind
}

// wellKnown are the plugins of the CNI project and of this one, and others that are often beside them.
var wellKnown = []string{
	"bandwidth", "bond", "bridge", "dhcp", "dummy", "firewall", "host-device", "host-local", "ipvlan", "loopback", "macvlan", "macvtap",
	"portmap", "ptp", "sbr", "static", "tap", "tuning", "vlan", "vrf", "antrea", "whereabouts", "passthru",
	"ib-sriov", "ovs", "rdma", "sriov", "userspace",
}

// whereabouts looks at key ipam of a plugin as the daemon does.
func (c *checker) whereabouts(at string, keys object) {
	keys = maps.Clone(keys)
	keys["name"], _ = json.Marshal(c.name) // as whoever executes the plugin does
	conf, err := json.Marshal(keys)
	if err != nil {
		c.wrong(at+"ipam", err.Error(), "correct it")
		return
	}
	for _, key := range whereabouts.UnknownKeys(conf) {
		c.wrong(at+key, "is not read by whereabouts", "correct its name, or leave it out")
	}
	parsed, err := whereabouts.Parse(conf, c.node.WhereaboutsFile, "")
	if err != nil {
		for _, e := range flatten(err) {
			var wrong *whereabouts.KeyError
			if errors.As(e, &wrong) {
				c.wrong(at+wrong.Key, wrong.Err.Error(), wrong.Fix)
			} else {
				c.wrong(at+"ipam", e.Error(), "correct it")
			}
		}
		return
	}
	for _, p := range parsed.Claims {
		c.claims = append(c.claims, claim{of: c.of, ref: c.ref, key: at + "ipam", network: parsed.NetworkName, overlapping: parsed.Overlapping, Range: p.Range})
	}
}

// flatten is the errors that were joined.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
