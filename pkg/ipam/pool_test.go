package ipam

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func addr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func mustRange(t testing.TB, subnet, start, end, gateway string) Range {
	t.Helper()
	r, err := NewRange(netip.MustParsePrefix(subnet), addr(start), addr(end), addr(gateway))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestNewRange(t *testing.T) {
	for _, tt := range []struct {
		name                        string
		subnet, start, end, gateway string
		want                        string // the range, its gateway and size
		wantErr                     string
	}{
		{name: "a Node's subnet", subnet: "10.244.1.0/24", want: "10.244.1.1-10.244.1.254 gw 10.244.1.1 size 253"},
		{name: "smallest", subnet: "10.0.0.4/30", want: "10.0.0.5-10.0.0.6 gw 10.0.0.5 size 1"},
		{name: "too small", subnet: "10.0.0.4/31", wantErr: "no room"},
		{name: "host bits", subnet: "10.0.0.5/24", wantErr: "write 10.0.0.0/24"},
		{name: "part", subnet: "10.0.0.0/24", start: "10.0.0.10", end: "10.0.0.19", want: "10.0.0.10-10.0.0.19 gw 10.0.0.1 size 10"},
		{name: "gateway inside", subnet: "10.0.0.0/24", start: "10.0.0.10", end: "10.0.0.19", gateway: "10.0.0.15",
			want: "10.0.0.10-10.0.0.19 gw 10.0.0.15 size 9"},
		{name: "start of another subnet", subnet: "10.0.0.0/24", start: "10.0.1.10", wantErr: "rangeStart 10.0.1.10 is not from 10.0.0.1 to 10.0.0.254"},
		{name: "end is broadcast", subnet: "10.0.0.0/24", end: "10.0.0.255", wantErr: "rangeEnd 10.0.0.255"},
		{name: "the wrong way round", subnet: "10.0.0.0/24", start: "10.0.0.9", end: "10.0.0.8", wantErr: "is after"},
		{name: "end of the other family", subnet: "10.0.0.0/24", end: "fd00::9", wantErr: "rangeEnd fd00::9"},
		{name: "IPv6", subnet: "fd00:1::/120", want: "fd00:1::1-fd00:1::fe gw fd00:1::1 size 253"},
		{name: "IPv6, more than can be counted", subnet: "fd00:1::/48", want: "fd00:1::1-fd00:1:0:ffff:ffff:ffff:ffff:fffe gw fd00:1::1 size 18446744073709551615"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := NewRange(netip.MustParsePrefix(tt.subnet), addr(tt.start), addr(tt.end), addr(tt.gateway))
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want %q in it", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%s gw %s size %d", r, r.Gateway, r.Size()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNewPool(t *testing.T) {
	a := mustRange(t, "10.0.0.0/24", "10.0.0.10", "10.0.0.19", "")
	for _, tt := range []struct {
		name   string
		ranges []Range
		want   string
	}{
		{"empty", nil, "without a range"},
		{"overlap", []Range{a, mustRange(t, "10.0.0.0/24", "10.0.0.19", "10.0.0.30", "")}, "overlap"},
		{"two families", []Range{a, mustRange(t, "fd00::/64", "", "", "")}, "two families"},
		{"side by side", []Range{a, mustRange(t, "10.0.0.0/24", "10.0.0.20", "10.0.0.30", "")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewPool(tt.ranges...)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	two, err := NewPool(mustRange(t, "10.0.0.0/29", "", "", ""), mustRange(t, "10.0.1.0/30", "", "", "10.0.1.2"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		after string
		used  string
		want  string
	}{
		{"first", "", "", "10.0.0.2/29 via 10.0.0.1"},
		{"after the last one given", "10.0.0.3", "", "10.0.0.4/29 via 10.0.0.1"},
		{"into the next range", "10.0.0.6", "", "10.0.1.1/30 via 10.0.1.2"},
		{"round the end", "10.0.1.1", "", "10.0.0.2/29 via 10.0.0.1"},
		{"passing what is used", "10.0.0.3", "10.0.0.4 10.0.0.5", "10.0.0.6/29 via 10.0.0.1"},
		{"back to just before", "10.0.0.4", "10.0.0.5 10.0.0.6 10.0.1.1 10.0.0.2", "10.0.0.3/29 via 10.0.0.1"},
		{"the released one, if no other is free", "10.0.0.4", "10.0.0.5 10.0.0.6 10.0.1.1 10.0.0.2 10.0.0.3", "10.0.0.4/29 via 10.0.0.1"},
		{"last address of another pool", "192.168.0.1", "", "10.0.0.2/29 via 10.0.0.1"},
		{"none", "", "10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.1.1",
			"pool 10.0.0.1-10.0.0.6,10.0.1.1-10.0.1.2: no free address, all 6 are in use"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := two.Next(addr(tt.after), func(a netip.Addr) bool { return strings.Contains(" "+tt.used+" ", " "+a.String()+" ") })
			text := fmt.Sprintf("%s via %s", got.Prefix, got.Gateway)
			if err != nil {
				text = err.Error()
				if !errors.Is(err, ErrExhausted) {
					t.Errorf("error is not ErrExhausted: %v", err)
				}
			}
			if text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}

func TestTake(t *testing.T) {
	pool, err := NewPool(mustRange(t, "10.0.0.0/24", "10.0.0.10", "10.0.0.19", ""))
	if err != nil {
		t.Fatal(err)
	}
	used := func(a netip.Addr) bool { return a == addr("10.0.0.12") }
	for want, wantErr := range map[string]string{
		"10.0.0.11": "", "10.0.0.12": "in use", "10.0.0.1": "not one of", "10.0.0.20": "not one of", "fd00::1": "not one of",
	} {
		got, err := pool.Take(addr(want), used)
		switch {
		case wantErr == "" && (err != nil || got.Prefix.String() != want+"/24"):
			t.Errorf("%s: got %v, %v", want, got, err)
		case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%s: error %v, want %q", want, err, wantErr)
		}
	}
}

// FuzzNext holds Next against a slow twin that lists all addresses.
func FuzzNext(f *testing.F) {
	f.Add(uint8(3), uint16(0x0f0f))
	f.Add(uint8(13), uint16(0xffff))
	f.Fuzz(func(t *testing.T, after uint8, usedBits uint16) {
		pool := Pool{mustRange(t, "10.0.0.0/28", "", "", "")}
		at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
		used := func(a netip.Addr) bool { return usedBits>>(a.As4()[3])&1 == 1 }
		last := int(after % 16)
		want := ""
		if last < 2 || last > 14 {
			last = 1
		}
		for i := range 13 {
			if a := at((last-1+i)%13 + 2); !used(a) {
				want = a.String()
				break
			}
		}
		got, err := pool.Next(at(int(after%16)), used)
		if (err != nil) != (want == "") || err == nil && got.Prefix.Addr().String() != want {
			t.Errorf("got %v, %v, want %q", got, err, want)
		}
	})
}

func BenchmarkNext(b *testing.B) {
	subnet := netip.MustParsePrefix("10.0.0.0/16")
	r, err := NewRange(subnet, netip.Addr{}, netip.Addr{}, netip.Addr{})
	if err != nil {
		b.Fatal(err)
	}
	used := map[netip.Addr]bool{}
	for a := r.Start; len(used) < 1000; a = a.Next() {
		used[a] = true
	}
	b.Run("used=1000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (Pool{r}).Next(netip.Addr{}, func(a netip.Addr) bool { return used[a] }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
