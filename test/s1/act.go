package s1

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Act is a part of a scenario: commands that a person types, and checks of what must then be true.
type Act struct {
	Steps  []Step
	Checks []Check
}

// Play types the steps and shows each with its output.
func (a Act) Play(ctx context.Context, l Lab, show func(Step, string)) error {
	for _, s := range a.Steps {
		out, err := l.Shell(ctx, s.Command)
		show(s, out)
		if err != nil {
			return err
		}
	}
	return nil
}

// TestActs plays all acts in a lab of that description, which is taken down again. With keep it is one that runs, and stays.
func (l Lab) TestActs(t *testing.T, description string, keep bool, acts []Act) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a lab needs root")
	}
	if err := os.MkdirAll(l.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if !keep {
		t.Cleanup(func() {
			if err := l.Down(context.Background()); err != nil {
				t.Error(err)
			}
		})
		if err := l.Up(t.Context(), description, func(chunk string) { fmt.Print(chunk) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, act := range acts {
		if err := act.Play(t.Context(), l, func(step Step, out string) { t.Log(step.Command + "\n" + out) }); err != nil {
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

// ShowActs plays all acts in a lab that runs, as a terminal would look. after is called between the steps of an act and its checks. An
// error says that a step or a check failed.
func (l Lab) ShowActs(ctx context.Context, acts []Act, after func(act int) error) error {
	failed := 0
	for i, act := range acts {
		if err := act.Play(ctx, l, ShowStep); err != nil {
			return err
		}
		if err := after(i); err != nil {
			return err
		}
		ShowTitle("checks")
		RunAll(ctx, act.Checks, func(r Result) {
			fmt.Println(r.Line())
			if r.Err != nil {
				fmt.Println(r.Err)
				failed++
			}
		})
	}
	if failed > 0 {
		return fmt.Errorf("%d checks failed", failed)
	}
	return nil
}

// ShowTitle prints what comes next.
func ShowTitle(s string) { fmt.Printf("\n=== %s\n", s) }

// ShowStep prints a step as it would look in a terminal.
func ShowStep(step Step, output string) {
	if step.Title != "" {
		ShowTitle(step.Title)
	}
	fmt.Println("$ " + step.Command)
	if output = strings.TrimRight(output, "\n"); output != "" {
		fmt.Println(output)
	}
}
