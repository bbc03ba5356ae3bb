package s3

import (
	"flag"
	"os"
	"testing"
)

var (
	labName = flag.String("lab", "s3", "name of the lab")
	keep    = flag.Bool("keep", false, "use a lab that runs, to type everything again, and leave it running")
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
	lab.TestActs(t, Description, *keep, Acts(lab, dir))
}
