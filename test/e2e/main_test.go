// Package e2e runs scenario S1 in a lab of its own and then breaks it: agents killed, a cluster that leaves, a Node that
// dies, packets from strangers, ranges that overlap.
//
// main_test.go brings the lab up for the first test and takes it down after the last; each other file is one kind of trouble. The tests share the lab and
// run in the order of the files' names; each leaves the lab as it found it.
package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

var (
	labName = flag.String("lab", "e2e", "name of the lab")
	keep    = flag.Bool("keep", false, "use a lab that runs, and leave it running")

	lab  s1.Lab
	pods []s1.Pod
)

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if lab.Name != "" && !*keep {
		if err := lab.Down(context.Background()); err != nil {
			fmt.Println("test/e2e: taking the lab down:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// needLab brings the lab up for the first test that needs it.
func needLab(t *testing.T) {
	t.Helper()
	if err := start(); err != nil {
		t.Fatalf("no lab: %v", err)
	}
}

var start = sync.OnceValue(func() error {
	if os.Getuid() != 0 {
		return errors.New("a lab needs root")
	}
	if err := os.Chdir("../.."); err != nil {
		return err
	}
	out, err := filepath.Abs("out/" + *labName)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	lab = s1.Lab{Bin: "bin", Name: *labName, Out: out}
	ctx := context.Background()
	if !*keep {
		if err := lab.Up(ctx, "test/lab/three-clusters.yaml", func(chunk string) { fmt.Print(chunk) }); err != nil {
			return err
		}
		start := time.Now()
		_, err := lab.Play(ctx, func(step s1.Step, _ string) {
			fmt.Printf("%6.1fs $ %s\n", time.Since(start).Seconds(), step.Command)
		})
		if err != nil {
			return err
		}
	}
	pods, err = lab.Pods(ctx)
	return err
})

// expect runs checks and fails the test for each that does not hold.
func expect(t *testing.T, checks []s1.Check) {
	t.Helper()
	for _, c := range checks {
		got, err := c.Run(t.Context())
		require.NoError(t, err, "%s %s: want %s, got %s", c.Point, c.What, c.Want, got)
		t.Logf("%s %s: %s", c.Point, c.What, got)
	}
}
