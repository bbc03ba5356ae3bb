package pipeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"slices"
)

// slotCount is the number of buckets of a group that chooses among gateways. It is as large as Open vSwitch allows before it
// gives up choosing by the datapath's hash, which needs one cached flow a bucket instead of one a connection.
const slotCount = 64

// slots says which of the targets each bucket of a group belongs to. Every target gets its share by weight, and at least one
// as long as there are enough; which ones depends on its address alone. So a target that comes or goes moves hardly any
// packets but its own, where one bucket a target would move two thirds of all; and the switch, which sends what a dead
// bucket would get to the next live one, spreads it over all survivors.
func slots(targets []target) []int {
	if len(targets) == 1 {
		return []int{0}
	}
	type bid struct {
		score        uint64
		slot, target int
	}
	bids := make([]bid, 0, slotCount*len(targets))
	for i, t := range targets {
		for slot := range slotCount {
			bids = append(bids, bid{score(t.address, slot), slot, i})
		}
	}
	slices.SortFunc(bids, func(a, b bid) int {
		return cmp.Or(cmp.Compare(b.score, a.score), targets[a.target].address.Compare(targets[b.target].address))
	})
	quota := quotas(targets)
	owners := slices.Repeat([]int{-1}, slotCount)
	for _, b := range bids {
		if owners[b.slot] < 0 && quota[b.target] > 0 {
			owners[b.slot] = b.target
			quota[b.target]--
		}
	}
	return owners
}

// score is how much a target wants a slot: a hash, the same on every Node.
func score(a netip.Addr, slot int) uint64 {
	sum := sha256.Sum256(append(a.AsSlice(), byte(slot)))
	return binary.BigEndian.Uint64(sum[:])
}

// quotas are the numbers of slots by weight. What rounding leaves over goes to those who lost most by it.
func quotas(targets []target) []int {
	total := 0
	for _, t := range targets {
		total += t.weight
	}
	quota := make([]int, len(targets))
	byRest := make([]int, len(targets))
	left := slotCount
	for i, t := range targets {
		byRest[i] = i
		quota[i] = min(max(slotCount*t.weight/total, 1), left)
		left -= quota[i]
	}
	slices.SortFunc(byRest, func(a, b int) int {
		return cmp.Or(cmp.Compare(slotCount*targets[b].weight%total, slotCount*targets[a].weight%total),
			targets[a].address.Compare(targets[b].address))
	})
	for _, i := range byRest {
		if left > 0 {
			quota[i]++
			left--
		}
	}
	return quota
}
