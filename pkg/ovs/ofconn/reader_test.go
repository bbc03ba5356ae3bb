package ofconn

import (
	"runtime"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// most is how many replies to one request wait.
func (c *Conn) most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, req := range c.requests {
		n = max(n, len(req.replies))
	}
	return n
}

// A dump of 35 messages, of which never more than a few wait, however slow the caller is.
func TestDumpIsNotHeldAsAWhole(t *testing.T) {
	_, c := dialFake(t)
	if err := c.Bundle(t.Context(), manyMods); err != nil {
		t.Fatal(err)
	}
	n, most := 0, 0
	for _, err := range c.DumpFlows(t.Context(), openflow.AllFlows) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		for n == 1 && most < patience { // until the reader waits
			most = c.most()
			runtime.Gosched()
		}
		most = max(most, c.most())
	}
	if n != many || most != patience {
		t.Errorf("%d flows, at most %d messages at a time", n, most)
	}
}

// Who goes over a dump can ask for something else meanwhile.
func TestRequestsWithinADump(t *testing.T) {
	_, c := dialFake(t)
	if err := c.Bundle(t.Context(), manyMods); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range c.DumpFlows(t.Context(), openflow.AllFlows) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		for n == 1 && c.most() < patience { // until the reader waits
			runtime.Gosched()
		}
		if n <= 3 {
			if err := c.Bundle(t.Context(), manyMods); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != many {
		t.Errorf("%d flows", n)
	}
}
