package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/apiserver"
	"github.com/antrea-mc/antrea-mc/pkg/agent/cniserver"
	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	"github.com/antrea-mc/antrea-mc/pkg/agent/flows"
	"github.com/antrea-mc/antrea-mc/pkg/agent/fqdn"
	"github.com/antrea-mc/antrea-mc/pkg/agent/host"
	"github.com/antrea-mc/antrea-mc/pkg/agent/multicluster"
	"github.com/antrea-mc/antrea-mc/pkg/agent/nodes"
	"github.com/antrea-mc/antrea-mc/pkg/agent/policies"
	"github.com/antrea-mc/antrea-mc/pkg/agent/probe"
	"github.com/antrea-mc/antrea-mc/pkg/agent/segments"
	"github.com/antrea-mc/antrea-mc/pkg/agent/services"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/agent/underlay"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Config is what the agent is given by its command line and environment, beside its configuration file.
type Config struct {
	config.Config `json:"-"`
	NodeName      string
	Namespace     string               // of the agent's Pod
	Client        kubernetes.Interface `json:"-"`
	Dynamic       dynamic.Interface    `json:"-"`
	OVSRunDir     string               // of ovsdb-server and ovs-vswitchd
	CNISocket     string
	StateDir      string // what a start after a reboot is faster with
	ConflistDir   string // where the runtime looks for network configurations
	ConflistFile  string // the network configuration to install; the default one if there is no such file
	ProcSys       device.ProcSys
	EchoInterval  time.Duration // how often gateways are asked for echoes; 0 is the default
}

// userspaceBundle is the number of flows that the userspace datapath takes at once without stopping packets for long.
const userspaceBundle = 1000

// agent is what the parts share.
type agent struct {
	Config
	db       *ovsdb.DB
	store    *state.Store
	syncer   *flows.Syncer
	pods     *pods
	probes   *probe.Watcher   // nil without multi-cluster
	policies *policies.Source // nil if the host balances Services
	names    *fqdn.Learner    // nil without ClusterNetworkPolicies
	events   *events
	datapath string
	bridge   bridge
	registry *prometheus.Registry

	drift      *drift.Recorder
	bridgePart *drift.Part
	host       *host.Reconciler
	underlay   *underlay.Reconciler // nil on the kernel's datapath
}

// Run is the agent, until ctx is done or a part of it fails.
func Run(ctx context.Context, c Config) error {
	logger := klog.FromContext(ctx)
	if c.Multicluster.Namespace == "" {
		c.Multicluster.Namespace = c.Namespace
	}
	datapath, fallback := underlay.Choose(c.OVSDatapathType, c.OVSDatapathType != "" || underlay.KernelHasDatapath())
	logger.Info("Using datapath", "type", datapath)

	logger.V(2).Info("Connecting to the database of Open vSwitch", "directory", c.OVSRunDir)
	db, err := ovsdb.Connect(ctx, filepath.Join(c.OVSRunDir, "db.sock"))
	if err != nil {
		return ended(ctx, err)
	}
	defer db.Close()
	b := bridge{db: db, name: c.OVSBridge, gateway: c.HostGateway, datapath: datapath, tunnel: c.Tunnel}
	node, err := b.open(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	b.mac = node.GatewayMAC
	node.Name, node.SourceNAT, node.Proxy, node.Encap = c.NodeName, c.Multicluster.SourceNAT, proxyMode(c.Proxy), c.Encap

	sources := []string{nodes.SourceName, podsSource}
	if c.Multicluster.Enable {
		sources = append(sources, multicluster.SourceName, probe.SourceName)
	}
	if c.Proxy.Enable {
		node.NetworkPolicy = true // policies are about what endpoint a packet goes to, which takes a switch that knows
		sources = append(sources, services.SourceName, policies.SourceName)
	}
	if c.SecondaryNetwork {
		sources = append(sources, segments.SourceName)
	}
	a := &agent{
		Config: c, db: db, datapath: datapath, bridge: b, registry: prometheus.NewRegistry(),
		store: state.New(pipeline.State{Node: node}, sources...), events: newEvents(c.Client, c.NodeName),
	}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.drift = drift.NewRecorder(a.registry, a.notifyRepaired)
	a.bridgePart = &drift.Part{Compare: b.compare, Repaired: a.drift.Repaired}
	bundle := 0
	if datapath == underlay.Netdev {
		bundle = userspaceBundle
	}
	a.syncer = flows.New(flows.Config{
		Address: a.openFlow(), Store: a.store, BundleSize: bundle,
		AuditInterval: c.AuditInterval, RemoveForeign: c.RemoveForeignFlows,
		Repaired: func(d flows.Difference) { a.drift.Repaired(d.Drifts()) },
		Ready:    a.switchReady, Metrics: flows.NewMetrics(a.registry),
	})
	a.pods = newPods(db, b, a.store, a.syncer, a.drift.Repaired)
	if c.Proxy.Enable {
		a.policies = policies.New(policies.Config{
			Client: c.Client, Dynamic: c.adminPolicies(), Node: c.NodeName, Store: a.store,
			Controller: c.PolicySource == config.FromController, Copy: c.policyCopy(),
		})
		if err := a.policies.Register(a.registry, a.syncer.Conn); err != nil {
			return err
		}
		a.pods.awaitPolicies = policies.Await
		if c.AdminNetworkPolicy {
			a.names = fqdn.New(ctx, fqdn.Config{
				Address: a.openFlow(), RunDir: c.OVSRunDir, Datapath: datapath, File: filepath.Join(c.StateDir, fqdn.FileName), Limits: fqdn.Limits{MinTTL: time.Duration(c.FQDNCacheMinTTL) * time.Second},
				Store: a.store, Rules: a.policies, Flush: a.syncer.Flush,
			})
			if err := a.names.Register(a.registry); err != nil {
				return err
			}
		}
	}
	if c.Multicluster.Enable {
		a.probes = probe.New(probe.Config{
			Store: a.store, DB: db, Bridge: c.OVSBridge, RunDir: c.OVSRunDir, Tunnel: c.Tunnel, Registry: a.registry, Notify: a.events.notify, Link: a.link,
			EchoInterval: c.EchoInterval,
		})
	}
	if err := a.registerMetrics(); err != nil {
		return err
	}
	a.makeReconcilers()
	return a.run(ctx, fallback)
}

// openFlow is the bridge's OpenFlow socket.
func (a *agent) openFlow() string { return "unix:" + filepath.Join(a.OVSRunDir, a.OVSBridge+".mgmt") }

// switchReady lets the switch forward, now that it has its flows.
func (a *agent) switchReady(ctx context.Context, fresh bool) error {
	if a.probes != nil {
		if err := a.probes.Started(ctx, fresh); err != nil {
			return err
		}
	}
	return a.db.EndFlowRestoreWait(ctx)
}

// run runs the parts, each until ctx is done.
func (a *agent) run(ctx context.Context, fallback bool) error {
	transportIP, err := a.ownTransportIP()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	start := func(name string, f func(context.Context) error) {
		group.Go(func() error {
			if err := f(klog.NewContext(ctx, klog.FromContext(ctx).WithName(name))); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	start("bridge", a.keepBridge)
	start("drift", a.drift.Run)
	start("flows", a.syncer.Run)
	start("pods", a.pods.Run)
	start("nodes", (&nodes.Source{
		Client: a.Client, NodeName: a.NodeName, Store: a.store, ServiceCIDRs: a.ServiceCIDRs, TransportIP: transportIP, Subnets: a.subnets(),
	}).Run)
	if a.Multicluster.Enable {
		start("multicluster", (&multicluster.Source{Client: a.Dynamic, Namespace: a.Multicluster.Namespace, Store: a.store}).Run)
		start("probes", a.probes.Run)
	} else if err := probe.Cleanup(ctx, a.db, a.OVSBridge); err != nil {
		klog.FromContext(ctx).Error(err, "Could not remove the probe ports of earlier")
	}
	if a.Proxy.Enable {
		a.startServices(start)
		start("policies", a.policies.Run)
		if a.names != nil {
			start("names", a.names.Run)
		}
		start("refusals", func(ctx context.Context) error { return a.policies.LogRefusals(ctx, a.openFlow()) })
	}
	if a.SecondaryNetwork {
		start("segments", (&segments.Source{
			Client: a.Client, Objects: a.Dynamic, NodeName: a.NodeName, Store: a.store, Records: a.pods.Records, Watch: a.db.Watch,
		}).Run)
	}
	start("events", a.events.run)
	if a.underlay != nil {
		start("underlay", a.underlay.Run)
	} else if err := errors.Join(underlay.Cleanup(ctx), a.db.DeleteBridge(ctx, underlay.BridgeName)); err != nil {
		klog.FromContext(ctx).Error(err, "Could not remove what another datapath needed")
	}
	start("host", a.host.Run)
	start("mtu", a.followMTU)
	start("cni", cniserver.New(a.network(), a.cniNode, cniserver.Config{
		Socket: a.CNISocket, ProcSys: string(a.ProcSys), Segments: a.SecondaryNetwork, Observe: a.observeCNI(),
	}).Run)
	start("conflist", a.installConflist)
	start("api", a.serveAPI)
	if fallback {
		klog.FromContext(ctx).Info(userspaceMessage)
		a.events.notify(probe.Event{Type: corev1.EventTypeWarning, Reason: "UserspaceDatapath", Message: userspaceMessage})
	}
	return group.Wait()
}

// policyCopy is the file with what the controller has told about policies.
func (c Config) policyCopy() string { return filepath.Join(c.StateDir, policies.CopyName) }

// makeReconcilers makes what keeps the Node's own network in order.
func (a *agent) makeReconcilers() {
	a.host = host.New(host.Config{
		Store: a.store, Gateway: a.HostGateway, NoSNAT: a.NoSNAT, NoTXOffload: a.noTXOffload(), ProcSys: a.ProcSys,
		Transport: a.transport, PodMTU: a.podMTU, NodePortAddresses: a.Proxy.NodePortAddresses,
		SetMTU:   func(ctx context.Context, mtu int) error { return a.db.SetMTU(ctx, a.HostGateway, mtu) },
		Remember: a.bridge.remember, Repaired: a.drift.Repaired,
	})
	if a.datapath == underlay.Netdev {
		a.underlay = underlay.New(underlay.Config{
			Store: a.store, DB: a.db, RunDir: a.OVSRunDir, ProcSys: a.ProcSys, Port: a.Tunnel.UDPPort(), Repaired: a.drift.Repaired,
		})
	}
}

// adminPolicies is what ClusterNetworkPolicies are read with, nil if they are not.
func (c Config) adminPolicies() dynamic.Interface {
	if !c.AdminNetworkPolicy {
		return nil
	}
	return c.Dynamic
}

// serveAPI serves the API again if it ends: without it the agent is not seen, but forwards.
func (a *agent) serveAPI(ctx context.Context) error {
	gatherer := prometheus.Gatherer(a.registry)
	if !a.PrometheusMetrics {
		gatherer = prometheus.NewRegistry()
	}
	for ctx.Err() == nil {
		err := apiserver.Run(ctx, apiserver.Config{
			NodeName: a.NodeName, Port: a.APIPort, Client: a.Client, Agent: api{a}, Metrics: gatherer,
		})
		if ctx.Err() != nil {
			return nil
		}
		klog.FromContext(ctx).Error(err, "The agent's API ended; serving it again")
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

// ownTransportIP is the address of the configured transport interface, invalid if none is configured.
func (a *agent) ownTransportIP() (ip netip.Addr, err error) {
	if a.TransportInterface == "" {
		return ip, nil
	}
	t, err := underlay.FindByName(a.TransportInterface)
	return t.Address.Addr(), err
}

// podMTU is the MTU of Pods, 0 as long as the Node's address is not known or on no interface.
func (a *agent) podMTU() int {
	if a.DefaultMTU != 0 {
		return a.DefaultMTU
	}
	snapshot, _ := a.store.Snapshot()
	if !snapshot.Node.TransportIP.IsValid() {
		return 0
	}
	t, err := underlay.Find(snapshot.Node.TransportIP)
	if err != nil {
		return 0
	}
	return t.PodMTU(snapshot.Node.Tunnels(a.Multicluster.Enable))
}

// link is what paths to other clusters are compared with.
func (a *agent) link() probe.Link {
	snapshot, _ := a.store.Snapshot()
	t, err := underlay.Find(snapshot.Node.TransportIP)
	if err != nil {
		return probe.Link{}
	}
	return probe.Link{MTU: t.MTU, Tunnel: t.MTU - t.PodMTU(true), Pods: a.podMTU()}
}

// transport is the index of the transport interface.
func (a *agent) transport() (int, error) {
	snapshot, _ := a.store.Snapshot()
	t, err := underlay.Find(snapshot.Node.TransportIP)
	return t.Index, err
}

// subnets tells the addresses of the transport interface, nil where packets do not depend on them.
func (a *agent) subnets() func(netip.Addr) []netip.Prefix {
	if a.Encap == pipeline.Encap {
		return nil
	}
	return func(ip netip.Addr) []netip.Prefix {
		t, err := underlay.Find(ip)
		if err != nil {
			return nil
		}
		subnets, err := t.Subnets()
		if err != nil {
			return nil
		}
		return subnets
	}
}

func (a *agent) noTXOffload() bool {
	return a.datapath == underlay.Netdev || a.DisableTXChecksumOffload
}

// cniNode is what Pods have in common.
func (a *agent) cniNode() cniserver.Node {
	snapshot, _ := a.store.Snapshot()
	return cniserver.Node{
		PodCIDRs: snapshot.Node.PodCIDRs, Gateways: snapshot.Node.GatewayIPs, MTU: a.podMTU(), UserspaceDatapath: a.noTXOffload(),
	}
}

// ended is nil if err only says that ctx is done.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
