package netplan

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strings"
)

// The annotations of a Pod.
const (
	NetworksAnnotation       = "k8s.v1.cni.cncf.io/networks"
	DefaultNetworkAnnotation = "v1.multus-cni.io/default-network"
	StatusAnnotation         = "k8s.v1.cni.cncf.io/network-status"
)

// Selection is one network that is asked for, and how.
type Selection struct {
	Namespace      string                     `json:"namespace,omitempty"`
	Name           string                     `json:"name,omitempty"`
	Interface      string                     `json:"interface,omitempty"`
	IPs            []string                   `json:"ips,omitempty"`
	MAC            string                     `json:"mac,omitempty"`
	InfinibandGUID string                     `json:"infiniband-guid,omitempty"`
	PortMappings   json.RawMessage            `json:"portMappings,omitempty"`
	Bandwidth      json.RawMessage            `json:"bandwidth,omitempty"`
	CNIArgs        map[string]json.RawMessage `json:"cni-args,omitempty"`
	DefaultRoute   *[]netip.Addr              `json:"default-route,omitempty"` // nil if the key is not there
	DeviceID       string                     `json:"deviceID,omitempty"`
	IPAMClaim      string                     `json:"ipam-claim-reference,omitempty"`
}

// Ref is the network as namespace/name.
func (s Selection) Ref() string { return s.Namespace + "/" + s.Name }

// ParseSelections reads the value of an annotation: a list of names with commas, or JSON. namespace is for networks without one.
func ParseSelections(value, namespace string) ([]Selection, error) {
	var all []Selection
	var err error
	if strings.ContainsAny(value, `[{"`) {
		all, err = parseJSON(value)
	} else {
		all, err = parseNames(value)
	}
	if err != nil {
		return nil, err
	}
	var errs []error
	for i := range all {
		if all[i].Namespace == "" {
			all[i].Namespace = namespace
		}
		if err := all[i].check(); err != nil {
			errs = append(errs, fmt.Errorf("network %s: %w", all[i].Ref(), err))
		}
	}
	return all, errors.Join(errs...)
}

func parseJSON(value string) ([]Selection, error) {
	var elements []struct {
		Selection
		Old string `json:"interfaceRequest"` // the older name of interface
	}
	if err := json.Unmarshal([]byte(value), &elements); err != nil {
		return nil, fmt.Errorf("not a JSON list of networks: %w", err)
	}
	var all []Selection
	for i, e := range elements {
		if e.Name == "" {
			return nil, fmt.Errorf("element %d has no key name", i)
		}
		if e.Interface == "" {
			e.Interface = e.Old
		}
		all = append(all, e.Selection)
	}
	return all, nil
}

// label is what each part of a name without JSON has to be.
var label = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func parseNames(value string) ([]Selection, error) {
	var all []Selection
	if strings.TrimSpace(value) == "" {
		return nil, nil
	}
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		var s Selection
		rest, ifName, named := strings.Cut(item, "@")
		namespace, name, ok := strings.Cut(rest, "/")
		if !ok {
			namespace, name = "", namespace
		}
		s.Namespace, s.Name, s.Interface = strings.TrimSpace(namespace), strings.TrimSpace(name), strings.TrimSpace(ifName)
		if !label.MatchString(s.Name) || ok && !label.MatchString(s.Namespace) || named && !label.MatchString(s.Interface) {
			return nil, fmt.Errorf("%q is not [NAMESPACE/]NAME[@INTERFACE] of lower case letters, digits and -; other names have to be written as JSON", item)
		}
		all = append(all, s)
	}
	return all, nil
}

func (s Selection) check() error {
	var errs []error
	if s.Interface != "" {
		errs = append(errs, checkInterface(s.Interface))
	}
	for _, ip := range s.IPs {
		_, err := netip.ParseAddr(ip)
		if _, cidr := netip.ParsePrefix(ip); err != nil && cidr != nil {
			errs = append(errs, fmt.Errorf("key ips: %q is neither an address nor one with a length", ip))
		}
	}
	if s.MAC != "" {
		if _, err := net.ParseMAC(s.MAC); err != nil {
			errs = append(errs, fmt.Errorf("key mac: %w", err))
		}
	}
	if s.InfinibandGUID != "" {
		if guid, err := net.ParseMAC(s.InfinibandGUID); err != nil || len(guid) != 8 {
			errs = append(errs, fmt.Errorf("key infiniband-guid: %q is not eight bytes as 00:11:22:33:44:55:66:77", s.InfinibandGUID))
		}
	}
	if s.IPAMClaim != "" && len(s.IPs) > 0 {
		errs = append(errs, errors.New("keys ipam-claim-reference and ips: TooManyIPSources"))
	}
	if s.DefaultRoute != nil {
		errs = append(errs, checkGateways(*s.DefaultRoute))
	}
	return errors.Join(errs...)
}

func checkInterface(name string) error {
	if len(name) > 15 || strings.ContainsAny(name, "/ \t\n:") || name == "." || name == ".." {
		return fmt.Errorf("key interface: %q is not the name of an interface: at most 15 characters without / : and space", name)
	}
	return nil
}
