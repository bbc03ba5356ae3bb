package ofconn

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// monitorID names the monitor of a connection.
const monitorID = 1

// ErrMonitorExists is what a second monitor on a connection gets: updates do not say which monitor they are for.
var ErrMonitorExists = errors.New("the connection has a flow monitor already")

// MonitorFlows goes over changes of the flows that m chooses, first over those there are if m asks for that, and waits for
// more. It ends with an error, when the connection or ctx has ended. Who is too slow gets MonitorPaused from the switch, which
// then tells of no changes until MonitorResumed. Changes of this connection come as MonitorAbbrev, with no
// more than their xid, unless m has MonitorOnlyOwn, which Open vSwitch takes for that they come in full. The id and command of m
// do not matter; a connection has one monitor at a time.
func (c *Conn) MonitorFlows(ctx context.Context, m openflow.FlowMonitor) iter.Seq2[openflow.FlowUpdate, error] {
	return func(yield func(openflow.FlowUpdate, error) bool) {
		fail := func(err error) { yield(openflow.FlowUpdate{}, fmt.Errorf("monitor flows: %w", err)) }
		m.ID, m.Command = monitorID, openflow.MonitorStart
		xid, req, err := c.startMonitor(ctx, m)
		if err != nil {
			fail(err)
			return
		}
		defer c.stopMonitor(ctx, req, xid)
		for {
			reply, err := c.next(ctx, req)
			if err != nil {
				fail(err)
				return
			}
			part, err := partOf(reply, openflow.MultipartFlowMonitor)
			for b := part.Body; err == nil && len(b) > 0; {
				var u openflow.FlowUpdate
				if u, b, err = openflow.DecodeFlowUpdate(b); err == nil && !yield(u, nil) {
					return
				}
			}
			if err != nil {
				fail(err)
				return
			}
			c.dealtWith(reply)
		}
	}
}

// startMonitor also collects the updates, which come with xid 0.
func (c *Conn) startMonitor(ctx context.Context, m openflow.FlowMonitor) (uint32, *request, error) {
	message, err := openflow.NewMultipart(openflow.MultipartFlowMonitor, false, m)
	if err != nil {
		return 0, nil, err
	}
	xid := c.xid()
	b, err := c.encode(nil, xid, message)
	if err != nil {
		return 0, nil, err
	}
	req := &request{arrived: make(chan struct{}, 1), standing: true}
	c.mu.Lock()
	if c.monitor != nil {
		c.mu.Unlock()
		return 0, nil, ErrMonitorExists
	}
	c.monitor, c.requests[xid] = req, req
	c.mu.Unlock()
	if err := c.send(ctx, b); err != nil {
		c.forgetMonitor(req, xid)
		return 0, nil, err
	}
	return xid, req, nil
}

func (c *Conn) forgetMonitor(req *request, xid uint32) {
	c.end(req, xid)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.monitor = nil
}

// stopMonitor has the switch forget the monitor, whatever became of the caller's context.
func (c *Conn) stopMonitor(ctx context.Context, req *request, xid uint32) {
	defer c.forgetMonitor(req, xid)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	stop := openflow.FlowMonitor{ID: monitorID, Command: openflow.MonitorDelete}
	message, err := openflow.NewMultipart(openflow.MultipartFlowMonitor, false, stop)
	if err == nil {
		_, err = c.Call(ctx, message)
	}
	var refused *openflow.Error
	if err != nil && !errors.As(err, &refused) && c.Err() == nil {
		c.fail(fmt.Errorf("stop flow monitor: %w", err))
	}
}
