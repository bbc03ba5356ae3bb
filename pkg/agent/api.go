package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/agent/apiserver"
	"github.com/antrea-mc/antrea-mc/pkg/agent/probe"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// api is the agent as its API shows it.
type api struct{ *agent }

var _ apiserver.Agent = api{}

// Flows implements [apiserver.Agent].
func (a api) Flows(ctx context.Context, q apiserver.FlowQuery) ([]openflow.FlowStats, error) {
	owners, err := a.owners(ctx, q)
	if err != nil {
		return nil, err
	}
	conn, err := a.syncer.Conn()
	if err != nil {
		return nil, apierrors.NewServiceUnavailable(err.Error())
	}
	snapshot, _ := a.store.Snapshot()
	var list []openflow.FlowStats
	query := openflow.AllFlows
	if q.Table != nil {
		query.Table = *q.Table
	}
	var wanted map[openflow.FlowKey]bool // nil for all
	for _, owner := range owners {
		of := make(map[openflow.FlowKey]bool)
		for _, f := range pipeline.CompileOwner(snapshot, owner).Flows {
			if key := f.Key(); wanted == nil || wanted[key] {
				of[key] = true
			}
		}
		wanted = of
	}
	for f, err := range conn.DumpFlows(ctx, query) {
		if err != nil {
			return nil, err
		}
		if wanted == nil || wanted[f.Key()] {
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(f, g openflow.FlowStats) int { return f.Compare(g.Flow) })
	return list, nil
}

// owners are those whose flows a query asks for.
func (a api) owners(ctx context.Context, q apiserver.FlowQuery) ([]pipeline.Owner, error) {
	var owners []pipeline.Owner
	if q.Pod.Name != "" {
		port, ok, err := a.pods.find(ctx, q.Pod.Namespace, q.Pod.Name)
		if err != nil {
			return nil, apierrors.NewServiceUnavailable(err.Error())
		}
		if !ok {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("no Pod %s that is attached to this Node", q.Pod))
		}
		owners = append(owners, pipeline.Owner{Kind: pipeline.KindPod, Name: port})
	}
	if q.Cluster != "" {
		snapshot, _ := a.store.Snapshot()
		if _, ok := snapshot.Clusters[q.Cluster]; !ok {
			known := slices.Sorted(maps.Keys(snapshot.Clusters))
			return nil, apierrors.NewBadRequest(fmt.Sprintf("no other cluster %q; this Node knows %q", q.Cluster, known))
		}
		owners = append(owners, pipeline.Owner{Kind: pipeline.KindCluster, Name: q.Cluster})
	}
	return owners, nil
}

// Info implements [apiserver.Agent].
func (a api) Info(ctx context.Context) systemv1alpha1.AgentInfo {
	snapshot, _ := a.store.Snapshot()
	info := systemv1alpha1.AgentInfo{DatapathType: a.datapath, LocalPods: snapshot.LocalPods(), Flows: a.syncer.Count()}
	info.OVSVersion, _ = a.db.Version(ctx) // empty while the database is away
	for _, p := range snapshot.Node.PodCIDRs {
		info.PodCIDRs = append(info.PodCIDRs, p.String())
	}
	condition := func(kind string, err error) {
		c := metav1.Condition{Type: kind, Status: metav1.ConditionTrue, Reason: "OK", LastTransitionTime: metav1.NewTime(time.Now())}
		if err != nil {
			c.Status, c.Reason, c.Message = metav1.ConditionFalse, "Waiting", err.Error()
		}
		info.Conditions = append(info.Conditions, c)
	}
	condition("FlowsSynced", a.syncer.Err())
	condition("PodsCanBeAttached", a.network().Ready())
	if a.policies != nil {
		if asked, err := a.policies.ControllerUp(); asked {
			condition("ControllerConnectionUp", err)
		}
	}
	return info
}

// Drift implements [apiserver.Agent].
func (a api) Drift(ctx context.Context, repair bool) (systemv1alpha1.DriftList, error) {
	list := systemv1alpha1.DriftList{Repaired: repair, Items: []systemv1alpha1.Drift{}}
	parts := []func(context.Context, bool) ([]systemv1alpha1.Drift, error){a.bridgePart.Audit, a.pods.part.Audit, a.host.Audit}
	if a.underlay != nil {
		parts = append(parts, a.underlay.Audit)
	}
	parts = append(parts, func(ctx context.Context, repair bool) ([]systemv1alpha1.Drift, error) {
		d, err := a.syncer.Audit(ctx, repair)
		return d.Drifts(), err
	})
	var errs []error
	for _, audit := range parts {
		found, err := audit(ctx, repair)
		list.Items, errs = append(list.Items, found...), append(errs, err)
	}
	list.Compared = a.syncer.Wanted()
	if err := errors.Join(errs...); err != nil {
		return systemv1alpha1.DriftList{}, apierrors.NewServiceUnavailable(err.Error())
	}
	return list, nil
}

// PodInterfaces implements [apiserver.Agent].
func (a api) PodInterfaces(ctx context.Context) (systemv1alpha1.PodInterfaceList, error) {
	records, err := a.pods.Records(ctx)
	if err != nil {
		return systemv1alpha1.PodInterfaceList{}, apierrors.NewServiceUnavailable(err.Error())
	}
	list := systemv1alpha1.PodInterfaceList{Items: []systemv1alpha1.PodInterface{}}
	for _, r := range records {
		p := systemv1alpha1.PodInterface{
			PodNamespace: r.PodNamespace, PodName: r.PodName, PodUID: r.PodUID, ContainerID: r.ContainerID,
			Interface: r.IfName, PortName: r.PortName, OFPort: uint32(r.OFPort), MAC: r.MAC.String(), IPs: []string{},
		}
		for _, ip := range r.IPs {
			p.IPs = append(p.IPs, ip.Addr().String())
		}
		list.Items = append(list.Items, p)
	}
	slices.SortFunc(list.Items, func(p, q systemv1alpha1.PodInterface) int {
		return cmp.Or(strings.Compare(p.PodNamespace, q.PodNamespace), strings.Compare(p.PodName, q.PodName), strings.Compare(p.Interface, q.Interface))
	})
	return list, nil
}

// Drops implements [apiserver.Agent].
func (a api) Drops(ctx context.Context) (systemv1alpha1.DropList, error) {
	packets, err := a.syncer.Refused(ctx)
	if err != nil {
		return systemv1alpha1.DropList{}, apierrors.NewServiceUnavailable(err.Error())
	}
	list := systemv1alpha1.DropList{Items: []systemv1alpha1.Drop{}}
	for _, feature := range slices.Sorted(maps.Keys(packets)) {
		list.Items = append(list.Items, systemv1alpha1.Drop{Reason: feature.String(), Packets: packets[feature]})
	}
	return list, nil
}

// Live implements [apiserver.Agent]. Whatever the agent waits for, a restart does not bring it nearer.
func (a api) Live() error { return nil }

// Ready implements [apiserver.Agent].
func (a api) Ready() error { return a.network().Ready() }

// NetworkPolicyRules implements [apiserver.Agent].
func (a api) NetworkPolicyRules(ctx context.Context) (systemv1alpha1.NetworkPolicyRuleList, error) {
	list := systemv1alpha1.NetworkPolicyRuleList{Items: []systemv1alpha1.NetworkPolicyRule{}}
	if a.policies == nil {
		return list, nil
	}
	conn, err := a.syncer.Conn()
	if err != nil {
		return list, apierrors.NewServiceUnavailable(err.Error())
	}
	rules, err := a.policies.Counted(ctx, conn)
	list.Items = append(list.Items, rules...)
	return list, err
}

// FQDNCache implements [apiserver.Agent].
func (a api) FQDNCache(_ context.Context, domain string) (systemv1alpha1.FQDNCacheEntryList, error) {
	list := systemv1alpha1.FQDNCacheEntryList{Items: []systemv1alpha1.FQDNCacheEntry{}}
	if a.names != nil {
		list.Items = append(list.Items, a.names.Resolved(domain)...)
	}
	return list, nil
}

// GatewayPeers implements [apiserver.Agent].
func (a api) GatewayPeers(ctx context.Context) (systemv1alpha1.GatewayPeerList, error) {
	if a.probes == nil {
		return systemv1alpha1.GatewayPeerList{Items: []systemv1alpha1.GatewayPeer{}}, nil
	}
	list := a.probes.Report()
	if c, err := a.counters(ctx); err == nil { // if not, how much it was is not known, and all else is
		probe.AddBytes(&list, c, time.Now())
	}
	return list, nil
}

// counters are what the switch has counted of tunnels.
func (a api) counters(ctx context.Context) (c probe.Counters, err error) {
	conn, err := a.syncer.Conn()
	if err != nil {
		return c, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, table := range []openflow.TableID{pipeline.TableClassifier, pipeline.TableL3Forwarding} {
		flows, err := ofconn.Collect(conn.DumpFlows(ctx, openflow.FlowQuery{Table: table}))
		if err != nil {
			return c, err
		}
		c.Flows = append(c.Flows, flows...)
	}
	if c.Groups, err = ofconn.Collect(conn.DumpGroups(ctx)); err != nil {
		return c, err
	}
	c.Stats, err = ofconn.Collect(ofconn.Dump(ctx, conn, openflow.MultipartGroup, openflow.GroupQuery{ID: openflow.GroupEvery}, openflow.DecodeGroupStats))
	return c, err
}
