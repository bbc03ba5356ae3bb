package fqdn

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

var (
	web = types.NamespacedName{Namespace: "shop", Name: "web"}
	db  = types.NamespacedName{Namespace: "shop", Name: "db"}
)

func told(name string, ttl time.Duration, addresses ...string) Answer {
	a := Answer{Name: name}
	for _, text := range addresses {
		a.Addresses = append(a.Addresses, Address{netip.MustParseAddr(text), ttl})
	}
	return a
}

// known is what a Pod knows, in words.
func known(c *Cache, pod types.NamespacedName) (text []string) {
	for _, r := range c.Resolutions(pod) {
		lapsed := ""
		if r.Lapsed {
			lapsed = " lapsed"
		}
		text = append(text, r.Name+" "+r.Address.String()+lapsed)
	}
	return text
}

func TestCache(t *testing.T) {
	c := NewCache(Limits{MinTTL: 5 * time.Second})
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	check := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, known(c, web)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if !c.Learn(at(0), web, told("a.com", 10*time.Second, "192.0.2.1", "2001:db8::1")) || !c.Learn(at(0), web, told("b.com", 0, "192.0.2.2")) {
		t.Error("what is new is no news")
	}
	check("what a Pod was told", "a.com 192.0.2.1", "a.com 2001:db8::1", "b.com 192.0.2.2")
	if c.Lapse(at(4)) != nil {
		t.Error("an address lapses before the least time")
	}
	if c.Learn(at(4), web, told("a.com", 10*time.Second, "192.0.2.1")) {
		t.Error("what is known already is news")
	}
	if got := c.Lapse(at(5)); !slices.Equal(got, []types.NamespacedName{web}) {
		t.Errorf("Pods whose addresses lapse: %v", got)
	}
	check("after the least time", "a.com 192.0.2.1", "a.com 2001:db8::1", "b.com 192.0.2.2 lapsed")
	c.Lapse(at(10))
	check("an answer that came again counts from then on", "a.com 192.0.2.1", "a.com 2001:db8::1 lapsed", "b.com 192.0.2.2 lapsed")
	c.Learn(at(10), web, told("a.com", time.Second, "192.0.2.1"))
	if c.Lapse(at(13)); known(c, web)[0] != "a.com 192.0.2.1" {
		t.Error("a later answer with less time takes time away")
	}
	if !c.Learn(at(13), web, told("b.com", time.Minute, "192.0.2.2")) || !c.Lapsed() {
		t.Error("an address that has lapsed and comes again is no news, or none is left")
	}
	used := netip.MustParseAddr("2001:db8::1")
	isUsed := func(_ types.NamespacedName, a netip.Addr) bool { return a == used }
	if got := c.Forget(isUsed); got != nil {
		t.Errorf("an address that is used is forgotten: %v", got)
	}
	used = netip.Addr{}
	if got := c.Forget(isUsed); !slices.Equal(got, []types.NamespacedName{web}) || c.Lapsed() {
		t.Errorf("an address that is not used stays: %v", got)
	}
	check("without what has lapsed", "a.com 192.0.2.1", "b.com 192.0.2.2")
	c.Learn(at(13), db, told("b.com", time.Hour, "192.0.2.2"))
	if all := c.All(); len(all) != 2 || all[1].Expires != at(13+3600) || len(all[1].Pods) != 2 {
		t.Errorf("of all Pods: %+v", all)
	}
	c.Learn(at(13), db, told("long.com", 1000*time.Hour, "192.0.2.3"))
	c.Lapse(at(13 + 24*3600))
	if !c.Resolutions(db)[1].Lapsed {
		t.Error("an address counts for longer than a day")
	}
	if gone := c.Keep(func(pod types.NamespacedName) bool { return pod == web }); !slices.Equal(gone, []types.NamespacedName{db}) || c.Len() != 2 {
		t.Errorf("%v are gone, %d addresses are left", gone, c.Len())
	}
}

// A Pod that is told too much loses what lapses first, and no other Pod loses anything.
func TestCacheIsBounded(t *testing.T) {
	c := NewCache(Limits{PerPod: 100, PerNode: 150})
	c.Learn(begin, db, told("db.com", time.Second, "192.0.2.1"))
	for i := range 1000 {
		c.Learn(begin, web, told(fmt.Sprintf("n%d.com", i), time.Duration(1+i)*time.Second, "192.0.2.7"))
	}
	if c.Len() != 101 || c.Evicted != 900 || len(known(c, db)) != 1 {
		t.Errorf("%d are kept and %d forgotten", c.Len(), c.Evicted)
	}
	if got := c.Resolutions(web); got[0].Name != "n900.com" {
		t.Errorf("not the last are kept, but %s", got[0].Name)
	}
	other := types.NamespacedName{Name: "other"}
	for i := range 100 {
		c.Learn(begin, other, told(fmt.Sprintf("n%d.com", i), time.Hour, "192.0.2.7"))
	}
	if c.Len() != 150 || len(known(c, web)) != 100 || len(known(c, db)) != 1 {
		t.Errorf("of a Node: %d", c.Len())
	}
}

func TestFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state", FileName)
	c, err := Open(file, Limits{})
	if err != nil || c.Len() != 0 {
		t.Fatalf("without a file: %v", err)
	}
	c.Learn(begin, web, told("a.com", time.Minute, "192.0.2.1", "2001:db8::1"))
	c.Learn(begin, db, told("b.com", time.Hour, "192.0.2.2"))
	if err := c.Save(file); err != nil {
		t.Fatal(err)
	}
	again, err := Open(file, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.All(), again.All(), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || again.Len() != 3 {
		t.Errorf("-saved +read:\n%s", diff)
	}
	if again.Lapse(begin.Add(time.Minute)); len(known(again, web)) != 2 || !again.Resolutions(web)[0].Lapsed {
		t.Error("what has lapsed while nobody looked is forgotten")
	}
	if err := os.WriteFile(file, []byte("[{]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if broken, err := Open(file, Limits{}); err == nil || broken.Len() != 0 {
		t.Errorf("a broken file: %v", err)
	}
}

func TestReadConnections(t *testing.T) {
	got := readConnections(`tcp,orig=(src=10.1.0.10,dst=10.96.0.7,sport=1,dport=80),reply=(src=192.0.2.7,dst=10.1.0.10,sport=8080,dport=1),zone=65520,mark=3,protoinfo=(state=ESTABLISHED)
icmpv6,orig=(src=fd00::a,dst=fd00::b,id=1,type=128,code=0),reply=(src=fd00::b,dst=fd00::a,id=1,type=129,code=0),zone=65520
something else
`)
	want := map[ends]bool{
		{netip.MustParseAddr("10.1.0.10"), netip.MustParseAddr("192.0.2.7")}: true, {netip.MustParseAddr("fd00::a"), netip.MustParseAddr("fd00::b")}: true,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
