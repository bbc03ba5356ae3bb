package failover

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Fault is something that happens to a gateway.
type Fault struct {
	Name string
	// Do breaks the victim, Undo mends what does not mend itself.
	Do, Undo func(ctx context.Context, s *Scene, victim string) error
	// Harmless faults may lose nothing at all.
	Harmless bool
	// Hold is the time between Do and Undo.
	Hold time.Duration
}

// hold is long enough for everything that a fault sets off.
const hold = 4 * time.Second

// lab is a command of antrea-lab as part of a Fault; %s is the victim.
func lab(format ...string) func(context.Context, *Scene, string) error {
	return func(ctx context.Context, s *Scene, victim string) error {
		args := make([]string, len(format))
		for i, f := range format {
			args[i] = f
			if f == "%s" {
				args[i] = victim
			}
		}
		_, err := s.Tool(ctx, args...)
		return err
	}
}

func nothing(context.Context, *Scene, string) error { return nil }

// antctl is a command of antctl on the victim's cluster.
func antctl(args ...string) func(context.Context, *Scene, string) error {
	return func(ctx context.Context, s *Scene, victim string) error {
		_, err := s.Antctl(ctx, victim[:3], append(append([]string{"mc", "drain", "gateway"}, victim), args...)...)
		return err
	}
}

// annotate sets or removes an annotation of the victim.
func annotate(what string) func(context.Context, *Scene, string) error {
	return func(ctx context.Context, s *Scene, victim string) error {
		_, err := s.Kubectl(ctx, victim[:3], "annotate", "node", victim, "--overwrite", what)
		return err
	}
}

// cordon is what kubectl drain begins with.
func cordon(verb string) func(context.Context, *Scene, string) error {
	return func(ctx context.Context, s *Scene, victim string) error {
		_, err := s.Kubectl(ctx, victim[:3], verb, victim)
		return err
	}
}

// both does one thing after the other.
func both(first, second func(context.Context, *Scene, string) error) func(context.Context, *Scene, string) error {
	return func(ctx context.Context, s *Scene, victim string) error {
		if err := first(ctx, s, victim); err != nil {
			return err
		}
		return second(ctx, s, victim)
	}
}

// apis stops or continues the API servers of both clusters, the leader's among them.
func apis(signal string) func(context.Context, *Scene, string) error {
	return func(ctx context.Context, s *Scene, _ string) error {
		for _, c := range Clusters {
			if _, err := s.Tool(ctx, "kill", c+"-master", "apiserver", "--signal", signal); err != nil {
				return err
			}
		}
		return nil
	}
}

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

// drained is how long a gateway that goes takes, with some to spare.
const drained = 18 * time.Second

// Single are the faults that happen alone.
var Single = []Fault{
	{Name: "kill -9 ovs-vswitchd", Do: lab("kill", "%s", "vswitchd"), Undo: nothing, Hold: hold},
	{Name: "ovs-vswitchd frozen", Do: lab("kill", "%s", "vswitchd", "--signal", "STOP"), Undo: lab("kill", "%s", "vswitchd", "--signal", "CONT"), Hold: hold},
	{Name: "underlay link down", Do: lab("link", "%s", "down"), Undo: lab("link", "%s", "up"), Hold: hold},
	{Name: "silent black hole", Do: lab("drop", "%s", "both"), Undo: lab("drop", "%s", "off"), Hold: hold},
	{Name: "one direction: nothing to it", Do: lab("drop", "%s", "in"), Undo: lab("drop", "%s", "off"), Hold: hold},
	{Name: "one direction: nothing from it", Do: lab("drop", "%s", "out"), Undo: lab("drop", "%s", "off"), Hold: hold},
	{Name: "node down", Do: lab("kill", "%s", "node"), Undo: lab("start", "%s"), Hold: hold},
	{Name: "agent frozen, OVS alive", Do: lab("kill", "%s", "agent", "--signal", "STOP"), Undo: lab("kill", "%s", "agent", "--signal", "CONT"), Hold: hold, Harmless: true},
	{Name: "kill -9 agent", Do: lab("kill", "%s", "agent"), Undo: nothing, Hold: hold, Harmless: true},
	{Name: "both APIs frozen, kill -9 ovs-vswitchd", Do: both(apis("STOP"), lab("kill", "%s", "vswitchd")), Undo: apis("CONT"), Hold: hold},
	{Name: "both APIs frozen, link down", Do: both(apis("STOP"), lab("link", "%s", "down")), Undo: both(lab("link", "%s", "up"), apis("CONT")), Hold: hold},
	{Name: "link flaps three times", Do: flap, Undo: nothing, Hold: hold},
	{Name: "antctl mc drain gateway", Do: antctl(), Undo: antctl("--undo"), Hold: 2 * time.Second, Harmless: true},
	{Name: "annotation removed", Do: annotate("multicluster.antrea.io/gateway-"), Undo: annotate("multicluster.antrea.io/gateway=true"), Hold: drained, Harmless: true},
	{Name: "node cordoned", Do: cordon("cordon"), Undo: cordon("uncordon"), Hold: drained, Harmless: true},
}

// breaking are what a double fault is put together from.
var breaking = Single[:6]

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
		Hold: hold,
	}, victims
}
