package s2

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

var (
	labName = flag.String("lab", "s2", "name of the lab")
	keep    = flag.Bool("keep", false, "use a lab that runs, to type everything again, and leave it running")
)

func TestRealScenario(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("a lab needs root")
	}
	t.Chdir("../..")
	lab, err := Open(*labName)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(lab.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if !*keep {
		t.Cleanup(func() {
			if err := lab.Down(context.Background()); err != nil {
				t.Error(err)
			}
		})
		if err := lab.Up(t.Context(), Description, func(chunk string) { fmt.Print(chunk) }); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, act := range Acts(lab, dir) {
		if err := act.Play(t.Context(), lab, func(step s1.Step, out string) { t.Log(step.Command + "\n" + out) }); err != nil {
			t.Fatal(err)
		}
		for _, c := range act.Checks {
			got, err := c.Run(t.Context())
			if err != nil {
				t.Errorf("%s %s: want %s, got %s: %v", c.Point, c.What, c.Want, got, err)
			}
		}
	}
}
