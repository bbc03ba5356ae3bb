package netplan

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestDocumented finds a row in the user's page for every key that is read or written.
func TestDocumented(t *testing.T) {
	const page = "../../docs/multus.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var tables []map[string]bool // the names in the first column
	inside := false
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		if !inside {
			inside, tables = true, append(tables, map[string]bool{})
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		for name := range strings.SplitSeq(first, ", ") {
			tables[len(tables)-1][strings.Trim(name, "`")] = true
		}
	}
	for _, keys := range []any{Config{}, Selection{}, Status{}} {
		kind := reflect.TypeOf(keys)
		var missing []string // of the table that has most
		for i, rows := range tables {
			var lacks []string
			for field := range kind.NumField() {
				if key, _, _ := strings.Cut(kind.Field(field).Tag.Get("json"), ","); !rows[key] {
					lacks = append(lacks, key)
				}
			}
			if i == 0 || len(lacks) < len(missing) {
				missing = lacks
			}
		}
		if len(missing) > 0 {
			t.Errorf("%s has no row for %s of %s", page, strings.Join(missing, ", "), kind.Name())
		}
	}
}
