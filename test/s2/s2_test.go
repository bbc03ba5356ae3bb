package s2

import (
	"flag"
	"os"
	"testing"
)

var (
	labName = flag.String("lab", "s2", "name of the lab")
	keep    = flag.Bool("keep", false, "use a lab that runs, to type everything again, and leave it running")
	away    = flag.Bool("controller", false, "go on with policySource: controller, and take the controller and the API away")
)

func TestRealScenario(t *testing.T) {
	t.Chdir("../..")
	lab, err := Open(*labName)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	acts := Acts(lab, dir)
	if *away {
		acts = append(acts, ControllerActs(lab, dir)...)
	}
	lab.TestActs(t, Description, *keep, acts)
}
