package whereabouts

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
)

// Type is the value of ipam.type.
const Type = "whereabouts"

// document is the network configuration, as far as it matters here.
type document struct {
	Name          string                     `json:"name"`
	IPAM          map[string]json.RawMessage `json:"ipam"`
	RuntimeConfig struct {
		IPs []string `json:"ips"`
	} `json:"runtimeConfig"`
	Args struct {
		CNI struct {
			IPs []string `json:"ips"`
		} `json:"cni"`
	} `json:"args"`
}

// section is the key ipam, with the file of the Node under it. Other keys of Whereabouts say how it finds and locks its store,
// or where it logs; they are read by nobody here.
type section struct {
	Type          string         `json:"type"`
	Range         string         `json:"range"`
	RangeStart    string         `json:"range_start"`
	RangeEnd      string         `json:"range_end"`
	Exclude       []string       `json:"exclude"`
	IPRanges      []rangeSection `json:"ipRanges"`
	Gateway       string         `json:"gateway"`
	Routes        []*types.Route `json:"routes"`
	DNS           types.DNS      `json:"dns"`
	Addresses     []address      `json:"addresses"`
	Overlapping   *bool          `json:"enable_overlapping_ranges"`
	NetworkName   string         `json:"network_name"`
	NodeSliceSize string         `json:"node_slice_size"`
}

type rangeSection struct {
	Range      string   `json:"range"`
	RangeStart string   `json:"range_start"`
	RangeEnd   string   `json:"range_end"`
	Exclude    []string `json:"exclude"`
}

type address struct {
	Address string `json:"address"`
	Gateway string `json:"gateway"`
}

// read puts the network configuration and the Node's file together. A key of the configuration wins where it has a value;
// enable_overlapping_ranges counts there only, because all users of a range have to agree on it.
func read(conf, file []byte) (document, section, error) {
	var d document
	if err := json.Unmarshal(conf, &d); err != nil {
		return d, section{}, fmt.Errorf("network configuration: %w", err)
	}
	if d.IPAM == nil {
		return d, section{}, errors.New("IPAM config missing 'ipam' key")
	}
	if len(file) > 0 {
		var defaults map[string]json.RawMessage
		if err := json.Unmarshal(file, &defaults); err != nil {
			return d, section{}, fmt.Errorf("configuration file of the Node: %w", err)
		}
		delete(defaults, "enable_overlapping_ranges")
		for key, value := range defaults {
			if unset(d.IPAM[key]) {
				d.IPAM[key] = value
			}
		}
	}
	merged, err := json.Marshal(d.IPAM)
	if err != nil {
		return d, section{}, err
	}
	var s section
	if err := json.Unmarshal(merged, &s); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return d, section{}, &KeyError{"ipam." + wrong.Field, fmt.Errorf("is a %s", wrong.Value), "write a " + wrong.Type.Kind().String()}
		}
		return d, section{}, fmt.Errorf("key ipam: %w", err)
	}
	if s.Type != Type {
		return d, section{}, fmt.Errorf("only interested in networks whose IPAM type is 'whereabouts'. This one was: %s", s.Type)
	}
	return d, s, nil
}

// unset reports whether a key has no value.
func unset(value json.RawMessage) bool {
	return len(value) == 0 || slices.Contains([]string{"null", `""`, "[]", "{}"}, string(value))
}

// notRead are the keys of Whereabouts and of this plugin that are not about addresses.
var notRead = []string{
	"configuration_path", "socket", "kubernetes", "log_file", "log_level", "leader_lease_duration", "leader_renew_deadline", "leader_retry_period",
	"reconciler_cron_expression", "sleep_for_race", "datastore", "etcd_host", "etcd_username", "etcd_password", "etcd_key_file", "etcd_cert_file", "etcd_ca_cert_file",
}

// UnknownKeys are the keys of ipam in a network configuration that nobody reads, as in ipam.ranges.
func UnknownKeys(conf []byte) []string {
	var d struct{ IPAM map[string]json.RawMessage }
	if json.Unmarshal(conf, &d) != nil {
		return nil
	}
	all := unknown("ipam.", d.IPAM, append(jsonKeys(section{}), notRead...))
	var ranges []map[string]json.RawMessage
	if json.Unmarshal(d.IPAM["ipRanges"], &ranges) == nil {
		for i, r := range ranges {
			all = append(all, unknown(fmt.Sprintf("ipam.ipRanges[%d].", i), r, jsonKeys(rangeSection{}))...)
		}
	}
	return all
}

func unknown(at string, keys map[string]json.RawMessage, known []string) (all []string) {
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, key) }) {
			all = append(all, at+key)
		}
	}
	return all
}

// jsonKeys are the keys that a struct is read from.
func jsonKeys(of any) (keys []string) {
	t := reflect.TypeOf(of)
	for i := range t.NumField() {
		keys = append(keys, t.Field(i).Tag.Get("json"))
	}
	return keys
}
