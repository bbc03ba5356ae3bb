package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/antreaconf"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Key is a key of antrea-agent.conf.
type Key struct {
	Name    string // with dots between the levels
	Default any
	Doc     string // empty for keys of Antrea that only have their default here

	set func(d *draft, value any) error
	get func(c Config) any
}

// Implemented reports whether the key may have other values than its default.
func (k Key) Implemented() bool { return k.set != nil }

// Keys are all keys that a file may have, those that do something first.
func Keys() []Key { return slices.Clone(keys) }

func keyNames() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	return names
}

var keys = []Key{
	text("ovsBridge", "br-int", "The bridge that the agent makes and owns.",
		func(c *Config) *string { return &c.OVSBridge }, notEmpty),
	text("ovsDatapathType", "", "`system` is the kernel's datapath, `netdev` the userspace one. Empty takes `system` where the kernel has openvswitch, and `netdev`, with a Warning Event on the Node, where it has not.",
		func(c *Config) *string { return &c.OVSDatapathType }, oneOf("", "system", "netdev")),
	text("hostGateway", "antrea-gw0", "The bridge's port for the host, which has the first address of the Node's Pod CIDR.",
		func(c *Config) *string { return &c.HostGateway }, interfaceName),
	text("trafficEncapMode", string(pipeline.Encap), "Which packets to Pods of other Nodes go through a tunnel: `encap` all, `noEncap` none, `hybrid` those to Nodes of other subnets. Without a tunnel the host routes them: to a Node of the same subnet the agent sets the route, to others the network between Nodes has to know the way to Pods. What goes to other clusters is always in a tunnel.",
		func(c *Config) *string { return (*string)(&c.Encap) }, oneOf(string(pipeline.Encap), string(pipeline.NoEncap), string(pipeline.Hybrid))),
	text("tunnelType", geneve, "What tunnels are made of, `geneve` or `vxlan`. All clusters of a ClusterSet need the same.",
		func(c *Config) *string { return &c.Tunnel.Type }, oneOf(geneve, vxlan)),
	number("tunnelPort", 0, 0, 65535, "The UDP port that tunnel packets are sent to. 0 is 6081 for Geneve and 4789 for VXLAN. All clusters of a ClusterSet need the same.",
		func(c *Config) *int { return &c.Tunnel.Port }),
	toggle("tunnelCsum", true, "Whether the outer UDP header of tunnel packets has a checksum.",
		func(c *Config) *bool { return &c.Tunnel.Csum }),
	number("defaultMTU", 0, 0, 65000, "The MTU of Pods. 0 is that of the transport interface less what the tunnel adds.",
		func(c *Config) *int { return &c.DefaultMTU }),
	text("transportInterface", "", "The interface for traffic between Nodes. Empty is the one that has the Node's InternalIP.",
		func(c *Config) *string { return &c.TransportInterface }, nil),
	toggle("noSNAT", false, "Leaves the source address of Pods as it is when they talk to the outside.",
		func(c *Config) *bool { return &c.NoSNAT }),
	toggle("disableTXChecksumOffload", false, "Makes the kernel fill in checksums of what it sends to Pods. Always so on the userspace datapath.",
		func(c *Config) *bool { return &c.DisableTXChecksumOffload }),
	prefix("serviceCIDR", "The IPv4 range of the cluster's Services. Empty takes it from the API.",
		func(d *draft) *netip.Prefix { return &d.serviceCIDR }, netip.Addr.Is4),
	prefix("serviceCIDRv6", "The IPv6 range of the cluster's Services. Empty takes it from the API.",
		func(d *draft) *netip.Prefix { return &d.serviceCIDRv6 }, netip.Addr.Is6),
	duration("auditInterval", time.Minute, 10*time.Second, "How often the agent compares the whole bridge with what it is to hold, and repairs it. Half of it to one and a half times as long; `0s` is never.",
		func(c *Config) *time.Duration { return &c.AuditInterval }),
	toggle("removeForeignFlows", false, "Whether that also removes flows which the agent has not made.",
		func(c *Config) *bool { return &c.RemoveForeignFlows }),
	number("apiPort", 10350, 1, 65535, "The port of the agent's API, health and metrics included.",
		func(c *Config) *int { return &c.APIPort }),
	toggle("enablePrometheusMetrics", true, "Whether the API has /metrics.",
		func(c *Config) *bool { return &c.PrometheusMetrics }),
	text("kubeAPIServerOverride", "", "The address of the Kubernetes API, if it is not the one that Pods are told.",
		func(c *Config) *string { return &c.KubeAPIServerOverride }, nil),
	toggle("multicluster.enable", false, "Forwards to the other clusters of the ClusterSet. Needs feature gate Multicluster.",
		func(c *Config) *bool { return &c.Multicluster.Enable }),
	orTrue("multicluster.enableGateway", "The same as multicluster.enable, as later versions of Antrea call it.",
		func(c *Config) *bool { return &c.Multicluster.Enable }),
	text("multicluster.namespace", "", "The Namespace of Gateways and ClusterInfoImports. Empty is the agent's own.",
		func(c *Config) *string { return &c.Multicluster.Namespace }, nil),
	text("multicluster.sourceNAT", string(pipeline.SourceNATAuto), "When gateways replace the source address of packets to another cluster by their own: `Always`, or `Never`. `Auto` is `Never` as long as clusters that overlap are refused.",
		func(c *Config) *string { return (*string)(&c.Multicluster.SourceNAT) },
		oneOf(string(pipeline.SourceNATAuto), string(pipeline.SourceNATAlways), string(pipeline.SourceNATNever))),
	{Name: "antreaProxy.enable", Default: true,
		Doc: "Balances Services in the switch, for what Pods send. Needs feature gate AntreaProxy.",
		set: func(d *draft, v any) error {
			b, err := boolean(v)
			if err == nil {
				d.noProxy = !b
			}
			return err
		},
		get: func(c Config) any { return c.Proxy.Enable }},
	toggle("antreaProxy.proxyAll", false, "Balances in the switch what comes from the Node and from outside as well: cluster IPs, NodePorts, addresses of load balancers, external IPs. kube-proxy is not needed then. Without it the agent cannot reach the API by its cluster IP when it starts: set kubeAPIServerOverride.",
		func(c *Config) *bool { return &c.Proxy.All }),
	list("antreaProxy.nodePortAddresses", "Ranges of this Node's addresses that have NodePorts. Empty is all but loopback.",
		func(c *Config) *[]netip.Prefix { return &c.Proxy.NodePortAddresses }, netip.ParsePrefix),
	list("antreaProxy.skipServices", "Services that somebody else balances, as `namespace/name` or cluster IP.",
		func(c *Config) *[]string { return &c.Proxy.Skip }, serviceName),
	toggle("antreaProxy.proxyLoadBalancerIPs", true, "Whether packets to the addresses of load balancers stay in the cluster.",
		func(c *Config) *bool { return &c.Proxy.LoadBalancerIPs }),
	text("antreaProxy.serviceProxyName", "", "Balances only Services whose label `service.kubernetes.io/service-proxy-name` has this value. Empty is those without the label.",
		func(c *Config) *string { return &c.Proxy.ServiceProxyName }, nil),
	text("policySource", string(FromAgent), "Who finds out what policies for the Node's Pods depend on: `agent` watches all Pods, Namespaces and policies of the cluster; `controller` asks antrea-controller, which watches them once for all Nodes, and watches itself only while that is away for long.",
		func(c *Config) *string { return (*string)(&c.PolicySource) }, oneOf(string(FromController), string(FromAgent))),
	number("fqdnCacheMinTTL", 0, 0, 86400, "For how many seconds at least an address of a domain name may be used that a ClusterNetworkPolicy accepts, where the answer that the Pod got says less. Never less than 5.",
		func(c *Config) *int { return &c.FQDNCacheMinTTL }),
	accepted("multicluster.enablePodToPodConnectivity", false, "Accepted with either value: Pods of all clusters reach each other."),

	fixed("trafficEncryptionMode", "none"),
	fixed("podCIDRs", ""),
	fixed("snatFullyRandomPorts", false),
	fixed("enableBridgingMode", false),
	fixed("packetInRate", 5000),
	fixed("wireGuard.port", 51820),
	fixed("egress.exceptCIDRs", []string{}),
	fixed("egress.maxEgressIPsPerNode", 255),
	fixed("egress.snatFullyRandomPorts", false),
	fixed("egress.uniqueMACForSubInterfaces", true),
	fixed("clusterPort", 10351),
	fixed("memberlist.gossipVerifyOutgoing", true),
	fixed("memberlist.gossipVerifyIncoming", true),
	fixed("flowExporter.enable", false),
	fixed("flowExporter.flowCollectorAddr", "flow-aggregator/flow-aggregator:4739:tls"),
	fixed("flowExporter.flowPollInterval", "5s"),
	fixed("flowExporter.activeFlowExportTimeout", "5s"),
	fixed("flowExporter.idleFlowExportTimeout", "15s"),
	fixed("nodePortLocal.enable", false),
	fixed("nodePortLocal.portRange", "61000-62000"),
	fixed("dnsServerOverride", ""),
	fixed("tlsCipherSuites", ""),
	fixed("tlsMinVersion", ""),
	fixed("transportInterfaceCIDRs", []string{}),
	fixed("multicast.enable", false),
	fixed("multicast.multicastInterfaces", []string{}),
	fixed("multicast.igmpQueryInterval", "125s"),
	fixed("multicast.igmpQueryVersions", []string{}),
	fixed("antreaProxy.defaultLoadBalancerMode", "nat"),
	fixed("antreaProxy.disableServiceHealthCheckServer", false),
	fixed("antreaProxy.serviceHealthCheckServerBindAddress", ""),
	fixed("ipsec.authenticationMode", "psk"),
	fixed("multicluster.enableStretchedNetworkPolicy", false),
	fixed("multicluster.trafficEncryptionMode", "none"),
	fixed("multicluster.wireGuard.port", 51821),
	fixed("auditLogging.maxSize", 500),
	fixed("auditLogging.maxBackups", 3),
	fixed("auditLogging.maxAge", 28),
	fixed("auditLogging.compress", true),
	fixed("secondaryNetwork.ovsBridges", []string{}),
	fixed("hostNetworkAcceleration.enable", true),
	fixed("hostNetworkMode", "iptables"),
	fixed("cniSocket", "/var/run/antrea/cni.sock"),
	fixed("clientConnection.kubeconfig", ""),
	fixed("antreaClientConnection.kubeconfig", ""),
	fixed("ovsRunDir", "/var/run/openvswitch"),
	fixed("hostProcPathPrefix", "/host"),
	fixed("enableIPSecTunnel", false),
	fixed("nplPortRange", ""),
	fixed("multicastInterfaces", []string{}),
	fixed("agentRole", "Node"),
	fixed("flowCollectorAddr", "flow-aggregator/flow-aggregator:4739:tls"),
	fixed("flowPollInterval", "5s"),
	fixed("activeFlowExportTimeout", "5s"),
	fixed("idleFlowExportTimeout", "15s"),
}

// fixed is a key of Antrea that only has its default here.
func fixed(name string, value any) Key { return Key{Name: name, Default: value} }

func text(name, value, doc string, field func(*Config) *string, check func(string) error) Key {
	return Key{Name: name, Default: value, Doc: doc,
		set: func(d *draft, v any) error {
			s, ok := v.(string)
			if !ok {
				return fmt.Errorf("%v is not a string", v)
			}
			if check != nil {
				if err := check(s); err != nil {
					return err
				}
			}
			*field(&d.Config) = s
			return nil
		},
		get: func(c Config) any { return *field(&c) },
	}
}

func toggle(name string, value bool, doc string, field func(*Config) *bool) Key {
	return Key{Name: name, Default: value, Doc: doc,
		set: func(d *draft, v any) error {
			b, err := boolean(v)
			if err == nil {
				*field(&d.Config) = b
			}
			return err
		},
		get: func(c Config) any { return *field(&c) },
	}
}

// orTrue is a second name of a toggle: either of them turns it on.
func orTrue(name, doc string, field func(*Config) *bool) Key {
	return Key{Name: name, Default: false, Doc: doc, set: func(d *draft, v any) error {
		b, err := boolean(v)
		if err == nil && b {
			*field(&d.Config) = true
		}
		return err
	}}
}

// accepted is a toggle that changes nothing.
func accepted(name string, value bool, doc string) Key {
	return Key{Name: name, Default: value, Doc: doc, set: func(_ *draft, v any) error {
		_, err := boolean(v)
		return err
	}}
}

func boolean(v any) (bool, error) {
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("%v is neither true nor false", antreaconf.Show(v))
	}
	return b, nil
}

func number(name string, value, from, to int, doc string, field func(*Config) *int) Key {
	return Key{Name: name, Default: value, Doc: doc,
		set: func(d *draft, v any) error {
			f, ok := v.(float64)
			if n := int(f); !ok || float64(n) != f || n < from || n > to {
				return fmt.Errorf("%v is not a whole number from %d to %d", antreaconf.Show(v), from, to)
			}
			*field(&d.Config) = int(f)
			return nil
		},
		get: func(c Config) any { return *field(&c) },
	}
}

// duration is a time of at least the given minimum, or 0.
func duration(name string, value, minimum time.Duration, doc string, field func(*Config) *time.Duration) Key {
	return Key{Name: name, Default: value.String(), Doc: doc,
		set: func(d *draft, v any) error {
			s, _ := v.(string)
			t, err := time.ParseDuration(s)
			if err != nil || t < 0 || t > 0 && t < minimum {
				return fmt.Errorf("%v is not 0s and not a time of %v or more, such as 1m30s", antreaconf.Show(v), minimum)
			}
			*field(&d.Config) = t
			return nil
		},
		get: func(c Config) any { return field(&c).String() },
	}
}

// list is a list of texts that parse reads.
func list[T any](name, doc string, field func(*Config) *[]T, parse func(string) (T, error)) Key {
	return Key{Name: name, Default: []string{}, Doc: doc,
		set: func(d *draft, v any) error {
			texts, ok := v.([]any)
			if !ok {
				return fmt.Errorf("%v is not a list", antreaconf.Show(v))
			}
			var parsed []T
			for _, v := range texts {
				s, ok := v.(string)
				if !ok {
					return fmt.Errorf("%v is not a string", antreaconf.Show(v))
				}
				one, err := parse(s)
				if err != nil {
					return err
				}
				parsed = append(parsed, one)
			}
			*field(&d.Config) = parsed
			return nil
		},
		get: func(c Config) any { return *field(&c) },
	}
}

// serviceName checks what names a Service.
func serviceName(s string) (string, error) {
	_, err := netip.ParseAddr(s)
	namespace, name, ok := strings.Cut(s, "/")
	if err != nil && (!ok || namespace == "" || name == "") {
		return "", fmt.Errorf("%q is neither namespace/name nor an address", s)
	}
	return s, nil
}

func prefix(name, doc string, field func(*draft) *netip.Prefix, family func(netip.Addr) bool) Key {
	return Key{Name: name, Default: "", Doc: doc,
		set: func(d *draft, v any) error {
			s, ok := v.(string)
			if !ok {
				return fmt.Errorf("%v is not a string", v)
			}
			if s == "" {
				*field(d) = netip.Prefix{}
				return nil
			}
			p, err := netip.ParsePrefix(s)
			if err != nil || p != p.Masked() || !family(p.Addr()) {
				return fmt.Errorf("%q is not a range of that family such as 10.96.0.0/12 or fd00:96::/112", s)
			}
			*field(d) = p
			return nil
		},
		get: func(c Config) any {
			for _, p := range c.ServiceCIDRs {
				if family(p.Addr()) {
					return p.String()
				}
			}
			return ""
		},
	}
}

func oneOf(values ...string) func(string) error {
	return func(s string) error {
		if slices.Contains(values, s) {
			return nil
		}
		return fmt.Errorf("%q is none of %q", s, values)
	}
}

func notEmpty(s string) error {
	if s == "" {
		return fmt.Errorf("must not be empty")
	}
	return nil
}

// interfaceName checks what the kernel takes as a name.
func interfaceName(s string) error {
	if s == "" || len(s) > 15 {
		return fmt.Errorf("%q is not 1 to 15 characters long", s)
	}
	return nil
}
