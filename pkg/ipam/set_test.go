package ipam

import (
	"math/big"
	"net/netip"
	"testing"
)

// slowSet is the twin of Set: one entry for each address.
type slowSet map[netip.Addr]bool

func (s slowSet) lowest(span Span, others ...slowSet) (netip.Addr, bool) {
next:
	for a := span.First; a.IsValid() && !span.Last.Less(a); a = a.Next() {
		for _, set := range append(others, s) {
			if set[a] {
				continue next
			}
		}
		return a, true
	}
	return netip.Addr{}, false
}

// FuzzSet does the same to two Sets and to two twins: each three bytes are an operation, an address and a length.
func FuzzSet(f *testing.F) {
	f.Add([]byte("\x00\x10\x20\x01\x18\x00\x02\x30\x08"), false)
	f.Add([]byte("\x00\x00\xff\x01\x80\x00\x01\x00\x00\x01\xff\x00"), true)
	f.Fuzz(func(t *testing.T, program []byte, six bool) {
		// The last addresses of the family, so that the end of all addresses is met too.
		base := netip.MustParsePrefix("255.255.255.0/24")
		if six {
			base = netip.MustParsePrefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff00/120")
		}
		at := func(b byte) netip.Addr {
			a := base.Addr().AsSlice()
			a[len(a)-1] = b
			addr, _ := netip.AddrFromSlice(a)
			return addr
		}
		var sets [2]Set
		twins := [2]slowSet{{}, {}}
		for ; len(program) >= 3; program = program[3:] {
			op, first, which := program[0], program[1], program[0]>>4&1
			last := byte(min(255, int(first)+int(program[2])))
			switch op % 3 {
			case 0:
				sets[which].Add(Span{at(first), at(last)})
				for i := int(first); i <= int(last); i++ {
					twins[which][at(byte(i))] = true
				}
			case 1:
				sets[which].Remove(at(first))
				delete(twins[which], at(first))
			case 2:
				span := Span{at(first), at(last)}
				got, ok := span.Lowest(&sets[0], &sets[1])
				want, wantOK := twins[0].lowest(span, twins[1])
				if got != want || ok != wantOK {
					t.Fatalf("lowest of %s is %v %t, want %v %t; sets %v", span, got, ok, want, wantOK, sets)
				}
			}
		}
		for which := range sets {
			for i := range 256 {
				if got, want := sets[which].Contains(at(byte(i))), twins[which][at(byte(i))]; got != want {
					t.Fatalf("%s in %v: %t, want %t", at(byte(i)), sets[which], got, want)
				}
			}
			for i := 1; i < len(sets[which].spans); i++ {
				if before, span := sets[which].spans[i-1], sets[which].spans[i]; !before.Last.Next().Less(span.First) {
					t.Fatalf("spans %s and %s could be one, or are in the wrong order", before, span)
				}
			}
		}
	})
}

func TestLowestOfTwoFamilies(t *testing.T) {
	var taken Set
	taken.Add(SpanOf(netip.MustParsePrefix("10.0.0.0/8")))
	taken.Add(SpanOf(netip.MustParsePrefix("::/1")))
	for _, tt := range []struct{ span, want string }{
		{"10.255.255.255-11.0.0.7", "11.0.0.0"},
		{"7fff::-8000::9", "8000::"},
		{"7fff::-7fff::9", "none"},
	} {
		span := mustSpan(t, tt.span)
		got := "none"
		if a, ok := span.Lowest(&taken); ok {
			got = a.String()
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.span, got, tt.want)
		}
	}
}

func mustSpan(t testing.TB, text string) Span {
	t.Helper()
	for i := range text {
		if text[i] == '-' {
			return Span{netip.MustParseAddr(text[:i]), netip.MustParseAddr(text[i+1:])}
		}
	}
	t.Fatal(text)
	return Span{}
}

func TestOffset(t *testing.T) {
	for _, tt := range []struct{ subnet, addr, want, shard string }{
		{"192.168.20.0/24", "192.168.20.10", "10", "0"},
		{"10.0.0.0/8", "10.255.255.255", "16777215", "8191"},
		{"2001:db8::/64", "2001:db8::8000:0:0:1", "9223372036854775809", "4503599627370496"},
		{"2001:db8::/32", "2001:db8:0:1::1", "18446744073709551617", "9007199254740992"},
		{"::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "340282366920938463463374607431768211455", "166153499473114484112975882535043071"},
	} {
		subnet, addr := netip.MustParsePrefix(tt.subnet), netip.MustParseAddr(tt.addr)
		if got := Offset(subnet, addr); got != tt.want {
			t.Errorf("%s in %s: %s, want %s", addr, subnet, got, tt.want)
		}
		if got, err := AtOffset(subnet, tt.want); err != nil || got != addr {
			t.Errorf("%s at %s: %s, %v, want %s", subnet, tt.want, got, err, addr)
		}
		if got := Shard(subnet, addr, 11); got != tt.shard {
			t.Errorf("%s in %s: part %s, want %s", addr, subnet, got, tt.shard)
		}
		if part, err := ShardPrefix(subnet, tt.shard, 11); err != nil || subnet.Bits() < addr.BitLen()-11 && !part.Contains(addr) {
			t.Errorf("part %s of %s: %s, %v, without %s", tt.shard, subnet, part, err, addr)
		}
	}
	for _, offset := range []string{"256", "-1", "", "a", "340282366920938463463374607431768211456", "99999999999999999999"} {
		if got, err := AtOffset(netip.MustParsePrefix("10.0.0.0/24"), offset); err == nil {
			t.Errorf("offset %q: %s", offset, got)
		}
	}
}

// FuzzOffset holds the arithmetic against math/big.
func FuzzOffset(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), uint8(64))
	f.Fuzz(func(t *testing.T, b []byte, bits uint8) {
		addr, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		subnet, err := addr.Prefix(int(bits) % (addr.BitLen() + 1))
		if err != nil {
			t.Fatal(err)
		}
		want := new(big.Int).Sub(new(big.Int).SetBytes(addr.AsSlice()), new(big.Int).SetBytes(subnet.Addr().AsSlice()))
		if got := Offset(subnet, addr); got != want.String() {
			t.Errorf("%s in %s: %s, want %s", addr, subnet, got, want)
		}
		if got, err := AtOffset(subnet, want.String()); err != nil || got != addr {
			t.Errorf("%s at %s: %s, %v, want %s", subnet, want, got, err, addr)
		}
		if got, want := Shard(subnet, addr, 11), new(big.Int).Rsh(want, 11).String(); got != want {
			t.Errorf("%s in %s: part %s, want %s", addr, subnet, got, want)
		}
	})
}

func TestHostAddresses(t *testing.T) {
	for subnet, want := range map[string]string{
		"10.0.0.0/24": "254", "10.0.0.0/31": "0", "10.0.0.0/32": "0", "fd00::/64": "18446744073709551614",
	} {
		if got := HostAddresses(netip.MustParsePrefix(subnet)); got != want {
			t.Errorf("%s: %s, want %s", subnet, got, want)
		}
	}
}

func BenchmarkLowest(b *testing.B) {
	span := Span{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.255.254")}
	free := netip.MustParseAddr("10.0.255.200")
	var full, scattered Set
	full.Add(span)
	full.Remove(free)
	for a := span.First; a.Less(span.Last); a = a.Next().Next() {
		scattered.Add(Span{a, a})
	}
	var other Set // the other half, but for one: the worst there is
	for a := span.First.Next(); a.Less(span.Last); a = a.Next().Next() {
		if a != free {
			other.Add(Span{a, a})
		}
	}
	for name, taken := range map[string][]*Set{"one free of 65534": {&full}, "one free of 65534, in two scattered sets": {&scattered, &other}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a, ok := span.Lowest(taken...); !ok || a != free {
					b.Fatal(a, ok)
				}
			}
		})
	}
}
