// Command demo-multus runs scenario S3 in a lab: it brings a cluster of two Nodes up, types the commands of the scenario, shows
// their output, checks every point and leaves the lab running. It exits with 1 if a check fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/antrea-mc/antrea-mc/test/s1"
	"github.com/antrea-mc/antrea-mc/test/s3"
)

func main() {
	name := flag.String("lab", "multus", "name of the lab")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, *name)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo-multus: %v\nThe lab is left as it is: bin/antrea-lab --lab %s status; take it down with: make clean-lab LAB=%s\n", err, *name, *name)
		os.Exit(1)
	}
}

func demo(ctx context.Context, name string) error {
	lab, err := s3.Open(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(lab.Out, 0o755); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	s1.ShowTitle("one cluster of two Nodes: bin/antrea-lab --lab " + name + " up " + s3.Description)
	if err := lab.Up(ctx, s3.Description, func(chunk string) { fmt.Print(chunk) }); err != nil {
		return err
	}
	if err := lab.ShowActs(ctx, s3.Acts(lab, dir), func(int) error { return nil }); err != nil {
		return err
	}
	fmt.Printf("\nThe lab goes on running; take it down with: make clean-lab LAB=%s\n", name)
	return nil
}
