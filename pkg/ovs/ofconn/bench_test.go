package ofconn

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// policyFlows are n flows as policy has them, 111 bytes each on the wire.
func policyFlows(n int) func(yield func(openflow.Mod) bool) {
	flows := make([]openflow.FlowMod, n)
	for i := range flows {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		flows[i].Flow = openflow.Flow{
			Table:    13,
			Priority: 200,
			Match:    openflow.Match{}.IPSrc(netip.PrefixFrom(addr, 32)).TCPDst(80),
			Actions:  openflow.Actions{}.Conjunction(33, 1, 2),
		}
	}
	return func(yield func(openflow.Mod) bool) {
		for i := range flows {
			if !yield(&flows[i]) {
				return
			}
		}
	}
}

// BenchmarkReal measures against ovs-vswitchd, whose own time is nearly all of it.
func BenchmarkReal(b *testing.B) {
	s := ovstest.Start(b, ovstest.Config{})
	s.AddBridge("br-int")
	c, err := Dial(b.Context(), s.OpenFlow("br-int"), Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for _, n := range []int{1, 500, 60000} {
		mods := policyFlows(n)
		b.Run(fmt.Sprintf("bundle/flows=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Bundle(b.Context(), mods); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("dump/flows=60000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for _, err := range c.DumpFlows(b.Context(), openflow.AllFlows) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != 60000 {
				b.Fatalf("%d flows", n)
			}
		}
	})
}
