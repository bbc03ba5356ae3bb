package main

import (
	"slices"
	"testing"
	"time"
)

func TestHoles(t *testing.T) {
	start := time.UnixMilli(1_000_000)
	for _, tc := range []struct {
		name, back string // one character a packet, . came back
		want       []Gap
	}{
		{"all", "....", nil},
		{"none", "xxxx", []Gap{{1_000_000, 15, 4}}},
		{"the first", "x...", []Gap{{1_000_000, 5, 1}}},
		{"the last", "...x", []Gap{{1_000_015, 0, 1}}},
		{"two", ".xx.x.", []Gap{{1_000_005, 10, 2}, {1_000_020, 5, 1}}},
		{"nothing was sent", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var sent []time.Time
			for i := range tc.back {
				sent = append(sent, start.Add(time.Duration(i)*5*time.Millisecond))
			}
			if got := holes(sent, func(i int) bool { return tc.back[i] == '.' }); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
