package netplan

import (
	"encoding/json"
	"strings"

	current "github.com/containernetworking/cni/pkg/types/100"
)

// Status is one interface of a Pod in annotation [StatusAnnotation]. Tools parse the text: the order of the keys counts.
type Status struct {
	Name       string          `json:"name"`
	Interface  string          `json:"interface,omitempty"`
	IPs        []string        `json:"ips,omitempty"`
	MAC        string          `json:"mac,omitempty"`
	MTU        int             `json:"mtu,omitempty"`
	Default    bool            `json:"default,omitempty"`
	DNS        StatusDNS       `json:"dns"`
	DeviceInfo json.RawMessage `json:"device-info,omitempty"`
	Gateway    []string        `json:"gateway,omitempty"`
}

// StatusDNS is what the network says about names.
type StatusDNS struct {
	Nameservers []string `json:"nameservers,omitempty"`
	Domain      string   `json:"domain,omitempty"`
	Search      []string `json:"search,omitempty"`
	Options     []string `json:"options,omitempty"`
}

// Statuses are the interfaces of an attachment by its result: one for each interface that the plugins made in the sandbox. An
// address belongs to the interface that it names; one that names none to the last.
func Statuses(a Attachment, result *current.Result, device json.RawMessage) []Status {
	base := Status{Name: a.Network, DNS: StatusDNS(result.DNS), DeviceInfo: device}
	for _, r := range result.Routes {
		if ones, _ := r.Dst.Mask.Size(); ones == 0 && r.GW != nil && (r.Dst.IP == nil || r.Dst.IP.IsUnspecified()) {
			base.Gateway = append(base.Gateway, r.GW.String())
		}
	}
	var all []Status
	place := map[int]int{}
	for i, link := range result.Interfaces {
		if link.Sandbox == "" {
			continue
		}
		s := base
		s.Interface, s.MAC, s.MTU = link.Name, link.Mac, link.Mtu
		place[i] = len(all)
		all = append(all, s)
	}
	if len(all) == 0 { // the plugins are of a time when a result had no interfaces
		s := base
		s.Interface = a.IfName
		all = append(all, s)
	}
	primary := -1
	for _, ip := range result.IPs {
		at := len(all) - 1
		if ip.Interface != nil && len(result.Interfaces) > 1 {
			found, ok := place[*ip.Interface]
			if !ok {
				continue
			}
			at = found
			if ip.Gateway != nil && primary < 0 {
				primary = at
			}
		}
		all[at].IPs = append(all[at].IPs, ip.Address.IP.String())
	}
	if a.Default {
		all[max(primary, 0)].Default = true
	}
	return all
}

// FormatStatuses is the value of the annotation.
func FormatStatuses(all []Status) (string, error) {
	texts := make([]string, len(all))
	for i, s := range all {
		text, err := json.MarshalIndent(s, "", "    ")
		if err != nil {
			return "", err
		}
		texts[i] = string(text)
	}
	return "[" + strings.Join(texts, ",") + "]", nil
}
