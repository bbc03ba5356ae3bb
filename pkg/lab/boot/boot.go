// Package boot is process 1 of a lab, process 1 of each of its nodes and, in the fast lane, of each Pod.
//
// Start at [Run]. A lab's process 1 (lab.go) holds the underlay's network namespace and the loopback forwarders; a node's
// (node.go) first turns the namespaces it was born in into a machine: own /proc, /sys, cgroups, /run, /var and /opt, and
// folders of its own over the machine's /etc and /usr. All of them then only supervise. They know nothing of Kubernetes
// and decide nothing: what runs is ordered by package lab, or by a fast node, through the supervisor's socket.
package boot

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// Spec is the file that [Run] is started with: exactly one of its fields is set.
type Spec struct {
	Lab       *Lab       `json:",omitempty"`
	Node      *Node      `json:",omitempty"`
	Pod       *Pod       `json:",omitempty"`
	Container *Container `json:",omitempty"`
}

// Write writes the file.
func (s Spec) Write(file string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// Arg is the first argument of a program that is to call [Run] with its second.
const Arg = "init"

// Args are the command line of process 1, run by the program that calls it. The two share one binary so that they always
// fit together.
func Args(file string) []string { return []string{"/proc/self/exe", Arg, file} }

// Run is process 1; it returns only when ctx ends or it could not set up.
func Run(ctx context.Context, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var spec Spec
	if err := json.Unmarshal(text, &spec); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	s := supervisor.New()
	g, ctx := errgroup.WithContext(ctx)
	switch {
	case spec.Lab != nil:
		if err := spec.Lab.setUp(); err != nil {
			return err
		}
		for i, target := range spec.Lab.Forwards {
			g.Go(func() error { return forward(ctx, i, target) })
		}
		g.Go(func() error { return s.Serve(ctx, spec.Lab.Socket) })
	case spec.Node != nil:
		if err := spec.Node.setUp(file); err != nil {
			return err
		}
		g.Go(func() error { return s.Serve(ctx, filepath.Join(nodeDir, Socket)) })
	case spec.Pod != nil:
		if err := spec.Pod.setUp(); err != nil {
			return err
		}
		g.Go(func() error { return s.Serve(ctx, spec.Pod.Socket) })
	case spec.Container != nil:
		return spec.Container.become()
	default:
		return fmt.Errorf("%s does not say what to be", file)
	}
	g.Go(func() error {
		s.Reap(ctx)
		return nil
	})
	return g.Wait()
}
