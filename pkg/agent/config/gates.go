package config

import (
	"fmt"
	"maps"
	"slices"
)

// Gate is a feature gate.
type Gate struct {
	Name        string
	Default     bool
	Implemented bool // may have the other value
}

const gateMulticluster = "Multicluster"

// Gates are all feature gates that a file may have.
func Gates() []Gate { return slices.Clone(gates) }

var gates = []Gate{
	{gateMulticluster, false, true},
	{"AdminNetworkPolicy", false, false},
	{"AllAlpha", false, false},
	{"AllBeta", false, false},
	{"AntreaIPAM", false, false},
	{"AntreaNodeConfig", true, false},
	{"AntreaPolicy", true, false},
	{"AntreaProxy", true, false},
	{"BGPPolicy", false, false},
	{"CleanupStaleUDPSvcConntrack", true, false},
	{"ClusterNetworkPolicy", false, false},
	{"Egress", true, false},
	{"EgressSeparateSubnet", true, false},
	{"EgressTrafficShaping", false, false},
	{"EndpointSlice", true, false},
	{"ExternalNode", false, false},
	{"FlowExporter", false, false},
	{"IPsecCertAuth", false, false},
	{"L7NetworkPolicy", false, false},
	{"LoadBalancerModeDSR", false, false},
	{"Multicast", true, false},
	{"NFTablesHostNetworkMode", false, false},
	{"NetworkPolicyStats", true, false},
	{"NodeIPAM", true, false},
	{"NodeLatencyMonitor", false, false},
	{"NodeNetworkPolicy", false, false},
	{"NodePortLocal", true, false},
	{"PacketCapture", false, false},
	{"PreferSameTrafficDistribution", false, false},
	{"SecondaryNetwork", false, false},
	{"ServiceExternalIP", true, false},
	{"ServiceTrafficDistribution", true, false},
	{"SupportBundleCollection", false, false},
	{"TopologyAwareHints", true, false},
	{"Traceflow", true, false},
	{"TrafficControl", false, false},
}

// parseGates reads the map featureGates of a file on top of the defaults.
func parseGates(value any) (on map[string]bool, errs []error) {
	on = make(map[string]bool)
	names := make([]string, len(gates))
	for i, g := range gates {
		on[g.Name], names[i] = g.Default, g.Name
	}
	if value == nil {
		return on, nil
	}
	file, ok := value.(map[string]any)
	if !ok {
		return on, []error{fmt.Errorf("featureGates: %v is not a map of names to true or false", value)}
	}
	for _, name := range slices.Sorted(maps.Keys(file)) {
		i := slices.Index(names, name)
		set, isBool := file[name].(bool)
		switch {
		case i < 0:
			errs = append(errs, fmt.Errorf("featureGates: %w", unknown("feature gate", name, names)))
		case file[name] == nil:
		case !isBool:
			errs = append(errs, fmt.Errorf("featureGates.%s: %v is neither true nor false", name, show(file[name])))
		case !gates[i].Implemented && set != gates[i].Default:
			errs = append(errs, fmt.Errorf("featureGates.%s: %t is not implemented, only Antrea's default %t: remove the gate", name, set, gates[i].Default))
		default:
			on[name] = set
		}
	}
	return on, errs
}
