package store

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/ipam"
)

// twin is what plan does to a pool, as plainly as it can be said: one holder for each of few addresses.
type twin [6]Owner

// claim is the index of the address that the owner gets: its own, else its claim's, else the lowest free one. -1 is none.
func (w *twin) claim(o Owner) int {
	first := -1
	for _, own := range []func(Owner) bool{
		func(h Owner) bool { return h.PodUID != "" && h.PodUID == o.PodUID },
		func(h Owner) bool { return h.ContainerID == o.ContainerID },
		func(h Owner) bool { return o.Claim != "" && h.Claim == o.Claim },
	} {
		for i, h := range w {
			if h.IfName == o.IfName && own(h) {
				if h.ContainerID != "" && h.ContainerID != o.ContainerID && h.PodUID != o.PodUID {
					return -1 // another Pod has it
				}
				w[i] = o
				return i
			}
		}
	}
	for i, h := range w {
		if h == (Owner{}) {
			first = i
			break
		}
	}
	if first >= 0 {
		w[first] = o
	}
	return first
}

func (w *twin) release(o Owner, keep bool) {
	for i, h := range w {
		switch {
		case h.ContainerID != o.ContainerID || h.IfName != o.IfName:
		case keep && h.Claim != "":
			w[i] = h.Kept()
		default:
			w[i] = Owner{}
		}
	}
}

// FuzzPlan: each two bytes are an operation and its owner, of few Pods, sandboxes, interfaces and claims.
func FuzzPlan(f *testing.F) {
	f.Add([]byte("\x00\x01\x01\x01\x00\x11\x00\x22\x02\x01\x00\x31"))
	f.Add([]byte("\x00\x41\x01\x41\x00\x45\x00\x49\x00\x4d\x02\x4d"))
	f.Fuzz(func(t *testing.T, program []byte) {
		subnet := netip.MustParsePrefix("10.0.0.0/29")
		span := ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.0.6")}
		v := newView()
		v.put("", newObject("pool", subnet))
		var w twin
		for ; len(program) >= 2; program = program[2:] {
			code := int(program[1])
			o := Owner{
				IfName: fmt.Sprint("net", code&1), PodUID: fmt.Sprint("pod", code>>1&3), ContainerID: fmt.Sprint("sandbox", code>>1&7), PodRef: "default/p", Node: "n",
			}
			if code>>4 != 0 { // the claims of a Pod do not change
				o.Claim = fmt.Sprint("claim", code>>1&1)
			}
			asked := &op{owner: o, claim: Claim{Span: span, Excluded: new(ipam.Set)}}
			var want int
			if program[0]%3 == 0 {
				want = w.claim(o)
				plan(v, subnet, new(ipam.Set), []*op{asked})
				got := -1
				if asked.err == nil {
					got = int(asked.addr.As4()[3]) - 1
				} else if exhausted := (*ExhaustedError)(nil); !errors.As(asked.err, &exhausted) && !errors.Is(asked.err, ErrTaken) {
					t.Fatal(asked.err)
				}
				if got != want {
					t.Fatalf("%v gets address %d, want %d: %v", o, got, want, w)
				}
			} else {
				keep := program[0]%3 == 1
				w.release(o, keep)
				asked.kind = find
				plan(v, subnet, new(ipam.Set), []*op{asked})
				for a := range asked.held {
					plan(v, subnet, new(ipam.Set), []*op{{kind: release, owner: o, only: a, keep: keep}})
				}
			}
			for i, h := range w {
				a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)})
				if got := ownerOf(v.holder[a]); got != h || v.used.Contains(a) != (h != Owner{}) {
					t.Fatalf("%s is held by %v, want %v", a, got, h)
				}
			}
		}
	})
}

// TestKept is the life of an address that stays.
func TestKept(t *testing.T) {
	subnet := netip.MustParsePrefix("10.0.0.0/24")
	v := newView()
	v.put("", newObject("pool", subnet))
	claimed := Claim{Span: ipam.Span{First: netip.MustParseAddr("10.0.0.1"), Last: netip.MustParseAddr("10.0.0.9")}, Excluded: new(ipam.Set)}
	web := func(uid, sandbox string) Owner {
		return Owner{ContainerID: sandbox, IfName: "net1", PodRef: "default/web-0", PodUID: uid, Node: "n", Claim: "statefulset/default/web-0"}
	}
	other := Owner{ContainerID: "x", IfName: "net1", PodRef: "default/x", PodUID: "x", Node: "n"}
	for _, step := range []struct {
		name string
		op   op
		want string
	}{
		{"the Pod gets an address", op{owner: web("1", "a")}, "10.0.0.1"},
		{"another Pod the next", op{owner: other}, "10.0.0.2"},
		{"the next of the name waits for the first", op{owner: web("2", "b")}, "address is in use: 10.0.0.1 of range 10.0.0.0/24 stays for statefulset/default/web-0, " +
			"but sandbox a of default/web-0 on Node n has not been released: delete that Node or give it the taint node.kubernetes.io/out-of-service if it is off"},
		{"the first ends", op{kind: release, owner: web("1", "a"), only: netip.MustParseAddr("10.0.0.1"), keep: true}, "invalid IP"},
		{"nobody else gets it", op{owner: Owner{ContainerID: "y", IfName: "net1", PodUID: "y"}}, "10.0.0.3"},
		{"not for another interface", op{owner: Owner{ContainerID: "b", IfName: "net2", PodUID: "2", Claim: "statefulset/default/web-0"}}, "10.0.0.4"},
		{"the next gets it", op{owner: web("2", "b")}, "10.0.0.1"},
		{"a late end of the first changes nothing", op{kind: release, owner: web("1", "a"), only: netip.MustParseAddr("10.0.0.1")}, "invalid IP"},
		{"a new sandbox keeps it", op{owner: web("2", "c")}, "10.0.0.1"},
		{"nobody wants it any more", op{kind: release, owner: web("2", "c"), only: netip.MustParseAddr("10.0.0.1")}, "invalid IP"},
		{"it is free", op{owner: Owner{ContainerID: "z", IfName: "net1", PodUID: "z"}}, "10.0.0.1"},
	} {
		step.op.claim = claimed
		plan(v, subnet, new(ipam.Set), []*op{&step.op})
		got := step.op.addr.String()
		if step.op.err != nil {
			got = step.op.err.Error()
		}
		if got != step.want {
			t.Fatalf("%s: %s, want %s", step.name, got, step.want)
		}
	}
}
