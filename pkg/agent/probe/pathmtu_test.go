package probe

import (
	"math/rand/v2"
	"testing"
)

// after lets a path of some MTU answer, and returns what is found after a number of rounds. Of echoes, one of lost is lost; 0 is none.
func after(p *path, mtu, rounds, lost int, random *rand.Rand) int {
	for range rounds {
		for _, length := range p.lengths() {
			if length <= mtu && (lost == 0 || random.IntN(lost) > 0) {
				p.answered(length)
			}
		}
		p.round(true)
	}
	return p.found
}

func TestPath(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, mtu := range []int{1500, 1499, 1492, 1450, 1400, 1380, 1000, 577} {
		p := newPath(1500, leastIPv4)
		if got := after(&p, mtu, 30, 0, random); got != mtu {
			t.Errorf("found %d of %d", got, mtu)
		}
		if got := after(&p, 1500, 40, 0, random); got != 1500 {
			t.Errorf("after %d, found %d of 1500", mtu, got)
		}
		if got := after(&p, mtu, 60, 0, random); got != mtu {
			t.Errorf("after 1500, found %d of %d", got, mtu)
		}
		if got := after(&p, 600, 60, 0, random); got != min(mtu, 600) {
			t.Errorf("after %d, found %d of %d", mtu, got, min(mtu, 600))
		}
	}
}

// Echoes that are lost now and then do not make a path narrower for long.
func TestPathWithLoss(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	p := newPath(1500, leastIPv4)
	found := 0
	for range 1000 {
		if after(&p, 1400, 1, 20, random) == 1400 {
			found++
		}
	}
	if found < 900 {
		t.Errorf("found in %d of 1000 rounds", found)
	}
}

// Who answers nobody, and who answers short echoes alone, tells nothing.
func TestPathUnknown(t *testing.T) {
	p := newPath(1500, leastIPv6)
	for range 100 {
		p.round(false)
	}
	if p.found != 0 || p.failed != 1501 {
		t.Errorf("nobody answers: %+v", p)
	}
	if got := after(&p, 100, 200, 0, nil); got != 0 {
		t.Errorf("short echoes alone are answered: %d", got)
	}
	if got := after(&p, 1500, 60, 0, nil); got != 1500 {
		t.Errorf("now all are: %d", got)
	}
}
