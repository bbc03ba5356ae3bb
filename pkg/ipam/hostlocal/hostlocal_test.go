package hostlocal

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

func TestPools(t *testing.T) {
	podCIDRs := []netip.Prefix{netip.MustParsePrefix("10.244.1.0/24"), netip.MustParsePrefix("fd00:1::/64")}
	gateways := []netip.Addr{netip.MustParseAddr("10.244.1.1"), netip.MustParseAddr("fd00:1::1")}
	for _, tt := range []struct{ name, conf, want string }{
		{"nothing", ``, "10.244.1.1-10.244.1.254 gw 10.244.1.1; fd00:1::1-fd00:1::ffff:ffff:ffff:fffe gw fd00:1::1"},
		{"type only", `{"type":"host-local"}`, "10.244.1.1-10.244.1.254 gw 10.244.1.1; fd00:1::1-fd00:1::ffff:ffff:ffff:fffe gw fd00:1::1"},
		{"one range", `{"subnet":"10.244.1.0/24","rangeStart":"10.244.1.10","rangeEnd":"10.244.1.20"}`, "10.244.1.10-10.244.1.20 gw 10.244.1.1"},
		{"half of the subnet", `{"subnet":"10.244.1.128/25"}`, "10.244.1.129-10.244.1.254 gw 10.244.1.1"},
		{"another gateway", `{"subnet":"10.244.1.0/24","gateway":"10.244.1.254"}`, "10.244.1.1-10.244.1.254 gw 10.244.1.254"},
		{"ranges", `{"ranges":[[{"subnet":"10.244.1.0/25"},{"subnet":"10.244.1.128/25","rangeStart":"10.244.1.200"}],[{"subnet":"fd00:1::/112"}]]}`,
			"10.244.1.1-10.244.1.126 gw 10.244.1.1,10.244.1.200-10.244.1.254 gw 10.244.1.1; fd00:1::1-fd00:1::fffe gw fd00:1::1"},
		{"another network", `{"subnet":"10.9.0.0/24"}`, "error: key ipam, range set 1: subnet 10.9.0.0/24 is no part of this Node's Pod CIDRs 10.244.1.0/24, fd00:1::/64: nothing would be routed to it"},
		{"more than the Node has", `{"subnet":"10.244.0.0/16"}`, "error: key ipam, range set 1: subnet 10.244.0.0/16 is no part of"},
		{"overlap", `{"ranges":[[{"subnet":"10.244.1.0/24"},{"subnet":"10.244.1.0/25"}]]}`, "error: key ipam, range set 1: ranges"},
		{"start only", `{"rangeStart":"10.244.1.10"}`, "error: key ipam: rangeStart, rangeEnd or gateway without subnet"},
		{"not an address", `{"subnet":"10.244.1/24"}`, "error: key ipam: "},
		{"empty set", `{"ranges":[[]]}`, "error: key ipam, range set 1: pool without a range"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := describe(tt.conf, podCIDRs, gateways)
			wantErr := strings.HasPrefix(tt.want, "error")
			if got != tt.want && !wantErr || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func describe(conf string, podCIDRs []netip.Prefix, gateways []netip.Addr) string {
	c, err := Parse(json.RawMessage(conf))
	if err != nil {
		return "error: " + err.Error()
	}
	pools, err := c.Pools(podCIDRs, gateways)
	if err != nil {
		return "error: " + err.Error()
	}
	var texts []string
	for _, p := range pools {
		var ranges []string
		for _, r := range p {
			ranges = append(ranges, fmt.Sprintf("%s gw %s", r, r.Gateway))
		}
		texts = append(texts, strings.Join(ranges, ","))
	}
	return strings.Join(texts, "; ")
}

func TestNameservers(t *testing.T) {
	got := Nameservers("# made by hand\nnameserver 10.96.0.10\nnameserver fd00::a\nsearch a.example b.example\noptions ndots:5\ndomain c.example\nnameserver\n")
	want := types.DNS{Nameservers: []string{"10.96.0.10", "fd00::a"}, Search: []string{"a.example", "b.example"}, Options: []string{"ndots:5"}, Domain: "c.example"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	booted := time.Now().Add(-time.Hour)
	write := func(name, content string, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, "antrea", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("10.244.1.7", "aaa\r\neth0", time.Minute)
	write("10.244.1.8", "bbb", time.Minute)
	write("10.244.1.9", "ccc\r\neth0", 2*time.Hour)
	write("last_reserved_ip.0", "10.244.1.8", time.Minute)
	write("lock", "", time.Minute)

	s, err := OpenStore(dir, "antrea", booted)
	if err != nil {
		t.Fatal(err)
	}
	check := func(want string) {
		t.Helper()
		var got []string
		for _, a := range []string{"10.244.1.7", "10.244.1.8", "10.244.1.9"} {
			_, err := os.Stat(filepath.Join(dir, "antrea", a))
			if has := s.Has(netip.MustParseAddr(a)); has != (err == nil) {
				t.Errorf("%s: in the store %t, file: %v", a, has, err)
			} else if has {
				got = append(got, a)
			}
		}
		if text := strings.Join(got, " "); text != want || s.Len() != len(got) {
			t.Errorf("%d in store: %q, want %q", s.Len(), text, want)
		}
	}
	check("10.244.1.7 10.244.1.8")
	if err := s.Release(func(o Owner) bool { return o == Owner{"aaa", "eth0"} }); err != nil {
		t.Fatal(err)
	}
	check("10.244.1.8")
	if s, err = OpenStore(dir, "antrea", booted); err != nil {
		t.Fatal(err)
	}
	check("10.244.1.8")

	none, err := OpenStore(dir, "other", booted)
	if err != nil || none.Len() != 0 {
		t.Errorf("a network without a store: %d, %v", none.Len(), err)
	}
}
