package ofconn

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn/ofconntest"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

func TestFake(t *testing.T) {
	suite(t, func(t *testing.T) string { return ofconntest.New(t).Addr() })
}

func TestRealSwitch(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	n := 0
	suite(t, func(*testing.T) string {
		n++
		bridge := fmt.Sprintf("br%d", n)
		s.AddBridge(bridge)
		return s.OpenFlow(bridge)
	})
}

// suite is what holds of every switch; start makes an empty one.
func suite(t *testing.T, start func(*testing.T) string) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *Conn)
	}{
		{"a bundle adds, changes and deletes in order", testOrder},
		{"an empty bundle does nothing", testEmptyBundle},
		{"a bundle that fails at commit changes nothing", testCommitFails},
		{"a bundle that is refused on the way changes nothing", testAddRefused},
		{"a change that cannot be encoded changes nothing", testTooLong},
		{"a cancelled bundle leaves the connection usable", testCancelled},
		{"groups are made, replaced and deleted with their flows", testGroups},
		{"buckets are inserted and removed", testBuckets},
		{"meters are made, changed and deleted", testMeters},
		{"a monitor hears of changes of flows", testMonitor},
		{"messages without a reply are refused one by one", testSend},
		{"dumps choose by table, cookie and match", testQueries},
		{"large bundles and dumps", testLarge},
		{"bundles, dumps and barriers at once", testConcurrent},
		{"features and ports", testFeatures},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Dial(t.Context(), start(t), Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.Barrier(t.Context()); err != nil {
				t.Fatal(err)
			}
			test.run(t, c)
			if err := c.Barrier(t.Context()); err != nil {
				t.Errorf("after the test: %v", err)
			}
		})
	}
}

// mods makes changes of text: "add FLOW", "delete FLOW" and so on.
func mods(t *testing.T, lines ...string) iter.Seq[openflow.Mod] {
	t.Helper()
	var list []openflow.Mod
	for _, line := range lines {
		verb, text, _ := strings.Cut(line, " ")
		command := slices.Index([]string{"add", "modify", "modify_strict", "delete", "delete_strict"}, verb)
		f, err := openflow.ParseFlow(text)
		if err != nil || command < 0 {
			t.Fatalf("%q: %v", line, err)
		}
		m := openflow.FlowMod{Command: openflow.Command(command), Flow: f}
		if f.Cookie != 0 && m.Command != openflow.Add {
			m.CookieMask = ^uint64(0)
		}
		list = append(list, m)
	}
	return slices.Values(list)
}

func apply(t *testing.T, c *Conn, lines ...string) {
	t.Helper()
	if err := c.Bundle(t.Context(), mods(t, lines...)); err != nil {
		t.Fatal(err)
	}
}

// holds compares all flows of the switch with text.
func holds(t *testing.T, c *Conn, want ...string) {
	t.Helper()
	queried(t, c, openflow.AllFlows, want...)
}

func queried(t *testing.T, c *Conn, q openflow.FlowQuery, want ...string) {
	t.Helper()
	var got []string
	for s, err := range c.DumpFlows(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Flow.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("switch holds\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

func testOrder(t *testing.T, c *Conn) {
	apply(t, c, "add table=1,priority=1,ip,actions=drop", "add table=1,priority=2,ip,nw_dst=10.0.0.0/8,actions=resubmit(,2)")
	holds(t, c, "table=1, priority=1,ip actions=drop", "table=1, priority=2,ip,nw_dst=10.0.0.0/8 actions=resubmit(,2)")
	apply(t, c, "delete table=1,ip,actions=drop", "add cookie=5,table=1,priority=2,ip,nw_dst=10.0.0.0/8,actions=IN_PORT")
	holds(t, c, "cookie=0x5, table=1, priority=2,ip,nw_dst=10.0.0.0/8 actions=IN_PORT")
	apply(t, c, "modify_strict table=1,priority=2,ip,nw_dst=10.0.0.0/8,actions=drop", "add table=2,priority=7,actions=drop")
	holds(t, c, "cookie=0x5, table=1, priority=2,ip,nw_dst=10.0.0.0/8 actions=drop", "table=2, priority=7 actions=drop")
	apply(t, c, "delete_strict table=2,priority=8,actions=drop", "delete cookie=5,table=255,actions=drop")
	holds(t, c, "table=2, priority=7 actions=drop")
	apply(t, c, "delete_strict table=2,priority=7,actions=drop")
	holds(t, c)
}

func testEmptyBundle(t *testing.T, c *Conn) {
	if err := c.Bundle(t.Context(), mods(t)); err != nil {
		t.Error(err)
	}
}

// refused runs a bundle and wants the change at index to be refused with reason.
func refused(t *testing.T, c *Conn, list iter.Seq[openflow.Mod], index int, reason *openflow.Error) {
	t.Helper()
	err := c.Bundle(t.Context(), list)
	var refusal *BundleError
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a BundleError", err)
	}
	want := slices.Collect(list)[index].String()
	if refusal.Index != index || refusal.Text != want || !errors.Is(err, reason) {
		t.Errorf("got %v, want change %d, %s: %v", err, index, want, reason)
	}
}

func testCommitFails(t *testing.T, c *Conn) {
	apply(t, c, "add table=1,priority=1,actions=drop")
	list := slices.Collect(mods(t, "delete table=1,actions=drop", "add table=1,priority=2,actions=drop"))
	list = append(list, openflow.GroupMod{Command: openflow.GroupModify, Group: openflow.Group{ID: 404}})
	list = slices.AppendSeq(list, mods(t, "add table=1,priority=3,actions=drop"))
	refused(t, c, slices.Values(list), 2, openflow.ErrUnknownGroup)
	holds(t, c, "table=1, priority=1 actions=drop")
	refused(t, c, mods(t, "add table=1,priority=2,actions=drop", "add table=1,priority=3,actions=group:404"), 1, openflow.ErrBadOutGroup)
	holds(t, c, "table=1, priority=1 actions=drop")
}

func testAddRefused(t *testing.T, c *Conn) {
	port80 := openflow.FlowMod{Flow: openflow.Flow{Match: openflow.Match{}.TCPDst(80)}} // of which family?
	list := slices.Collect(mods(t, "add table=1,priority=2,actions=drop"))
	list = append(list, port80)
	list = slices.AppendSeq(list, mods(t, "add table=1,priority=3,actions=drop"))
	refused(t, c, slices.Values(list), 1, openflow.ErrBadPrereq)
	holds(t, c)
	apply(t, c, "add table=1,priority=2,actions=drop")
	holds(t, c, "table=1, priority=2 actions=drop")
}

func testTooLong(t *testing.T, c *Conn) {
	var long openflow.Actions
	for range 5000 {
		long = long.Output(1)
	}
	list := slices.Collect(mods(t, "add table=1,priority=2,actions=drop"))
	list = append(list, openflow.FlowMod{Flow: openflow.Flow{Actions: long}})
	if err := c.Bundle(t.Context(), slices.Values(list)); err == nil || !strings.Contains(err.Error(), "longer than a message") {
		t.Errorf("got %v", err)
	}
	holds(t, c)
	apply(t, c, "add table=1,priority=2,actions=drop")
	holds(t, c, "table=1, priority=2 actions=drop")
}

func testCancelled(t *testing.T, c *Conn) {
	ctx, cancel := context.WithCancel(t.Context())
	list := func(yield func(openflow.Mod) bool) {
		for m := range mods(t, "add table=1,priority=2,actions=drop", "add table=1,priority=3,actions=drop") {
			if !yield(m) {
				return
			}
		}
		cancel()
	}
	if err := c.Bundle(ctx, list); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	holds(t, c)
	apply(t, c, "add table=1,priority=4,actions=drop")
	holds(t, c, "table=1, priority=4 actions=drop")
}

func testGroups(t *testing.T, c *Conn) {
	bucket := func(id uint32, addr string, watch openflow.Port) openflow.Bucket {
		return openflow.Bucket{ID: id, Weight: 100, WatchPort: watch,
			Actions: openflow.Actions{}.SetTunDst(netip.MustParseAddr(addr)).InPort()}
	}
	group := openflow.Group{ID: 9, Type: openflow.GroupSelect, Buckets: []openflow.Bucket{bucket(1, "10.0.0.1", 0)}}
	list := []openflow.Mod{openflow.GroupMod{Command: openflow.GroupAdd, Group: group}}
	list = slices.AppendSeq(list, mods(t, "add table=1,priority=1,actions=group:9", "add table=1,priority=2,actions=drop"))
	if err := c.Bundle(t.Context(), slices.Values(list)); err != nil {
		t.Fatal(err)
	}
	refused(t, c, slices.Values(list[:1]), 0, openflow.ErrGroupExists)
	group.Buckets = append(group.Buckets, bucket(2, "10.0.0.2", 7))
	group.SelectionMethod, group.Fields = "hash", openflow.GroupFields(openflow.FieldIPv4Src)
	replace := openflow.GroupMod{Command: openflow.GroupAddOrModify, Group: group}
	if err := c.Bundle(t.Context(), slices.Values([]openflow.Mod{replace})); err != nil {
		t.Fatal(err)
	}
	groups, err := Collect(c.DumpGroups(t.Context()))
	const want = "group_id=9,type=select,selection_method=hash,fields=ip_src," +
		"bucket=bucket_id:1,weight:100,actions=load:0xa000001->NXM_NX_TUN_IPV4_DST[],IN_PORT," +
		"bucket=bucket_id:2,weight:100,watch_port:7,actions=load:0xa000002->NXM_NX_TUN_IPV4_DST[],IN_PORT"
	if err != nil || len(groups) != 1 || groups[0].String() != want {
		t.Errorf("dump: %v, %v\nwant %s", groups, err, want)
	} else if !groups[0].Equal(group) {
		t.Errorf("dumped %+v\nsent   %+v", groups[0], group)
	}
	remove := openflow.GroupMod{Command: openflow.GroupDelete, Group: openflow.Group{ID: 9}}
	if err := c.Bundle(t.Context(), slices.Values([]openflow.Mod{remove})); err != nil {
		t.Fatal(err)
	}
	holds(t, c, "table=1, priority=2 actions=drop")
}

func testSend(t *testing.T, c *Conn) {
	var list []openflow.Message
	for m := range mods(t, "add table=1,priority=1,actions=drop", "add table=1,priority=2,actions=group:404", "add table=1,priority=3,actions=drop") {
		list = append(list, m)
	}
	err := c.Send(t.Context(), list...)
	var refusal *RefusedError
	if !errors.As(err, &refusal) || refusal.Index != 1 || !errors.Is(err, openflow.ErrBadOutGroup) {
		t.Errorf("got %v", err)
	}
	const want = "message 1, add table=1, priority=2 actions=group:404: switch refused: OFPBAC_BAD_OUT_GROUP"
	if err != nil && err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	holds(t, c, "table=1, priority=1 actions=drop", "table=1, priority=3 actions=drop")
}

func testQueries(t *testing.T, c *Conn) {
	apply(t, c,
		"add cookie=0x11,table=1,priority=1,ip,nw_dst=10.1.0.0/16,actions=drop",
		"add cookie=0x21,table=1,priority=2,ip,nw_dst=10.2.0.0/16,actions=drop",
		"add cookie=0x12,table=2,priority=3,ipv6,actions=drop")
	const (
		one   = "cookie=0x11, table=1, priority=1,ip,nw_dst=10.1.0.0/16 actions=drop"
		two   = "cookie=0x21, table=1, priority=2,ip,nw_dst=10.2.0.0/16 actions=drop"
		three = "cookie=0x12, table=2, priority=3,ipv6 actions=drop"
	)
	queried(t, c, openflow.FlowQuery{Table: 1}, one, two)
	queried(t, c, openflow.FlowQuery{Table: 3})
	queried(t, c, openflow.FlowQuery{Table: openflow.TableAll, Cookie: 0x10, CookieMask: 0xf0}, one, three)
	query := openflow.FlowQuery{Table: 1, Match: openflow.Match{}.IPDst(netip.MustParsePrefix("10.2.0.0/15"))}
	queried(t, c, query, two)
}

const many = 20000

func manyMods(yield func(openflow.Mod) bool) {
	for i := range uint32(many) {
		addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		f := openflow.Flow{Table: 1, Match: openflow.Match{}.IPDst(netip.PrefixFrom(addr, 32)), Actions: openflow.Actions{}.Resubmit(2)}
		if !yield(openflow.FlowMod{Flow: f}) {
			return
		}
	}
}

func testLarge(t *testing.T, c *Conn) {
	if err := c.Bundle(t.Context(), manyMods); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range c.DumpFlows(t.Context(), openflow.FlowQuery{Table: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != many {
		t.Errorf("%d flows after a bundle of %d", n, many)
	}
	for range c.DumpFlows(t.Context(), openflow.AllFlows) {
		break // the rest of the reply must not disturb what follows
	}
	refused(t, c, func(yield func(openflow.Mod) bool) {
		manyMods(yield)
		yield(openflow.FlowMod{Flow: openflow.Flow{Actions: openflow.Actions{}.Group(1)}})
	}, many, openflow.ErrBadOutGroup)
}

func testConcurrent(t *testing.T, c *Conn) {
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 20 {
				line := fmt.Sprintf("add table=%d,priority=%d,actions=drop", worker+1, i+1)
				if err := c.Bundle(t.Context(), mods(t, line)); err != nil {
					t.Error(err)
				}
				for _, err := range c.DumpFlows(t.Context(), openflow.FlowQuery{Table: openflow.TableID(worker + 1)}) {
					if err != nil {
						t.Error(err)
					}
				}
				if err := c.Barrier(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := 0
	for range c.DumpFlows(t.Context(), openflow.AllFlows) {
		n++
	}
	if n != 80 {
		t.Errorf("%d flows, want 80", n)
	}
}

func testFeatures(t *testing.T, c *Conn) {
	f, err := c.Features(t.Context())
	if err != nil || f.DatapathID == 0 || f.Tables != 254 {
		t.Errorf("features %+v: %v", f, err)
	}
	if _, err := Collect(c.DumpPorts(t.Context())); err != nil {
		t.Error(err)
	}
}

func testBuckets(t *testing.T, c *Conn) {
	bucket := func(id uint32) openflow.Bucket {
		return openflow.Bucket{ID: id, Weight: 1, Actions: openflow.Actions{}.Output(openflow.Port(id))}
	}
	group := func(buckets ...openflow.Bucket) openflow.Group {
		return openflow.Group{ID: 9, Type: openflow.GroupSelect, Buckets: buckets}
	}
	insert := func(after uint32, id uint32) openflow.Mod {
		return openflow.GroupMod{Command: openflow.GroupInsert, Bucket: after, Group: group(bucket(id))}
	}
	remove := func(id uint32) openflow.Mod {
		return openflow.GroupMod{Command: openflow.GroupRemove, Bucket: id, Group: openflow.Group{ID: 9}}
	}
	err := c.Bundle(t.Context(), slices.Values([]openflow.Mod{
		openflow.GroupMod{Command: openflow.GroupAdd, Group: group(bucket(1))},
		insert(openflow.BucketLast, 2), insert(openflow.BucketFirst, 3), insert(3, 4), remove(1),
	}))
	if err != nil {
		t.Fatal(err)
	}
	groups, err := Collect(c.DumpGroups(t.Context()))
	var ids []uint32
	for _, b := range groups[0].Buckets {
		ids = append(ids, b.ID)
	}
	if err != nil || !slices.Equal(ids, []uint32{3, 4, 2}) {
		t.Errorf("buckets %d: %v", ids, err)
	}
	refused(t, c, slices.Values([]openflow.Mod{remove(7)}), 0, &openflow.Error{Type: openflow.ErrorGroupModFailed, Code: 15})
	refused(t, c, slices.Values([]openflow.Mod{insert(openflow.BucketFirst, 2)}), 0, &openflow.Error{Type: openflow.ErrorGroupModFailed, Code: 16})
}

func testMeters(t *testing.T, c *Conn) {
	mod := func(command openflow.MeterCommand, text string) openflow.Message {
		m, err := openflow.ParseMeter(text)
		if err != nil {
			t.Fatal(err)
		}
		return openflow.MeterMod{Command: command, Meter: m}
	}
	const one, two = "meter=1 pktps bands= type=drop rate=100", "meter=2 kbps bands= type=drop rate=7"
	err := c.Send(t.Context(), mod(openflow.MeterAdd, "meter=1,pktps,band=type=drop,rate=10"),
		mod(openflow.MeterAdd, "meter=2,kbps,band=type=drop,rate=7"), mod(openflow.MeterModify, "meter=1,pktps,band=type=drop,rate=100"))
	if err != nil {
		t.Fatal(err)
	}
	meters, err := Collect(c.DumpMeters(t.Context()))
	if err != nil || len(meters) != 2 || meters[0].String() != one || meters[1].String() != two {
		t.Errorf("meters %v: %v", meters, err)
	}
	err = c.Send(t.Context(), mod(openflow.MeterAdd, "meter=2,kbps,band=type=drop,rate=7"),
		mod(openflow.MeterModify, "meter=3,kbps,band=type=drop,rate=7"))
	for _, want := range []string{"OFPMMFC_METER_EXISTS", "OFPMMFC_UNKNOWN_METER"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
	all := openflow.MeterMod{Command: openflow.MeterDelete, Meter: openflow.Meter{ID: openflow.MeterAll}}
	if err := c.Send(t.Context(), all); err != nil {
		t.Error(err)
	}
	if meters, err = Collect(c.DumpMeters(t.Context())); err != nil || len(meters) != 0 {
		t.Errorf("meters after the deletion: %v: %v", meters, err)
	}
}

func testMonitor(t *testing.T, c *Conn) {
	apply(t, c, "add table=1,priority=1,actions=drop", "add table=2,priority=1,actions=drop")
	query := openflow.FlowMonitor{Table: 1, Flags: openflow.MonitorInitial | openflow.MonitorAdd | openflow.MonitorRemoved |
		openflow.MonitorModify | openflow.MonitorInstructions | openflow.MonitorOnlyOwn}
	var got []string
	for range 2 { // the first one leaves nothing behind
		got = nil
		for u, err := range c.MonitorFlows(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %s", u.Event, u.Flow))
			if u.Event == openflow.MonitorFlowRemoved {
				break
			}
			switch u.Event {
			case openflow.MonitorFlowInitial:
				for _, err := range c.MonitorFlows(t.Context(), query) {
					if !errors.Is(err, ErrMonitorExists) {
						t.Errorf("a second monitor: %v", err)
					}
				}
				apply(t, c, "add table=2,priority=2,actions=drop", "add table=1,priority=2,ip,actions=drop")
			case openflow.MonitorFlowAdded:
				apply(t, c, "modify table=1,ip,actions=resubmit(,2)")
			case openflow.MonitorAbbrev:
				t.Fatal("a change of its own came without its flow")
			case openflow.MonitorFlowModified:
				apply(t, c, "delete table=1,ip,actions=drop")
			}
		}
	}
	want := []string{"0 table=1, priority=1 actions=drop", "1 table=1, priority=2,ip actions=drop",
		"3 table=1, priority=2,ip actions=resubmit(,2)", "2 table=1, priority=2,ip actions=resubmit(,2)"}
	if !slices.Equal(got, want) {
		t.Errorf("heard\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
