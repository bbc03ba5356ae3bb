package policies

import (
	"context"
	"fmt"
	"net/netip"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// LogRefusals logs first packets that policies of Pods in Namespaces with policy.LogAnnotation refuse, with who decides, until ctx is
// done. How many the switch sends in a second is limited by its meter for that.
func (s *Source) LogRefusals(ctx context.Context, address string) error {
	return ofconn.Run(ctx, address, ofconn.Config{}, func(ctx context.Context, conn *ofconn.Conn) error {
		// Who is not its controller gets packets from Open vSwitch only after asking for some of their bytes.
		if err := conn.Send(ctx, openflow.Config{Set: true, MissSendLen: 128}); err != nil {
			return fmt.Errorf("ask for refused packets: %w", err)
		}
		for event, err := range conn.Events(ctx) {
			if err != nil {
				return err
			}
			if p, ok := event.Message.(openflow.PacketIn); ok {
				s.logRefusal(ctx, p)
			}
		}
		return nil
	})
}

func (s *Source) logRefusal(ctx context.Context, p openflow.PacketIn) {
	isEgress, audited, ok := pipeline.IsRefusal(p)
	from, to, protocol, port, isIP := ends(openflow.DecodePacket(p.Data).Match)
	if !ok || !isIP {
		return
	}
	s.mu.Lock()
	verdict, err := s.engine.Query(policy.Peer{IP: from}, policy.Peer{IP: to}, protocol, port)
	s.mu.Unlock()
	direction, decision := "Ingress", verdict.Ingress
	if isEgress {
		direction, decision = "Egress", verdict.Egress
	}
	why, message := decision.String(), "Refused by policy"
	if audited {
		message = "Would be refused by a policy in audit mode"
	}
	switch {
	case err != nil:
		why = err.Error()
	case audited && len(decision.Audited) > 0:
	case decision.Allowed || audited:
		why = "policies have changed since: now " + why
	}
	now, _ := s.Store.Snapshot()
	klog.FromContext(ctx).Info(message, "direction", direction, "from", nameAt(now, from), "to", nameAt(now, to),
		"protocol", protocol.String(), "port", port, "decision", why)
}

// nameAt is a local Pod with its address, or an address alone.
func nameAt(now pipeline.State, ip netip.Addr) string {
	for _, p := range now.Pods {
		for _, of := range p.IPs {
			if of == ip && p.Segment == 0 && p.Name.Name != "" {
				return fmt.Sprintf("%s/%s (%s)", p.Name.Namespace, p.Name.Name, ip)
			}
		}
	}
	return ip.String()
}

// ends are what a policy is about in the headers of a packet; the port is 0 if the protocol has none.
func ends(m openflow.Match) (from, to netip.Addr, protocol policy.Protocol, port uint16, ok bool) {
	for f := range m.Fields() {
		switch f.ID {
		case openflow.FieldIPv4Src, openflow.FieldIPv6Src:
			from, _ = netip.AddrFromSlice(f.Value)
		case openflow.FieldIPv4Dst, openflow.FieldIPv6Dst:
			to, _ = netip.AddrFromSlice(f.Value)
		case openflow.FieldIPProto:
			protocol = policy.Protocol(f.Value[0])
		case openflow.FieldTCPDst, openflow.FieldUDPDst, openflow.FieldSCTPDst:
			port = uint16(f.Value[0])<<8 | uint16(f.Value[1])
		}
	}
	return from, to, protocol, port, from.IsValid() && to.IsValid()
}
