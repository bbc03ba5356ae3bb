package pipeline

import (
	"fmt"
	"testing"
)

// targetsOf are gateways .1, .2 and so on with these weights.
func targetsOf(weights ...int) []target {
	var targets []target
	for i, w := range weights {
		targets = append(targets, target{address: addr(fmt.Sprintf("192.168.77.%d", i+1)), weight: w})
	}
	return targets
}

func counts(owners []int, n int) []int {
	c := make([]int, n)
	for _, o := range owners {
		c[o]++
	}
	return c
}

func TestSlotsByWeight(t *testing.T) {
	tests := []struct {
		weights []int
		want    string
	}{
		{[]int{100, 100}, "[32 32]"},
		{[]int{1, 1, 1, 1}, "[16 16 16 16]"},
		{[]int{100, 50, 50}, "[32 16 16]"},
		{[]int{300, 100}, "[48 16]"},
		{[]int{65535, 1}, "[63 1]"}, // everybody gets something
		{[]int{7}, "[1]"},
	}
	for _, test := range tests {
		if got := fmt.Sprint(counts(slots(targetsOf(test.weights...)), len(test.weights))); got != test.want {
			t.Errorf("weights %v: slots %s, want %s", test.weights, got, test.want)
		}
	}
	thirds := counts(slots(targetsOf(1, 1, 1)), 3)
	for _, n := range thirds {
		if n < 21 || n > 22 {
			t.Errorf("three equals: %v", thirds)
		}
	}
	many := make([]int, 2*slotCount)
	for i := range many {
		many[i] = 1
	}
	for _, n := range counts(slots(targetsOf(many...)), len(many)) {
		if n > 1 {
			t.Errorf("more gateways than slots: one has %d", n)
		}
	}
}

// A gateway that comes takes its share from the others; hardly anything moves between those. That is also what happens, the
// other way round, when it goes.
func TestSlotsMoveOnlyWhatTheyMust(t *testing.T) {
	for n := 3; n <= 6; n++ {
		equal := make([]int, n)
		for i := range equal {
			equal[i] = 100
		}
		after := slots(targetsOf(equal...))
		before := slots(targetsOf(equal[1:]...)) // the same addresses but the last
		moved, must := 0, 0
		for slot, owner := range after {
			switch {
			case owner == n-1:
				must++
			case owner != before[slot]:
				moved++
			}
		}
		t.Logf("%d gateways and one more: %d slots of %d move to it, %d between others", n-1, must, slotCount, moved)
		if moved > slotCount/10 {
			t.Errorf("%d gateways and one more: %d slots move to it, %d between others", n-1, must, moved)
		}
	}
}

// The order in which gateways are listed is nothing.
func TestSlotsIgnoreOrder(t *testing.T) {
	targets := targetsOf(100, 50, 70)
	backwards := []target{targets[2], targets[1], targets[0]}
	a, b := slots(targets), slots(backwards)
	for i := range a {
		if targets[a[i]].address != backwards[b[i]].address {
			t.Fatalf("slot %d: %s or %s", i, targets[a[i]].address, backwards[b[i]].address)
		}
	}
}

// What the slots of one gateway fall to when it is dead: the switch takes the next live bucket.
func TestSlotsOfTheDeadAreSpread(t *testing.T) {
	owners := slots(targetsOf(1, 1, 1, 1))
	for dead := range 4 {
		heirs := make([]int, 4)
		for slot, owner := range owners {
			if owner != dead {
				continue
			}
			next := slot
			for owners[next] == dead {
				next = (next + 1) % slotCount
			}
			heirs[owners[next]]++
		}
		for heir, n := range heirs {
			if heir != dead && n == 0 {
				t.Errorf("gateway %d inherits nothing from %d: %v", heir, dead, heirs)
			}
		}
	}
}
