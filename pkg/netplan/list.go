package netplan

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/containernetworking/cni/libcni"
)

// List is a network's configuration: the plugins that are executed one after the other.
type List struct {
	Name         string            `json:"name"`
	CNIVersion   string            `json:"cniVersion"`
	DisableCheck bool              `json:"disableCheck,omitempty"`
	DisableGC    bool              `json:"disableGC,omitempty"`
	Plugins      []json.RawMessage `json:"plugins"`
}

// ParseList reads a configuration or a configuration list. name is its name if it says none.
func ParseList(text []byte, name string) (List, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return List{}, fmt.Errorf("network configuration: %w", err)
	}
	if keys == nil {
		return List{}, fmt.Errorf("network configuration is %s, not an object", text)
	}
	if isEmpty(keys["name"]) {
		if name == "" {
			return List{}, fmt.Errorf("network configuration has no key name")
		}
		keys["name"] = quote(name)
	}
	if _, ok := keys["plugins"]; !ok {
		if isEmpty(keys["type"]) {
			return List{}, fmt.Errorf("network configuration has neither key plugins nor key type")
		}
		plugin := encode(keys)
		keys = map[string]json.RawMessage{"name": keys["name"], "cniVersion": keys["cniVersion"], "plugins": encode([]json.RawMessage{plugin})}
		if keys["cniVersion"] == nil {
			delete(keys, "cniVersion")
		}
	}
	parsed, err := libcni.NetworkConfFromBytes(encode(keys))
	if err != nil {
		return List{}, fmt.Errorf("network configuration: %w", err)
	}
	return FromLibCNI(parsed), nil
}

// FromLibCNI is a list as libcni has read it, with the plugins that it found in other files.
func FromLibCNI(parsed *libcni.NetworkConfigList) List {
	l := List{Name: parsed.Name, CNIVersion: parsed.CNIVersion, DisableCheck: parsed.DisableCheck, DisableGC: parsed.DisableGC}
	if l.CNIVersion == "" {
		l.CNIVersion = "0.1.0" // as the specification says
	}
	for _, p := range parsed.Plugins {
		l.Plugins = append(l.Plugins, p.Bytes)
	}
	return l
}

// capabilities are those that at least one plugin declares.
func (l List) capabilities() (map[string]bool, error) {
	all := map[string]bool{}
	for _, text := range l.Plugins {
		var p struct {
			Capabilities map[string]bool `json:"capabilities"`
		}
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("network %s: plugin: %w", l.Name, err)
		}
		for name, ok := range p.Capabilities {
			if ok {
				all[name] = true
			}
		}
	}
	return all, nil
}

// with is the list with keys set in every plugin, and arguments added to key args.cni.
func (l List) with(set map[string]json.RawMessage, args map[string]json.RawMessage) (List, error) {
	if len(set) == 0 && len(args) == 0 {
		return l, nil
	}
	l.Plugins = slices.Clone(l.Plugins)
	for i, text := range l.Plugins {
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(text, &keys); err != nil {
			return List{}, fmt.Errorf("network %s: plugin: %w", l.Name, err)
		}
		for key, value := range set {
			keys[key] = value
		}
		if len(args) > 0 {
			merged, err := mergeArgs(keys["args"], args)
			if err != nil {
				return List{}, fmt.Errorf("network %s: %w", l.Name, err)
			}
			keys["args"] = merged
		}
		l.Plugins[i] = encode(keys)
	}
	return l, nil
}

func mergeArgs(old json.RawMessage, args map[string]json.RawMessage) (json.RawMessage, error) {
	outer, inner := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if !isEmpty(old) {
		if err := json.Unmarshal(old, &outer); err != nil {
			return nil, fmt.Errorf("key args of the configuration is not an object, so cni-args cannot be added: %w", err)
		}
	}
	if !isEmpty(outer["cni"]) {
		if err := json.Unmarshal(outer["cni"], &inner); err != nil {
			return nil, fmt.Errorf("key args.cni of the configuration is not an object, so cni-args cannot be added: %w", err)
		}
	}
	for key, value := range args {
		inner[key] = value
	}
	outer["cni"] = encode(inner)
	return encode(outer), nil
}

func isEmpty(value json.RawMessage) bool {
	return len(value) == 0 || string(value) == "null" || string(value) == `""`
}

func quote(text string) json.RawMessage { return encode(text) }

// encode is for values of which every one has a JSON form.
func encode(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
