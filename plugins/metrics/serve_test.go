package metrics

import (
	"fmt"
	"testing"
)

func TestFew(t *testing.T) {
	var few Few
	for range 2 {
		for i := range most + 10 {
			want := fmt.Sprint("pool", i)
			if i >= most {
				want = Other
			}
			if got := few.Label(fmt.Sprint("pool", i)); got != want {
				t.Fatalf("value %d: got %s, want %s", i, got, want)
			}
		}
	}
}
