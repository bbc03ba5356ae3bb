package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/agent/drift"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

const (
	tunnelName = "antrea-tun0"
	// Numbers below those of Pods, the same on every Node.
	tunnelNumber  openflow.Port = 1
	gatewayNumber openflow.Port = 2

	typeKey = "antrea-type" // in external_ids
	// sysctlPrefix, in external_ids of the bridge, precedes a sysctl whose value is what it was before the agent came. The
	// database lives as long as the values do: until the Node boots.
	sysctlPrefix = "sysctl:"

	// keepInterval is how often the bridge is looked at when nothing in the database has changed.
	keepInterval = time.Minute
	// openTimeout bounds one attempt; ovs-vswitchd may start after the agent.
	openTimeout = 15 * time.Second
)

// bridge is br-int with the ports that are not Pods'.
type bridge struct {
	db       *ovsdb.DB
	name     string
	gateway  string
	datapath string
	tunnel   config.Tunnel
	mac      openflow.MAC // of the gateway port, once open has found it; flows and Pods know it
}

// open makes the bridge and its ports and returns what the flows need to know of them. It tries until ctx is done.
func (b bridge) open(ctx context.Context) (pipeline.Node, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, openTimeout)
		node, err := b.tryOpen(attempt)
		cancel()
		if err == nil {
			return node, nil
		}
		if ctx.Err() != nil {
			return pipeline.Node{}, err
		}
		klog.FromContext(ctx).Error(err, "The bridge is not there yet; is ovs-vswitchd running?", "bridge", b.name)
		select {
		case <-ctx.Done():
			return pipeline.Node{}, err
		case <-time.After(time.Second):
		}
	}
}

func (b bridge) tryOpen(ctx context.Context) (pipeline.Node, error) {
	if _, err := (&drift.Part{Compare: b.compare}).Reconcile(ctx, true); err != nil {
		return pipeline.Node{}, err
	}
	tunnel, err1 := b.db.WaitOFPort(ctx, tunnelName)
	gateway, err2 := b.db.WaitOFPort(ctx, b.gateway)
	port, err3 := b.db.Port(ctx, b.gateway)
	if err := errors.Join(err1, err2, err3); err != nil {
		return pipeline.Node{}, err
	}
	mac, err := openflow.ParseMAC(port.MAC)
	if err != nil {
		return pipeline.Node{}, fmt.Errorf("MAC of %s: %w", b.gateway, err)
	}
	return pipeline.Node{TunnelPort: tunnel, GatewayPort: gateway, GatewayMAC: mac}, nil
}

// compare compares the bridge and its ports. antrea-gw0 keeps the MAC that it has, and gets it again if somebody has deleted the
// port.
func (b bridge) compare(ctx context.Context, _ bool) (drift.Comparison, error) {
	csum := "false"
	if b.tunnel.Csum {
		csum = "true"
	}
	tunnel := ovsdb.Port{
		Name: tunnelName, Type: b.tunnel.Type, OFPortRequest: tunnelNumber, ExternalIDs: map[string]string{typeKey: "tunnel"},
		Options: b.tunnel.Options(map[string]string{"key": "flow", "remote_ip": "flow", "csum": csum}),
	}
	gateway := ovsdb.Port{
		Name: b.gateway, Type: "internal", OFPortRequest: gatewayNumber, ExternalIDs: map[string]string{typeKey: "gateway"},
	}
	var err error
	if gateway.MAC, err = b.gatewayMAC(ctx); err != nil {
		return drift.Comparison{}, err
	}
	all, err := drift.Bridge(ctx, b.db, ovsdb.Bridge{
		Name: b.name, DatapathType: b.datapath, FailMode: "secure", Protocols: []string{"OpenFlow10", "OpenFlow15"},
		ExternalIDs: map[string]string{typeKey: "integration"},
	}, tunnel, gateway)
	return drift.Comparison{Corrections: all}, err
}

// gatewayMAC is the MAC that the gateway port is to have; empty is the one that it has.
func (b bridge) gatewayMAC(ctx context.Context) (string, error) {
	if !b.mac.IsZero() {
		return b.mac.String(), nil
	}
	have, err := b.db.Port(ctx, b.gateway)
	switch {
	case errors.Is(err, ovsdb.ErrNotFound) || err == nil && have.MAC == "":
		return randomMAC().String(), nil
	case err != nil:
		return "", err
	}
	return "", nil
}

// randomMAC is a locally administered unicast address.
func randomMAC() openflow.MAC {
	var m openflow.MAC
	_, _ = rand.Read(m[:]) // never fails
	m[0] = m[0]&^1 | 2
	return m
}

// keepBridge puts right what somebody else changes in the database, until ctx is done.
func (a *agent) keepBridge(ctx context.Context) error {
	changes, stop := a.db.Watch()
	defer stop()
	ticker := time.NewTicker(keepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
		case <-ticker.C:
		}
		attempt, cancel := context.WithTimeout(ctx, openTimeout)
		done, err := a.bridgePart.Reconcile(attempt, true)
		if slices.ContainsFunc(done, func(d systemv1alpha1.Drift) bool { return d.Object == systemv1alpha1.DriftBridge }) {
			// The switch forgets its flows when its fail_mode changes.
			_, auditErr := a.syncer.Audit(attempt, true)
			err = errors.Join(err, auditErr)
		}
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Could not correct the bridge", "bridge", a.bridge.name)
		}
		cancel()
	}
}

// remember notes in the database what a sysctl was before the agent set it; the first note counts.
func (b bridge) remember(ctx context.Context, sysctl, value string) error {
	ids, err := b.db.BridgeExternalIDs(ctx, b.name)
	if err != nil {
		return err
	}
	if _, noted := ids[sysctlPrefix+sysctl]; noted {
		return nil
	}
	return b.db.SetBridgeExternalIDs(ctx, b.name, map[string]string{sysctlPrefix + sysctl: value})
}

// remembered are the sysctls that remember has noted.
func remembered(ids map[string]string) map[string]string {
	values := make(map[string]string)
	for key, value := range ids {
		if name, ok := strings.CutPrefix(key, sysctlPrefix); ok {
			values[name] = value
		}
	}
	return values
}
