// Package faults breaks parts of a Node under traffic and prints what each costs.
//
// faults.go lists what is broken, scene.go is the lab and what must hold after each fault, leaks.go what is left behind, faults_test.go
// runs them and prints the table. Traffic goes from a Pod of cl1-node1 to one of cl1-node2 and between two Pods of cl1-node2, where the faults are.
// Gateways and what they do for each other are tested in test/failover.
package faults

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// victim is the Node where things break.
const victim = "cl1-node2"

// Fault is something that happens to the victim.
type Fault struct {
	Name string
	// Do breaks it, Undo mends what does not mend itself.
	Do, Undo step
	Hold     time.Duration // between the two
	// Harmless faults may lose nothing at all.
	Harmless bool
	// Back, if set, bounds the time without packets after the fault is undone.
	Back time.Duration
	// Away faults take the whole victim away: traffic is between Pods of the other Nodes.
	Away bool
}

// target is the Node that traffic goes to.
func (f Fault) target() string {
	if f.Away {
		return "cl1-master"
	}
	return victim
}

type step func(ctx context.Context, s *Scene) error

// lab is a command of antrea-lab.
func lab(args ...string) step {
	return func(ctx context.Context, s *Scene) error {
		_, err := s.Tool(ctx, args...)
		return err
	}
}

// node is a command on the victim.
func node(args ...string) step {
	return func(ctx context.Context, s *Scene) error {
		_, err := s.Exec(ctx, victim, args...)
		return err
	}
}

func kubectl(args ...string) step {
	return func(ctx context.Context, s *Scene) error {
		_, err := s.Kubectl(ctx, cluster, args...)
		return err
	}
}

func inTurn(steps ...step) step {
	return func(ctx context.Context, s *Scene) error {
		for _, do := range steps {
			if err := do(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
}

func nothing(context.Context, *Scene) error { return nil }

// audited waits until an audit can be asked for: antrea-controller may have been on the Node that came back a moment ago.
func audited(ctx context.Context, s *Scene) error {
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		_, err := s.Antctl(ctx, cluster, "verify", "flows", "--node", victim)
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}

// repair asks for an audit, as a person would who does not want to wait for the next one.
func repair(ctx context.Context, s *Scene) error {
	_, err := s.Antctl(ctx, cluster, "verify", "flows", "--node", victim, "--repair")
	return err
}

// otherBuild makes the switch what the agent of an older build may have left: one more table between two, a drop of its own, and
// a flow less.
func otherBuild() step {
	const cookie = "cookie=0x616d010000000001,"
	return inTurn(
		node("ovs-ofctl", "add-flow", "br-int", cookie+"table=19,priority=0,actions=resubmit(,20)"),
		node("ovs-ofctl", "add-flow", "br-int", cookie+"table=18,priority=0,actions=resubmit(,19)"),
		node("ovs-ofctl", "add-flow", "br-int", cookie+"table=0,priority=7,dl_type=0x88cc,actions=drop"),
		node("ovs-ofctl", "del-flows", "br-int", "table=4,udp,tp_src=67"),
	)
}

// linkMTU gives the victim's link that MTU, and waits until its Pods have theirs.
func linkMTU(link, pods int) step {
	return func(ctx context.Context, s *Scene) error {
		if err := node("ip", "link", "set", "eth0", "mtu", strconv.Itoa(link))(ctx, s); err != nil {
			return err
		}
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			got, err := s.Pod(ctx, s.receivers[victim], "cat", "/sys/class/net/eth0/mtu")
			if err != nil || strings.TrimSpace(got) == strconv.Itoa(pods) {
				return err
			}
			if time.Now().After(end) {
				return fmt.Errorf("the MTU of the link is %d, that of %s still %s", link, s.receivers[victim], got)
			}
		}
	}
}

// powerOff notes when, so that [Scene.Check] can tell the victim's new containers from the former.
func powerOff(ctx context.Context, s *Scene) error {
	s.powerOff = time.Now().Truncate(time.Second)
	return lab("kill", victim, "node")(ctx, s)
}

func kill(what string, signal ...string) step {
	args := []string{"kill", victim, what}
	for _, s := range signal {
		args = append(args, "--signal", s)
	}
	return lab(args...)
}

// apiServer stops or continues the cluster's API server.
func apiServer(signal string) step {
	return lab("kill", "cl1-master", "apiserver", "--signal", signal)
}

// quiet is the fault that is none: what is lost then is the machine's doing, and so may be what is lost by others.
const quiet = "nothing at all"

// Faults are all of them. Those that take the switch away lose packets as long as it is away, and none that are not theirs.
var Faults = []Fault{
	{Name: quiet, Do: nothing, Undo: nothing, Hold: 4 * time.Second},
	{Name: "agent killed (SIGKILL)", Do: kill("agent"), Undo: nothing, Hold: 4 * time.Second, Harmless: true},
	{Name: "agent ended (SIGTERM)", Do: kill("agent", "TERM"), Undo: nothing, Hold: 4 * time.Second, Harmless: true},
	{Name: "agent upgraded from a build with other flows", Do: inTurn(otherBuild(), kill("agent", "TERM")), Undo: nothing, Hold: 4 * time.Second, Harmless: true},
	{Name: "agent frozen", Do: kill("agent", "STOP"), Undo: kill("agent", "CONT"), Hold: 5 * time.Second, Harmless: true},
	{Name: "API server frozen", Do: apiServer("STOP"), Undo: apiServer("CONT"), Hold: 5 * time.Second, Harmless: true},
	{Name: "API server frozen, agent killed", Do: inTurn(apiServer("STOP"), kill("agent")), Undo: apiServer("CONT"), Hold: 8 * time.Second, Harmless: true},
	{Name: "antrea-controller deleted", Do: kubectl("-n", "kube-system", "delete", "pod", "-l", "component=antrea-controller"),
		Undo: kubectl("-n", "kube-system", "rollout", "status", "deployment/antrea-controller", "--timeout=60s"), Harmless: true},
	{Name: "ovsdb-server killed", Do: kill("ovsdb"), Undo: nothing, Hold: 5 * time.Second},
	{Name: "ovs-vswitchd killed", Do: kill("vswitchd"), Undo: nothing, Hold: 5 * time.Second},
	{Name: "ovs-vswitchd and ovsdb-server killed", Do: inTurn(kill("vswitchd"), kill("ovsdb")), Undo: nothing, Hold: 6 * time.Second},
	{Name: "ovs-vswitchd killed, agent frozen", Do: inTurn(kill("agent", "STOP"), kill("vswitchd")), Undo: kill("agent", "CONT"), Hold: 5 * time.Second},
	{Name: "Pod of agent and OVS replaced", Do: kubectl("-n", "kube-system", "delete", "pod", "-l", "component=antrea-agent", "--field-selector=spec.nodeName="+victim),
		Undo: nothing, Hold: 8 * time.Second},
	{Name: "underlay link down", Do: lab("link", victim, "down"), Undo: lab("link", victim, "up"), Hold: 3 * time.Second, Back: 5 * time.Second},
	{Name: "MTU of the underlay link falls to 1400", Do: linkMTU(1400, 1350), Undo: linkMTU(1500, 1450), Hold: 3 * time.Second, Harmless: true},
	{Name: "Node reboots: what the others lose", Do: powerOff, Undo: lab("start", victim), Hold: 3 * time.Second, Harmless: true, Away: true},
	{Name: "all flows deleted by hand", Do: inTurn(audited, node("ovs-ofctl", "del-flows", "br-int"), repair), Undo: nothing, Hold: time.Second},
	{Name: "tunnel port deleted by hand", Do: node("ovs-vsctl", "del-port", "antrea-tun0"), Undo: nothing, Hold: 2 * time.Second},
	{Name: "address of antrea-gw0 and all its routes deleted by hand", Do: node("ip", "address", "flush", "dev", "antrea-gw0"), Undo: nothing, Hold: 5 * time.Second, Harmless: true},
}

// errorf says which fault an error is about.
func (f Fault) errorf(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", f.Name, err)
}
