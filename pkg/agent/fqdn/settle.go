package fqdn

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
)

const (
	settleTimeout = time.Second
	firstNudge    = 2 * time.Millisecond
	unseenPass    = 50 * time.Millisecond
)

// settle returns when the datapath has forgotten what it did with packets before the last change of flows. A switch that has new flows
// still drops what it dropped a moment ago, and with it the addresses around, until its revalidators have looked at each entry of the
// datapath once more.
//
// The end of a pass of theirs is what can be waited for. The first one may have begun before the change; the second did not. They pass
// twice a second of their own accord, and at once when flows change: nudge changes some. A switch with datapaths of both kinds does not say
// when; then it is given time.
func settle(ctx context.Context, runDir string, nudge func() error) error {
	socket, err := unixctl.VSwitchd(runDir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	for range 2 {
		err := passed(ctx, socket, nudge)
		var refused *unixctl.Error
		if errors.As(err, &refused) {
			time.Sleep(unseenPass)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// passed returns when a pass of the revalidators ends. One that ends before the switch has heard that somebody waits does not count:
// then it takes another nudge.
func passed(ctx context.Context, socket string, nudge func() error) error {
	done := make(chan error, 1)
	var wait sync.WaitGroup
	defer wait.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait.Go(func() {
		_, err := unixctl.Call(ctx, socket, "revalidator/wait")
		done <- err
	})
	for pause := firstNudge; ; pause *= 2 {
		if err := nudge(); err != nil {
			return err
		}
		select {
		case err := <-done:
			return err
		case <-time.After(pause):
		}
	}
}
