package openflow

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryActionIsTyped takes the examples of each row of both tables apart and puts them together again. What the switch
// takes has a type.
func TestEveryActionIsTyped(t *testing.T) {
	for _, table := range []struct {
		kinds   []Kind
		samples []actionSample
	}{{actionKinds, actionSamples}, {instructionKinds, instructionSamples}} {
		oxm := &Syntax{OpenFlow15: true}
		tried := make(map[string]bool)
		for _, sample := range table.samples {
			k, _ := kindNamed(table.kinds, sample.kind)
			tried[k.Name] = true
			f, err := tunnelOf4.ParseFlow(sample.flow)
			if err != nil {
				t.Fatal(err)
			}
			for action := range f.Actions.All() {
				if isRaw(action) && k.Refused == "" {
					t.Errorf("%s: %T in %s", sample.kind, action, sample.flow)
				}
				if p, ok := action.(Plain); ok && p.Kind.Name == "" {
					t.Errorf("%s: %+v in %s", sample.kind, action, sample.flow)
				}
			}
			switch again := typedAgain(f.Actions); {
			case again == f.Actions:
			case k.Refused == "":
				t.Errorf("%s: %s\nbecame %s", sample.kind, f.Actions, again)
			case again.String() != f.Actions.String() && string(oxm.AppendActions(nil, again)) != string(oxm.AppendActions(nil, f.Actions)):
				// An older form has other bytes, but it does the same.
				t.Errorf("%s: %s\nbecame %s", sample.kind, f.Actions, again)
			}
		}
		for _, k := range table.kinds {
			if !tried[k.Name] {
				t.Errorf("no example of %s", k.Name)
			}
		}
	}
}

func isRaw(a Action) bool {
	switch a.(type) {
	case RawAction, RawInstruction:
		return true
	}
	return false
}

// checkTyped wants actions that were taken apart and put together to be no other when that is done again.
func checkTyped(t *testing.T, a Actions) {
	t.Helper()
	once := typedAgain(a)
	if again := typedAgain(once); again != once {
		t.Fatalf("%s\nbecame %s\nand then %s", a, once, again)
	}
}

func typedAgain(a Actions) Actions { return Actions{}.With(slices.Collect(a.All())...) }

// TestTypedActionsOfFlows goes over flows as a Node has them. What is known costs at most two allocations an action: its
// value, and one for what it points to.
func TestTypedActionsOfFlows(t *testing.T) {
	for _, name := range []string{"testdata/pipeline.flows", "testdata/other.flows"} {
		for _, line := range flowLines(t, name) {
			f := mustFlow(line)
			for action := range f.Actions.All() {
				if isRaw(action) && !strings.Contains(line, "raw") {
					t.Errorf("%#v in %s", action, line)
				}
			}
			if again := typedAgain(f.Actions); again != f.Actions {
				t.Errorf("%s\nbecame %s", f.Actions, again)
			}
		}
	}
	f := mustFlow("table=1,ip,actions=load:5->reg0,output:1,resubmit(,4),group:3,goto_table:9")
	if n := testing.AllocsPerRun(100, func() {
		for range f.Actions.All() {
		}
	}); n > 10 {
		t.Errorf("%v allocations for 5 actions", n)
	}
}
