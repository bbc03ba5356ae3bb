package ofconn_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn/ofconntest"
)

// withSwitch connects to a switch of the tests. That of a node is at unix:/var/run/openvswitch/br-int.mgmt.
func withSwitch(f func(context.Context, *ofconn.Conn)) {
	dir, err := os.MkdirTemp("", "of")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := ofconntest.Listen(filepath.Join(dir, "switch"))
	if err != nil {
		panic(err)
	}
	defer s.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := ofconn.Dial(ctx, s.Addr(), ofconn.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	f(ctx, c)
}

func flowMod(text string) openflow.FlowMod {
	f, err := openflow.ParseFlow(text)
	if err != nil {
		panic(err)
	}
	return openflow.FlowMod{Flow: f}
}

// A bundle makes all of its changes or none. The one that the switch refuses is named.
func ExampleConn_Bundle() {
	withSwitch(func(ctx context.Context, c *ofconn.Conn) {
		err := c.Bundle(ctx, slices.Values([]openflow.Mod{
			flowMod("table=1,priority=10,ip,actions=resubmit(,2)"),
			flowMod("table=2,priority=10,ip,actions=group:7"),
		}))
		var refused *ofconn.BundleError
		if errors.As(err, &refused) {
			fmt.Println("change", refused.Index)
			fmt.Println(refused.Text)
			fmt.Println(refused.Err)
		}
	})
	// Output:
	// change 1
	// add table=2, priority=10,ip actions=group:7
	// switch refused: OFPBAC_BAD_OUT_GROUP
}

// A dump is gone over while it comes in; it never lies in memory as a whole.
func ExampleConn_DumpFlows() {
	withSwitch(func(ctx context.Context, c *ofconn.Conn) {
		add := []openflow.Mod{
			flowMod("cookie=0x11,table=1,priority=10,ip,actions=resubmit(,2)"),
			flowMod("cookie=0x22,table=1,priority=20,ipv6,actions=drop"),
		}
		if err := c.Bundle(ctx, slices.Values(add)); err != nil {
			fmt.Println(err)
			return
		}
		query := openflow.FlowQuery{Table: openflow.TableAll, Cookie: 0x20, CookieMask: 0xf0}
		for flow, err := range c.DumpFlows(ctx, query) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(flow.Flow)
		}
	})
	// Output:
	// cookie=0x22, table=1, priority=20,ipv6 actions=drop
}

// Send is for messages that have no reply and no place in a bundle; each is in effect by itself.
func ExampleConn_Send() {
	withSwitch(func(ctx context.Context, c *ofconn.Conn) {
		err := c.Send(ctx,
			flowMod("table=1,priority=10,ip,actions=group:7"),
			flowMod("table=1,priority=20,ip,actions=drop"))
		fmt.Println(err)
		flows, err := ofconn.Collect(c.DumpFlows(ctx, openflow.AllFlows))
		fmt.Println(len(flows), "flow", err)
	})
	// Output:
	// message 0, add table=1, priority=10,ip actions=group:7: switch refused: OFPBAC_BAD_OUT_GROUP
	// 1 flow <nil>
}

// Run connects again whenever the connection ends. The function gets each connection, and a context that ends with it.
func ExampleRun() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	report := func(err error) { fmt.Println("connecting again:", err) }
	err := ofconn.Run(ctx, "unix:/var/run/openvswitch/br-int.mgmt", ofconn.Config{Report: report},
		func(ctx context.Context, c *ofconn.Conn) error {
			for event, err := range c.Events(ctx) {
				if err != nil {
					return err
				}
				if event.Type == openflow.TypePortStatus {
					fmt.Println("a port changed:", event.Message)
				}
			}
			return nil
		})
	fmt.Println(err)
}
