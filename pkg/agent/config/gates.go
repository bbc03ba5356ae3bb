package config

import (
	"slices"

	"github.com/antrea-mc/antrea-mc/pkg/antreaconf"
)

const (
	gateMulticluster = "Multicluster"
	gateProxy        = "AntreaProxy"
	gateAdminPolicy  = "AdminNetworkPolicy"
	gateSecondary    = "SecondaryNetwork"
)

// Gates are all feature gates that a file may have.
func Gates() []antreaconf.Gate { return slices.Clone(gates) }

var gates = []antreaconf.Gate{
	{Name: gateMulticluster, Implemented: true},
	{Name: gateProxy, Implemented: true, Default: true},
	{Name: gateAdminPolicy, Implemented: true},
	{Name: gateSecondary, Implemented: true},
	{Name: "AllAlpha"},
	{Name: "AllBeta"},
	{Name: "AntreaIPAM"},
	{Name: "AntreaNodeConfig", Default: true},
	{Name: "AntreaPolicy", Default: true},
	{Name: "BGPPolicy"},
	{Name: "CleanupStaleUDPSvcConntrack", Default: true},
	{Name: "ClusterNetworkPolicy"},
	{Name: "Egress", Default: true},
	{Name: "EgressSeparateSubnet", Default: true},
	{Name: "EgressTrafficShaping"},
	{Name: "EndpointSlice", Default: true},
	{Name: "ExternalNode"},
	{Name: "FlowExporter"},
	{Name: "IPsecCertAuth"},
	{Name: "L7FlowExporter"},
	{Name: "L7NetworkPolicy"},
	{Name: "LoadBalancerModeDSR"},
	{Name: "Multicast", Default: true},
	{Name: "NFTablesHostNetworkMode"},
	{Name: "NetworkPolicyStats", Default: true},
	{Name: "NodeIPAM", Default: true},
	{Name: "NodeLatencyMonitor"},
	{Name: "NodeNetworkPolicy"},
	{Name: "NodePortLocal", Default: true},
	{Name: "PacketCapture"},
	{Name: "PreferSameTrafficDistribution"},
	{Name: "ServiceExternalIP", Default: true},
	{Name: "ServiceTrafficDistribution", Default: true},
	{Name: "SupportBundleCollection"},
	{Name: "TopologyAwareHints", Default: true},
	{Name: "Traceflow", Default: true},
	{Name: "TrafficControl"},
}
