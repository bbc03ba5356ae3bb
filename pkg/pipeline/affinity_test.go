package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
)

var chosenEndpoint = regexp.MustCompile(`nat\(dst=([0-9.]+:\d+)\)`)

// A client stays with its endpoint while that is there, whatever becomes of the others, and what was learned of an endpoint goes
// with it. When its time is over, it may be with any.
func TestRealAffinity(t *testing.T) {
	sw := startTraceSwitch(t)
	state := serving()
	load(t, sw.Switch, compile(t, state))
	port := 40000
	ask := func() string {
		t.Helper()
		port++
		packet := fromPod("10.244.1.3", "10.96.0.15") + fmt.Sprintf(",tp_src=%d,tp_dst=80", port)
		text := sw.Appctl("ofproto/trace", "br-int", packet, "-generate", "--ct-next", "trk,new")
		m := chosenEndpoint.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("no endpoint in\n%s", text)
		}
		return m[1]
	}
	learned := func() []openflow.Flow {
		t.Helper()
		conn, err := ofconn.Dial(t.Context(), sw.OpenFlow("br-int"), ofconn.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var flows []openflow.Flow
		for f, err := range conn.DumpFlows(t.Context(), openflow.FlowQuery{Table: TableSessionAffinity}) {
			if err != nil {
				t.Fatal(err)
			}
			if _, ours := CookieFeature(f.Cookie); !ours {
				flows = append(flows, f.Flow)
			}
		}
		return flows
	}
	set := func(endpoints ...string) {
		t.Helper()
		before := CompileOwner(state, Owner{KindService, "default/affinity:"})
		v := *state.Services["default/affinity:"]
		v.Cluster = nil
		for _, e := range endpoints {
			v.Cluster = append(v.Cluster, addrPort(e))
		}
		state.Services["default/affinity:"] = &v
		apply(t, sw.Switch, before, CompileOwner(state, Owner{KindService, "default/affinity:"}))
	}

	first := ask()
	flows := learned()
	if len(flows) != 1 || !strings.Contains(flows[0].String(), "nw_src=10.244.1.3,nw_dst=10.96.0.15") || flows[0].HardTimeout != 10800 {
		t.Fatalf("learned %v", flows)
	}
	both := []string{"10.244.1.2:8080", "10.244.2.2:8080"}
	many := append(slices.Clone(both), "10.244.2.3:8080", "10.244.2.4:8080", "10.244.2.5:8080", "10.244.2.6:8080")
	set(many...)
	if again := ask(); again != first || len(learned()) != 1 {
		t.Errorf("the client is with %s, then with %s; learned %v", first, again, learned())
	}
	set(first)
	if again := ask(); again != first {
		t.Errorf("the client is with %s, then with %s", first, again)
	}
	others := slices.DeleteFunc(slices.Clone(many), func(e string) bool { return e == first })
	set(others...)
	if left := learned(); len(left) != 0 {
		t.Errorf("the endpoint is gone, and there is %v", left)
	}
	if again := ask(); again == first {
		t.Errorf("the client is with %s, which is gone", again)
	}
	chosen := make(map[string]bool)
	for range 20 {
		sw.Ofctl("del-flows", "br-int", fmt.Sprintf("table=%d,cookie=%#x/0xffff000000000000", TableSessionAffinity, learnedMagic))
		chosen[ask()] = true
	}
	if len(chosen) < 2 {
		t.Errorf("of %d endpoints, a client that is forgotten is always with %v", len(others), chosen)
	}
}
