package proxy

import (
	"hash/fnv"

	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Numbers gives ports their numbers: hashes of their names, so that they are the same after a restart, and on every Node. Of two
// with the same hash, the one that came later takes the next that is free. The zero value is ready.
type Numbers struct {
	byName map[string]uint32
	taken  map[uint32]bool
}

// Of is the number of a port, from 1 to pipeline.MaxServiceID.
func (n *Numbers) Of(name string) uint32 {
	if number, ok := n.byName[name]; ok {
		return number
	}
	if n.byName == nil {
		n.byName, n.taken = make(map[string]uint32), make(map[uint32]bool)
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	number := uint32(h.Sum64()%pipeline.MaxServiceID) + 1
	for n.taken[number] {
		number = number%pipeline.MaxServiceID + 1
	}
	n.byName[name], n.taken[number] = number, true
	return number
}

// Free takes back the number of a port that is gone.
func (n *Numbers) Free(name string) {
	delete(n.taken, n.byName[name])
	delete(n.byName, name)
}
