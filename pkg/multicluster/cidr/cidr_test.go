package cidr

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func parse(t *testing.T, text string) []netip.Prefix {
	t.Helper()
	prefixes, err := Parse(strings.Fields(text))
	if err != nil {
		t.Fatal(err)
	}
	return prefixes
}

func TestAggregate(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"one", "10.244.0.0/24", "10.244.0.0/24"},
		{"halves become one", "10.244.1.0/24 10.244.0.0/24", "10.244.0.0/23"},
		{"three of four", "10.244.0.0/24 10.244.1.0/24 10.244.2.0/24", "10.244.0.0/23 10.244.2.0/24"},
		{"four of four", "10.244.3.0/24 10.244.0.0/24 10.244.1.0/24 10.244.2.0/24", "10.244.0.0/22"},
		{"neighbours that are no halves", "10.244.1.0/24 10.244.2.0/24", "10.244.1.0/24 10.244.2.0/24"},
		{"one inside another", "10.244.3.0/24 10.244.0.0/20", "10.244.0.0/20"},
		{"twice the same", "10.244.3.0/24 10.244.3.0/24", "10.244.3.0/24"},
		{"both families", "fd00:1::/64 10.244.0.0/24 fd00::/64", "10.244.0.0/24 fd00::/64 fd00:1::/64"},
		{"halves of everything", "0.0.0.0/1 128.0.0.0/1", "0.0.0.0/0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := strings.Join(Strings(Aggregate(parse(t, tc.in))), " ")
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestAggregateSlow compares with the obvious: the set of addresses stays the same, and no two results can be one.
func TestAggregateSlow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var in []netip.Prefix
		for range 1 + r.IntN(12) {
			in = append(in, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(r.Uint32())}), 25+r.IntN(8)).Masked())
		}
		out := Aggregate(in)
		for i := range 256 {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			has := func(p netip.Prefix) bool { return p.Contains(a) }
			if slices.ContainsFunc(in, has) != slices.ContainsFunc(out, has) {
				t.Fatalf("%v became %v, which differs at %s", in, out, a)
			}
		}
		for i, p := range out {
			for _, q := range out[i+1:] {
				if _, ok := merge(p, q); ok || p.Overlaps(q) {
					t.Fatalf("%v became %v: %s and %s could be one", in, out, p, q)
				}
			}
		}
	}
}

func TestParse(t *testing.T) {
	_, err := Parse([]string{"10.0.0.0/8", "10.0.0.1/8", "ten", "::ffff:10.0.0.0/104"})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`"ten" is not a CIDR`, "did you mean 10.0.0.0/8?", "write it as IPv4"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %s", err, want)
		}
	}
}

func TestOverlap(t *testing.T) {
	for _, tc := range []struct{ name, a, b, want string }{
		{"apart", "10.10.0.0/16 10.96.0.0/16", "10.20.0.0/16", ""},
		{"inside", "10.96.0.0/16 10.10.0.0/16", "10.10.4.0/22", "10.10.0.0/16 10.10.4.0/22"},
		{"around", "10.10.4.0/22", "10.0.0.0/8", "10.10.4.0/22 10.0.0.0/8"},
		{"families are apart", "0.0.0.0/0", "fd00::/8", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := ""
			if a, b, found := Overlap(parse(t, tc.a), parse(t, tc.b)); found {
				got = a.String() + " " + b.String()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
