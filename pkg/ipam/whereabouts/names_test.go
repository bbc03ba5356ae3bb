package whereabouts

import (
	"net/netip"
	"testing"
)

func TestNames(t *testing.T) {
	for _, tt := range []struct{ network, cidr, want string }{
		{"", "192.168.2.224/28", "192.168.2.224-28"},
		{"net-a", "192.168.2.230/28", "net-a-192.168.2.224-28"},
		{"", "2001::/116", "2001---116"},
		{"", "2001:db8:0:1::/64", "2001-db8-0-1---64"},
	} {
		if got := PoolName(tt.network, netip.MustParsePrefix(tt.cidr)); got != tt.want {
			t.Errorf("pool of %s in network %q: %s, want %s", tt.cidr, tt.network, got, tt.want)
		}
	}
	for _, tt := range []struct{ network, cidr, want string }{
		{"", "192.168.2.224/28", "node1-192.168.2.224-28"},
		{"net-a", "2001::/116", "net-a-node1-2001---116"},
	} {
		if got := BlockName(tt.network, "node1", netip.MustParsePrefix(tt.cidr)); got != tt.want {
			t.Errorf("block %s in network %q: %s, want %s", tt.cidr, tt.network, got, tt.want)
		}
	}
	for _, tt := range []struct{ network, addr, want string }{
		{"", "10.0.0.1", "10.0.0.1"},
		{"net-a", "10.0.0.1", "net-a-10.0.0.1"},
		{"", "2001:db8::", "2001-db8--0"},
		{"net-a", "fd00::a", "net-a-fd00--a"},
		{"", "::", "--0"},
		{"", "::1", "--1"},
	} {
		a := netip.MustParseAddr(tt.addr)
		name := ReservationName(tt.network, a)
		if name != tt.want {
			t.Errorf("reservation of %s in network %q: %s, want %s", a, tt.network, name, tt.want)
		}
		if got, ok := Reserved(tt.network, name); !ok || got != a {
			t.Errorf("%s is of %s, %t", name, got, ok)
		}
	}
	for _, name := range []string{"net-a-10.0.0.1", "other-10.0.0.1", "10.0.0", "fd00--zz"} {
		if a, ok := Reserved("", name); ok {
			t.Errorf("%s is of %s", name, a)
		}
	}
}

// FuzzReserved: what is read from a name is what the name is made of.
func FuzzReserved(f *testing.F) {
	f.Add("net-a", "net-a-fd00--a")
	f.Fuzz(func(t *testing.T, network, name string) {
		if a, ok := Reserved(network, name); ok && ReservationName(network, a) != name {
			t.Errorf("%s is of %s", name, a)
		}
	})
}
