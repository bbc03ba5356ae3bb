package netplan

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Pod is what the plan needs to know of a Pod.
type Pod struct {
	Namespace   string
	Annotations map[string]string
}

// Want is a network that a Pod gets. Where its configuration is to be found depends on who asked.
type Want struct {
	Selection
	Inline    json.RawMessage // it is in the configuration of multus
	Reference string          // the configuration of multus names it; else Selection names a NetworkAttachmentDefinition
	Default   bool
	Auxiliary bool // the chain beside the default network's configuration
}

// Wants lists the networks of a Pod in the order of attachment: the default network, those that every Pod gets, those of its annotation.
func (c Config) Wants(pod Pod) ([]Want, error) {
	first, err := c.defaultNetwork(pod)
	if err != nil {
		return nil, err
	}
	all := []Want{first}
	for _, text := range c.Delegates[min(1, len(c.Delegates)):] {
		all = append(all, Want{Inline: text})
	}
	if !slices.Contains(c.SystemNamespaces, pod.Namespace) {
		for _, name := range c.DefaultNetworks {
			all = append(all, Want{Reference: name})
		}
	}
	selections, err := ParseSelections(pod.Annotations[NetworksAnnotation], pod.Namespace)
	if err != nil {
		return nil, fmt.Errorf("annotation %s: %w", NetworksAnnotation, err)
	}
	for _, s := range selections {
		if err := c.allows(pod.Namespace, s.Namespace); err != nil {
			return nil, err
		}
		all = append(all, Want{Selection: s})
	}
	if c.AuxiliaryChain != "" {
		all = append(all, Want{Auxiliary: true})
	}
	return all, nil
}

func (c Config) defaultNetwork(pod Pod) (Want, error) {
	if value := pod.Annotations[DefaultNetworkAnnotation]; value != "" {
		chosen, err := ParseSelections(value, c.MultusNamespace)
		switch {
		case err != nil:
			return Want{}, fmt.Errorf("annotation %s: %w", DefaultNetworkAnnotation, err)
		case len(chosen) != 1:
			return Want{}, fmt.Errorf("annotation %s names %d networks, not one", DefaultNetworkAnnotation, len(chosen))
		case chosen[0].Interface != "":
			return Want{}, fmt.Errorf("annotation %s: the runtime names the interface of the default network", DefaultNetworkAnnotation)
		}
		if chosen[0].Namespace != c.MultusNamespace {
			if err := c.allows(pod.Namespace, chosen[0].Namespace); err != nil {
				return Want{}, err
			}
		}
		return Want{Selection: chosen[0], Default: true}, nil
	}
	if c.ClusterNetwork != "" {
		return Want{Reference: c.ClusterNetwork, Default: true}, nil
	}
	return Want{Inline: c.Delegates[0], Default: true}, nil
}

// Network is what was found for a [Want].
type Network struct {
	Ref      string // namespace/name of the NetworkAttachmentDefinition, "" if there is none
	List     List
	Resource string // of which the Pod gets a device with the network
	Device   string // that device
	Strict   bool   // it refuses what no plugin can do
}

// Attachment is one interface of a Pod to be: what the plugins are executed with.
type Attachment struct {
	Network      string                     `json:"network"` // as the status names it
	IfName       string                     `json:"ifname"`
	Default      bool                       `json:"default,omitempty"`
	Auxiliary    bool                       `json:"auxiliary,omitempty"` // it makes no interface, and is not in the status
	List         List                       `json:"list"`
	Capabilities map[string]json.RawMessage `json:"capabilities,omitempty"`
	Args         [][2]string                `json:"args,omitempty"` // added to CNI_ARGS
	Routes       Routes                     `json:"routes,omitzero"`
	Resource     string                     `json:"resource,omitempty"`
	Device       string                     `json:"device,omitempty"`
	DeviceInfo   string                     `json:"deviceInfo,omitempty"` // a file in which plugins tell of the device
	Asked        Selection                  `json:"asked,omitzero"`       // how the Pod asks for it, with the interface's name
}

// Plan makes an attachment of each want. ifName is the default network's interface. Warnings are about what was asked for and nobody does.
func Plan(c Config, wants []Want, networks []Network, ifName string) (all []Attachment, warnings []string, err error) {
	selections := make([]Selection, len(wants))
	for i, w := range wants {
		if selections[i] = w.Selection; w.Name == "" {
			selections[i].Name = networks[i].List.Name
		}
	}
	routes, err := routes(selections)
	if err != nil {
		return nil, nil, err
	}
	taken := map[string]string{}
	for i, w := range wants {
		name := w.Interface
		switch {
		case w.Default || w.Auxiliary: // the chain works on the default network's interface
			name = ifName
		case name == "":
			name = fmt.Sprint("net", i)
		}
		a, warning, err := c.attachment(w, networks[i], name, routes[i])
		if err != nil {
			return nil, nil, err
		}
		if other, ok := taken[a.IfName]; ok && !w.Auxiliary {
			return nil, nil, fmt.Errorf("networks %s and %s: interface %s can only be one of them", other, a.Network, a.IfName)
		}
		taken[a.IfName] = a.Network
		if warning != "" {
			warnings = append(warnings, warning)
		}
		all = append(all, a)
	}
	return all, warnings, nil
}

// attachment is the one of a want. The warning is about what was asked for and nobody does.
func (c Config) attachment(w Want, n Network, ifName string, routes Routes) (a Attachment, warning string, err error) {
	a = Attachment{Network: n.Ref, Default: w.Default, Auxiliary: w.Auxiliary, Routes: routes, IfName: ifName, Asked: w.Selection}
	if a.Asked.Interface = ifName; w.Auxiliary {
		a.Routes = Routes{}
	}
	if a.Network == "" {
		a.Network = n.List.Name
	}
	missing, err := a.ask(w.Selection, n)
	if err != nil {
		return a, "", fmt.Errorf("network %s: %w", a.Network, err)
	}
	if len(missing) > 0 {
		warning = fmt.Sprintf("network %s: no plugin has the capability for %s", a.Network, strings.Join(missing, ", "))
		if c.StrictCapabilities || n.Strict {
			return a, "", errors.New(warning + ": add it to key capabilities of the network's configuration")
		}
	}
	if w.Default {
		a.addRuntimeConfig(c.RuntimeConfig)
	}
	return a, warning, nil
}

// ask puts what the Pod asks for into the attachment, and returns the keys that no plugin has the capability for.
func (a *Attachment) ask(s Selection, n Network) (missing []string, err error) {
	declared, err := n.List.capabilities()
	if err != nil {
		return nil, err
	}
	a.Capabilities = map[string]json.RawMessage{}
	give := func(key, capability string, value json.RawMessage) {
		if isEmpty(value) {
			return
		}
		a.Capabilities[capability] = value
		if !declared[capability] {
			missing = append(missing, key)
		}
	}
	if len(s.IPs) > 0 {
		give("ips", "ips", encode(s.IPs))
		a.Args = append(a.Args, [2]string{"IP", strings.Join(s.IPs, ",")}) // for plugins that know no capability
	}
	if s.MAC != "" {
		give("mac", "mac", quote(s.MAC))
		a.Args = append(a.Args, [2]string{"MAC", s.MAC})
	}
	give("infiniband-guid", "infinibandGUID", quote(s.InfinibandGUID))
	give("portMappings", "portMappings", s.PortMappings)
	give("bandwidth", "bandwidth", s.Bandwidth)
	device, set := n.Device, map[string]json.RawMessage{}
	if device != "" {
		set["deviceID"], set["pciBusID"] = quote(device), quote(device)
	} else {
		device = s.DeviceID
	}
	if device != "" {
		a.Capabilities["deviceID"] = quote(device)
	}
	a.Resource, a.Device = n.Resource, n.Device
	a.List, err = n.List.with(set, s.CNIArgs)
	return missing, err
}

// capabilityDeviceInfo is the file in which a plugin tells of its device.
const capabilityDeviceInfo = "CNIDeviceInfoFile"

// TellDevice gives the attachment a file about its device, if its network has such or a plugin can tell of one.
func (a *Attachment) TellDevice(file string) error {
	declared, err := a.List.capabilities()
	if err != nil {
		return err
	}
	if a.Resource != "" || declared[capabilityDeviceInfo] {
		a.DeviceInfo, a.Capabilities[capabilityDeviceInfo] = file, quote(file)
	}
	return nil
}

// addRuntimeConfig adds what the runtime gives; what the Pod asks for comes first.
func (a *Attachment) addRuntimeConfig(values map[string]json.RawMessage) {
	for key, value := range values {
		if _, ok := a.Capabilities[key]; !ok {
			a.Capabilities[key] = value
		}
	}
}
