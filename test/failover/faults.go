package failover

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// step is something that is done to a gateway, or undone.
type step func(ctx context.Context, s *Scene, victim string) error

// Fault is something that happens to a gateway.
type Fault struct {
	Name string
	// Do breaks the victim, Undo mends what does not mend itself.
	Do, Undo step
	// With are other gateways that the traffic should go through, too.
	With func(victim string) []string
	// Beside is set if the UDP flows are to avoid the victim, and therefore may lose nothing.
	Beside bool
	// Harmless faults may lose nothing at all.
	Harmless bool
	// Cuts is set if nothing can get through as long as the fault lasts: what counts is that it does afterwards.
	Cuts bool
	// Takes is how long Do takes at most, Hold the time between Do and Undo, After how long traffic goes on then.
	Takes, Hold, After time.Duration
	// Side is the cluster of the victim; empty for one after the other.
	Side string
	// Both sides are of interest in every round, instead of one after the other.
	Both bool
	// Rounds is in how many rounds it takes part; 0 is all.
	Rounds int
}

// Times that most faults share.
const (
	hold      = 3 * time.Second  // everything that a fault sets off, it has by then
	reconnect = 5 * time.Second  // for BFD to come up again
	restart   = 8 * time.Second  // for a switch to be back, and for its hold-down
	reboot    = 17 * time.Second // for a Node
	drained   = 18 * time.Second // for a gateway to go, with some to spare
	rejoin    = 11 * time.Second // for a gateway to come back: record, hold-down and BFD
)

// lab is a command of antrea-lab; %s is the victim.
func lab(format ...string) step {
	return func(ctx context.Context, s *Scene, victim string) error {
		args := make([]string, len(format))
		for i, f := range format {
			args[i] = strings.ReplaceAll(f, "%s", victim)
		}
		_, err := s.Tool(ctx, args...)
		return err
	}
}

// kubectl is a command of kubectl on the victim's cluster; %s is the victim.
func kubectl(format ...string) step {
	return func(ctx context.Context, s *Scene, victim string) error {
		args := make([]string, len(format))
		for i, f := range format {
			args[i] = strings.ReplaceAll(f, "%s", victim)
		}
		_, err := s.Kubectl(ctx, cluster(victim), args...)
		return err
	}
}

func drainGateway(args ...string) step {
	return func(ctx context.Context, s *Scene, victim string) error {
		_, err := s.Antctl(ctx, cluster(victim), append([]string{"mc", "drain", "gateway", victim}, args...)...)
		return err
	}
}

// inTurn does one thing after the other.
func inTurn(steps ...step) step {
	return func(ctx context.Context, s *Scene, victim string) error {
		for _, do := range steps {
			if err := do(ctx, s, victim); err != nil {
				return err
			}
		}
		return nil
	}
}

func nothing(context.Context, *Scene, string) error { return nil }

func wait(d time.Duration) step {
	return func(context.Context, *Scene, string) error {
		time.Sleep(d)
		return nil
	}
}

// apis stops or continues the API servers of some clusters. That of cl1 is the leader's.
func apis(signal string, clusters ...string) step {
	return func(ctx context.Context, s *Scene, _ string) error {
		for _, c := range clusters {
			if _, err := s.Tool(ctx, "kill", c+"-master", "apiserver", "--signal", signal); err != nil {
				return err
			}
		}
		return nil
	}
}

// cut has nothing pass between a Node and others.
func cut(from func(victim string) []string, to func(victim string) []string) step {
	return func(ctx context.Context, s *Scene, victim string) error {
		for _, node := range from(victim) {
			args := []string{"drop", node, "both"}
			for _, peer := range to(victim) {
				args = append(args, "--peer", address(peer))
			}
			if _, err := s.Tool(ctx, args...); err != nil {
				return err
			}
		}
		return nil
	}
}

// mend ends a cut.
func mend(of func(victim string) []string) step {
	return func(ctx context.Context, s *Scene, victim string) error {
		for _, node := range of(victim) {
			if _, err := s.Tool(ctx, "drop", node, "off"); err != nil {
				return err
			}
		}
		return nil
	}
}

// Nodes that cuts are between.
func itself(victim string) []string         { return []string{victim} }
func master(victim string) []string         { return []string{cluster(victim) + "-master"} }
func ownGateways(victim string) []string    { return Gateways[cluster(victim)] }
func remoteGateways(victim string) []string { return Gateways[other(cluster(victim))] }
func oneRemote(victim string) []string      { return Victims[other(cluster(victim))][:1] }

func flap(ctx context.Context, s *Scene, victim string) error {
	for range 3 {
		for _, state := range []string{"down", "up"} {
			if _, err := s.Tool(ctx, "link", victim, state); err != nil {
				return err
			}
			time.Sleep(700 * time.Millisecond) // long enough to be noticed, too short to settle
		}
	}
	return nil
}

const gatewayAnnotation = "multicluster.antrea.io/gateway"

// Single are the faults that happen alone.
var Single = []Fault{
	{Name: "kill -9 ovs-vswitchd", Do: lab("kill", "%s", "vswitchd"), Undo: nothing, Hold: hold, After: restart, Both: true},
	{Name: "ovs-vswitchd frozen", Do: lab("kill", "%s", "vswitchd", "--signal", "STOP"), Undo: lab("kill", "%s", "vswitchd", "--signal", "CONT"), Hold: hold, After: reconnect, Both: true},
	{Name: "underlay link down", Do: lab("link", "%s", "down"), Undo: lab("link", "%s", "up"), Hold: hold, After: reconnect, Both: true},
	{Name: "silent black hole", Do: lab("drop", "%s", "both"), Undo: lab("drop", "%s", "off"), Hold: hold, After: reconnect, Both: true},
	{Name: "one direction: nothing to it", Do: lab("drop", "%s", "in"), Undo: lab("drop", "%s", "off"), Hold: hold, After: reconnect, Both: true},
	{Name: "one direction: nothing from it", Do: lab("drop", "%s", "out"), Undo: lab("drop", "%s", "off"), Hold: hold, After: reconnect, Both: true},
	{Name: "node down", Do: lab("kill", "%s", "node"), Undo: lab("start", "%s"), Hold: hold, After: reboot},
	{Name: "OVS dead, agent alive", Do: inTurn(lab("kill", "%s", "ovs", "--signal", "STOP"), lab("kill", "%s", "vswitchd"), lab("kill", "%s", "ovsdb")),
		Undo: lab("kill", "%s", "ovs", "--signal", "CONT"), Hold: hold, After: restart},
	{Name: "agent frozen, OVS alive", Do: lab("kill", "%s", "agent", "--signal", "STOP"), Undo: lab("kill", "%s", "agent", "--signal", "CONT"), Hold: hold, After: hold, Harmless: true},
	{Name: "kill -9 agent", Do: lab("kill", "%s", "agent"), Undo: nothing, Hold: hold, After: reconnect, Harmless: true},
	{Name: "reaches one remote gateway of two", Do: cut(itself, oneRemote), Undo: mend(itself), With: oneRemote, Hold: hold, After: reconnect},
	{Name: "reaches no remote gateway", Do: cut(itself, remoteGateways), Undo: mend(itself), Hold: hold, After: reconnect},
	{Name: "link flaps three times", Do: flap, Undo: nothing, Takes: 8 * time.Second, Hold: hold, After: reconnect},
	{Name: "a Node reaches none of its gateways", Do: cut(master, ownGateways), Undo: mend(master), Hold: hold, After: reconnect, Cuts: true},
	{Name: "a cluster without any gateway", Do: cut(ownGateways, remoteGateways), Undo: mend(ownGateways), Hold: hold, After: reconnect, Cuts: true},

	{Name: "antctl mc drain gateway", Do: drainGateway(), Undo: drainGateway("--undo"), Takes: drained, Hold: time.Second, After: rejoin, Harmless: true},
	{Name: "annotation removed", Do: kubectl("annotate", "node", "%s", gatewayAnnotation+"-"), Undo: kubectl("annotate", "node", "%s", gatewayAnnotation+"=true"),
		Hold: drained, After: rejoin, Harmless: true},
	{Name: "kubectl drain", Do: kubectl("drain", "%s", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"), Undo: kubectl("uncordon", "%s"),
		Takes: 5 * time.Second, Hold: drained, After: rejoin, Harmless: true},
	{Name: "Pod of agent and OVS replaced", Do: kubectl("-n", "kube-system", "delete", "pod", "-l", "component=antrea-agent", "--field-selector=spec.nodeName=%s"), Undo: nothing,
		Takes: 8 * time.Second, Hold: hold, After: 12 * time.Second, Harmless: true},
	{Name: "node shuts down in order", Do: inTurn(lab("kill", "%s", "ovs", "--signal", "TERM"), wait(3*time.Second), lab("kill", "%s", "node")), Undo: lab("start", "%s"),
		Takes: 4 * time.Second, Hold: hold, After: reboot, Harmless: true},
}

// drainAlone is a drain that the leader does not hear of: peers are told by BFD.
var drainAlone = Fault{
	Name: "antctl mc drain gateway, leader's API frozen", Side: "cl2",
	Do: inTurn(apis("STOP", "cl1"), drainGateway()), Undo: inTurn(drainGateway("--undo"), apis("CONT", "cl1")),
	Takes: drained, Hold: time.Second, After: rejoin, Harmless: true, Rounds: 2,
}

// breaking are what a double fault is put together from.
var breaking = Single[:6]

// Without are the first faults again while API servers do not answer.
func Without(what string, clusters ...string) (all []Fault) {
	for _, f := range breaking {
		f.Name += ", " + what
		f.Do, f.Undo = inTurn(apis("STOP", clusters...), f.Do), inTurn(f.Undo, apis("CONT", clusters...))
		f.Both, f.Rounds = false, 1
		all = append(all, f)
	}
	return all
}

// Translated are faults while gateways translate (sourceNAT: Always): connections of the gateway break, others do not notice. TCP
// connections spread over all gateways, so what is asked for is that the UDP flows, which go through others, lose nothing.
func Translated() (all []Fault) {
	for _, f := range []Fault{Single[0], Single[2]} {
		f.Name += ", sourceNAT Always"
		f.Beside, f.Both = true, false
		all = append(all, f)
	}
	return all
}

// Double is two faults at once, drawn from a seed: at gateways of different clusters, or two of cl1, up to half a second apart.
func Double(seed uint64) (f Fault, victims [2]string) {
	r := rand.New(rand.NewPCG(seed, 0))
	a, b := breaking[r.IntN(len(breaking))], breaking[r.IntN(len(breaking))]
	victims = [2]string{Victims["cl1"][0], Victims["cl1"][1]}
	if r.IntN(2) == 0 {
		victims[1] = Victims["cl2"][0]
	}
	apart := time.Duration(r.IntN(500)) * time.Millisecond
	return Fault{
		Name: "two at once",
		With: func(string) []string { return victims[1:] },
		Do: func(ctx context.Context, s *Scene, _ string) error {
			s.Say("seed %d: %s of %s, and %s later %s of %s", seed, a.Name, victims[0], apart, b.Name, victims[1])
			if err := a.Do(ctx, s, victims[0]); err != nil {
				return err
			}
			time.Sleep(apart)
			return b.Do(ctx, s, victims[1])
		},
		Undo: func(ctx context.Context, s *Scene, _ string) error {
			if err := a.Undo(ctx, s, victims[0]); err != nil {
				return fmt.Errorf("mend %s: %w", victims[0], err)
			}
			return b.Undo(ctx, s, victims[1])
		},
		Hold: hold, After: restart,
	}, victims
}
