// Command demo runs scenario S1 in a lab: it brings three clusters up, types the commands of the scenario, shows their
// output, checks every point and leaves the lab running. It exits with 1 if a check fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

func main() {
	name := flag.String("lab", "demo", "name of the lab")
	file := flag.String("file", "test/lab/three-clusters.yaml", "description of the lab")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, *name, *file)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\nThe lab is left as it is: bin/antrea-lab --lab %s status; take it down with: make clean-lab\n", err, *name)
		os.Exit(1)
	}
}

func demo(ctx context.Context, name, file string) error {
	out, err := filepath.Abs("out")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	lab := s1.Lab{Bin: "bin", Name: name, Out: out}

	title("three clusters of three Nodes: bin/antrea-lab --lab " + name + " up " + file)
	start := time.Now()
	if err := lab.Up(ctx, file, func(chunk string) { fmt.Print(chunk) }); err != nil {
		return err
	}
	figures := []s1.Figure{
		{What: "cold: Kubernetes, etcd and CoreDNS built, once a machine", Value: lab.BuildTime(ctx)},
		{What: "warm: lab up", Value: time.Since(start).Round(100 * time.Millisecond).String()},
	}

	typed, err := lab.Play(ctx, show)
	if err != nil {
		return err
	}
	figures = append(figures, typed...)

	pods, err := lab.Pods(ctx)
	if err != nil {
		return err
	}
	title("checks")
	results := s1.RunAll(ctx, s1.Checks(lab, pods), func(r s1.Result) { fmt.Println(r.Line()) })
	always, err := lab.SourceNATAlways(ctx, pods, func(r s1.Result) { fmt.Println(r.Line()) })
	if err != nil {
		return err
	}
	results = append(results, always...)

	cni, err := lab.CNIFigures(ctx, "cl1-node2")
	if err != nil {
		return err
	}
	more, err := lab.Figures(ctx)
	if err != nil {
		return err
	}
	rejoin, err := lab.Rejoin(ctx)
	if err != nil {
		return err
	}
	figures = append(append(figures, cni...), rejoin...)
	title("figures of this run")
	for _, f := range append(figures, more...) {
		fmt.Printf("  %-75s %s\n", f.What, f.Value)
	}
	failed := 0
	for _, r := range results {
		if r.Err != nil {
			failed++
		}
	}
	title(fmt.Sprintf("%d passed, %d failed", len(results)-failed, failed))
	if failed > 0 {
		for _, r := range results {
			if r.Err != nil {
				fmt.Printf("%s %s: %v\n", r.Point, r.What, r.Err)
			}
		}
		return fmt.Errorf("%d of %d checks failed", failed, len(results))
	}
	fmt.Printf(`The lab is running. Look around:
  bin/antrea-lab --lab %[1]s status
  bin/antrea-lab --lab %[1]s exec cl1-node1 -- ovs-ofctl dump-flows br-int
  bin/antrea-lab --lab %[1]s kubectl cl2 get pods -A -o wide
  bin/antctl --kubeconfig $(bin/antrea-lab --lab %[1]s kubeconfig cl1) get ovsflows --node cl1-node1 --table 16
Take it down: make clean-lab
`, name)
	return nil
}

func title(s string) { fmt.Printf("\n=== %s\n", s) }

// show prints a step as it would look in a terminal.
func show(step s1.Step, output string) {
	if step.Title != "" {
		title(step.Title)
	}
	fmt.Println("$ " + step.Command)
	if output = strings.TrimRight(output, "\n"); output != "" {
		fmt.Println(output)
	}
}
