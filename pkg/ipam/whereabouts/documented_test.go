package whereabouts

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDocumented: the table of docs/whereabouts.md has a row for every key that is read or accepted, and for no other.
func TestDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/whereabouts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| key of `ipam` |")
	table, _, _ = strings.Cut(table, "\n\n")
	if !found {
		t.Fatal("there is no table of the keys")
	}
	var rows []string
	for line := range strings.Lines(table) {
		if columns := strings.SplitN(line, "|", 3); len(columns) == 3 {
			for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(columns[1], -1) {
				rows = append(rows, key[1])
			}
		}
	}
	known := append(jsonKeys(section{}), notRead...)
	for _, key := range known {
		if !slices.Contains(rows, key) {
			t.Errorf("key %s has no row", key)
		}
	}
	for _, key := range rows {
		if !slices.Contains(known, key) {
			t.Errorf("key %s has a row, but nobody reads it", key)
		}
	}
	for _, key := range jsonKeys(rangeSection{}) {
		if !slices.Contains(rows, key) {
			t.Errorf("key ipRanges[].%s has no row", key)
		}
	}
}
