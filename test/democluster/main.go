// Command democluster runs scenario S2 in a lab: it brings a cluster without kube-proxy up, types the commands of the scenario,
// shows their output, checks every point and leaves the lab running. It exits with 1 if a check fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/antrea-mc/antrea-mc/test/s1"
	"github.com/antrea-mc/antrea-mc/test/s2"
)

func main() {
	name := flag.String("lab", "demo-cluster", "name of the lab")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, *name)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\nThe lab is left as it is; take it down with: make clean-lab LAB=%s\n", err, *name)
		os.Exit(1)
	}
}

// looks are what a person would want to see of a Node.
var looks = [][]string{
	{"ovs-vsctl", "show"},
	{"ovs-ofctl", "show", "br-int"},
	{"ip", "route"},
	{"nft", "list", "table", "inet", "antrea-mc-services"},
	{"ovs-ofctl", "dump-flows", "br-int", "table=10"},
}

func demo(ctx context.Context, name string) error {
	lab, err := s2.Open(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(lab.Out, 0o755); err != nil {
		return err
	}
	s1.ShowTitle("a cluster of a master and two workers, without kube-proxy: bin/antrea-lab --lab " + name + " up " + s2.Description)
	if err := lab.Up(ctx, s2.Description, func(chunk string) { fmt.Print(chunk) }); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	err = lab.ShowActs(ctx, s2.Acts(lab, dir), func(act int) error {
		if act > 0 {
			return nil
		}
		return look(ctx, lab)
	})
	if err != nil {
		return err
	}
	fmt.Printf("\nThe lab is running: bin/antrea-lab --lab %[1]s exec worker-01 -- bash. Take it down: make clean-lab LAB=%[1]s\n", name)
	return nil
}

func look(ctx context.Context, lab s1.Lab) error {
	s1.ShowTitle("what worker-01 looks like")
	for _, command := range looks {
		out, err := lab.Exec(ctx, "worker-01", command...)
		s1.ShowStep(s1.Step{Command: strings.Join(command, " ")}, out)
		if err != nil {
			return err
		}
	}
	return nil
}
