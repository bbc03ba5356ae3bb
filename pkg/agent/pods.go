package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/cniserver"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	"github.com/antrea-mc/antrea-mc/pkg/agent/flows"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

const (
	// podsSource is the source in the store.
	podsSource = "pods"
	// detachWait bounds the waits for the switch to let go of a Pod. A switch that is away has let go when it is back.
	detachWait = 5 * time.Second
)

// pods are the Pods of the Node: ports of the bridge, whose external_ids are all that is known of them.
type pods struct {
	db     *ovsdb.DB
	bridge bridge
	store  *state.Store
	syncer *flows.Syncer

	// awaitPolicies, if set, returns when the policies of a port are in the store, and the version that has them.
	awaitPolicies func(ctx context.Context, store *state.Store, port string) (state.Version, error)

	mu        sync.Mutex      // held while the database is put into the store, so that an older view never comes last
	detaching map[string]bool // ports that are still in the database, but must have no flows any more
	damaged   map[string]bool // ports that were complained about

	part     drift.Part
	attached attached
}

func newPods(db *ovsdb.DB, b bridge, store *state.Store, syncer *flows.Syncer, repaired func([]systemv1alpha1.Drift)) *pods {
	p := &pods{
		db: db, bridge: b, store: store, syncer: syncer, detaching: make(map[string]bool), damaged: make(map[string]bool),
		attached: newAttached(),
	}
	p.part = drift.Part{Compare: p.compare, Repaired: repaired}
	return p
}

// Run keeps the store's Pods equal to those in the database until ctx is done.
func (p *pods) Run(ctx context.Context) error {
	changes, stop := p.db.Watch()
	defer stop()
	for {
		if _, err := p.part.Reconcile(ctx, true); err != nil {
			klog.FromContext(ctx).Error(err, "Could not make the port of a Pod again that somebody has deleted or changed")
		}
		if _, err := p.update(ctx); err != nil {
			klog.FromContext(ctx).Error(err, "Could not read the Pods of the switch")
		} else {
			p.store.SourceSynced(podsSource)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		}
	}
}

// update puts the Pods of the database into the store and returns the version that has them.
func (p *pods) update(ctx context.Context) (state.Version, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	records, err := p.records(ctx)
	if err != nil {
		return 0, err
	}
	now := make(map[string]pipeline.Pod, len(records))
	for _, r := range records {
		if r.OFPort != 0 && !p.detaching[r.PortName] {
			now[r.PortName] = podOf(r)
		}
	}
	return p.store.Update(func(s *pipeline.State) { s.Pods = now }), nil
}

func podOf(r podport.Record) pipeline.Pod {
	ips := make([]netip.Addr, len(r.IPs))
	for i, ip := range r.IPs {
		ips[i] = ip.Addr()
	}
	return pipeline.Pod{Name: pipeline.PodName{Namespace: r.PodNamespace, Name: r.PodName, UID: r.PodUID}, Port: r.OFPort, MAC: r.MAC, IPs: ips, Segment: r.VNI}
}

// records reads the Pods from the database. The caller holds p.mu.
func (p *pods) records(ctx context.Context) ([]podport.Record, error) {
	ports, err := p.db.Ports(ctx, p.bridge.name)
	if err != nil {
		return nil, err
	}
	records := make([]podport.Record, 0, len(ports))
	for _, port := range ports {
		r, err := podport.Parse(port.Name, port.ExternalIDs)
		switch {
		case errors.Is(err, podport.ErrNoRecord):
			continue
		case err != nil:
			if !p.damaged[port.Name] {
				p.damaged[port.Name] = true
				klog.FromContext(ctx).Error(err, "A Pod's port is left alone, because its record cannot be read; delete the Pod")
			}
			continue
		}
		p.attached.found(r)
		r.OFPort = port.OFPort
		records = append(records, r)
	}
	return records, nil
}

// network is the agent as the CNI server sees it.
type network struct {
	*pods
	podMTU func() int
}

var _ cniserver.Network = network{}

func (a *agent) network() network { return network{a.pods, a.podMTU} }

// Attach implements [cniserver.Network].
func (p *pods) Attach(ctx context.Context, rec podport.Record) error {
	p.setDetaching(rec.PortName, false)
	defer p.change(rec.PortName)()
	if err := p.db.EnsurePort(ctx, p.bridge.name, ovsdb.Port{Name: rec.PortName, ExternalIDs: rec.ExternalIDs()}); err != nil {
		return err
	}
	if _, err := p.db.WaitOFPort(ctx, rec.PortName); err != nil {
		return err
	}
	version, err := p.update(ctx)
	if err != nil {
		return err
	}
	if p.awaitPolicies != nil && rec.VNI == 0 {
		if version, err = p.awaitPolicies(ctx, p.store, rec.PortName); err != nil {
			return err
		}
		if err := p.syncer.Flush(ctx, version, pipeline.Owner{Kind: pipeline.KindPodPolicy, Name: rec.PortName}); err != nil {
			return err
		}
	}
	return p.syncer.Flush(ctx, version, pipeline.Owner{Kind: pipeline.KindPod, Name: rec.PortName})
}

// Detach implements [cniserver.Network]. Flows go first: the number of the port may be another Pod's as soon as it is free.
func (p *pods) Detach(ctx context.Context, portName string) error {
	defer p.change(portName)() // what goes is not missed
	if _, err := p.db.Port(ctx, portName); errors.Is(err, ovsdb.ErrNotFound) {
		return nil
	}
	p.setDetaching(portName, true)
	version, err := p.update(ctx)
	if err != nil {
		return err
	}
	err = p.awaitSwitch(ctx, func(ctx context.Context) error {
		return p.syncer.Flush(ctx, version, pipeline.Owner{Kind: pipeline.KindPod, Name: portName})
	})
	if err != nil {
		return fmt.Errorf("detach %s: %w", portName, err)
	}
	if err := p.db.DeletePort(ctx, p.bridge.name, portName); err != nil {
		return err
	}
	p.setDetaching(portName, false)
	// The runtime may attach the same container again at once.
	if err := p.awaitSwitch(ctx, p.db.Applied); err != nil {
		return fmt.Errorf("detach %s: %w", portName, err)
	}
	return nil
}

// awaitSwitch waits for something that the switch does, unless there is no connection to it or it has not been synced: then
// the sync that comes first will leave out what was detached.
func (p *pods) awaitSwitch(ctx context.Context, wait func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, detachWait)
	defer cancel()
	if err := wait(ctx); err != nil && p.syncer.Err() == nil {
		return err
	}
	return nil
}

func (p *pods) setDetaching(portName string, detaching bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if detaching {
		p.detaching[portName] = true
	} else {
		delete(p.detaching, portName)
	}
}

// Records implements [cniserver.Network].
func (p *pods) Records(ctx context.Context) ([]podport.Record, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.records(ctx)
}

// Ready implements [cniserver.Network].
func (n network) Ready() error {
	switch {
	case !n.db.Connected():
		return fmt.Errorf("no connection to ovsdb-server: %w", cniserver.ErrLimitedConnectivity)
	case n.podMTU() == 0:
		return errors.New("the Node's address, and so the MTU of Pods, is not known yet")
	}
	if err := n.syncer.Err(); err != nil {
		if _, connErr := n.syncer.Conn(); connErr != nil {
			return errors.Join(err, cniserver.ErrLimitedConnectivity)
		}
		return err
	}
	return nil
}

// find returns the port of a Pod in the first network.
func (p *pods) find(ctx context.Context, namespace, name string) (portName string, ok bool, err error) {
	records, err := p.Records(ctx)
	for _, r := range records {
		if r.PodNamespace == namespace && r.PodName == name && r.VNI == 0 {
			return r.PortName, true, nil
		}
	}
	return "", false, err
}
