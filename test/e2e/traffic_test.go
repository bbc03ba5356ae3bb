package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// traffic is what crosses the network while a test does something to it: a ping every 10 ms and 50 new TCP connections a
// second, from one Pod to another.
type traffic struct {
	done    chan struct{}
	seconds int
	ping    s1.Ping
	tcp     struct {
		Tried, OK int
		MaxGap    time.Duration
		Errors    map[string]int
	}
	err error
}

// startTraffic starts it for some seconds, at least ten: a thousand pings.
func startTraffic(ctx context.Context, from, to s1.Pod, seconds int) *traffic {
	tr := &traffic{done: make(chan struct{}), seconds: seconds}
	pinged := make(chan error, 1)
	go func() {
		out, err := lab.Pod(ctx, from, "probe", "ping", "-interval", "10ms", "-count", fmt.Sprint(seconds*100), to.IP.String())
		if err == nil {
			err = json.Unmarshal([]byte(out), &tr.ping)
		}
		pinged <- err
	}()
	go func() {
		defer close(tr.done)
		out, err := lab.Pod(ctx, from, "probe", "connect", "-rate", "50", "-for", fmt.Sprintf("%ds", seconds), to.IP.String()+":8080")
		if err == nil {
			err = json.Unmarshal([]byte(out), &tr.tcp)
		}
		tr.err = errors.Join(err, <-pinged)
	}()
	return tr
}

func (tr *traffic) ended() bool {
	select {
	case <-tr.done:
		return true
	default:
		return false
	}
}

// requireNothingLost waits for the end of the traffic.
func (tr *traffic) requireNothingLost(t *testing.T, minPings int) {
	t.Helper()
	<-tr.done
	require.NoError(t, tr.err)
	t.Logf("%d pings, %d lost; %d connections, %d lost, longest gap %s", tr.ping.Sent, tr.ping.Lost(), tr.tcp.Tried, tr.tcp.Tried-tr.tcp.OK, tr.tcp.MaxGap)
	require.GreaterOrEqual(t, tr.ping.Sent, minPings)
	require.GreaterOrEqual(t, tr.tcp.Tried, 50*tr.seconds, "new connections")
	require.Zero(t, tr.ping.Lost(), "pings lost")
	require.Equal(t, tr.tcp.Tried, tr.tcp.OK, "connections lost: %v", tr.tcp.Errors)
}
