// Package antreaconf reads files that were written for Antrea: keys and feature gates that are not implemented here are taken
// at Antrea's default and refused, by name, at any other value, and for unknown ones the nearest known name is told.
//
// Start at [Flatten] and [CheckFixed]; gates.go is about featureGates. What keys there are is the business of each program.
package antreaconf

import (
	"fmt"
	"reflect"
	"strings"
)

// Flatten names every value of a document by its path, as in "multicluster.enable".
func Flatten(document map[string]any) map[string]any {
	values := make(map[string]any)
	flatten(values, "", document)
	return values
}

func flatten(into map[string]any, prefix string, m map[string]any) {
	for name, value := range m {
		if inner, ok := value.(map[string]any); ok {
			flatten(into, prefix+name+".", inner)
			continue
		}
		into[prefix+name] = value
	}
}

// CheckFixed refuses any value of a key but nothing and the one that Antrea has by default.
func CheckFixed(name string, value, fixed any) error {
	if value == nil || reflect.DeepEqual(Normal(value), Normal(fixed)) {
		return nil
	}
	return fmt.Errorf("%s: %v is not implemented, only Antrea's default %v: remove the key", name, Show(value), Show(fixed))
}

// Normal makes values comparable: YAML gives numbers as float64 and empty lists for what others leave out.
func Normal(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case []string:
		list := []any{}
		for _, s := range v {
			list = append(list, s)
		}
		return list
	}
	return v
}

// Show is a value as an error message shows it.
func Show(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// Unknown is the error about a name that is none of the known ones. It tells the nearest.
func Unknown(what, name string, known []string) error {
	if n, ok := nearest(name, known); ok {
		return fmt.Errorf("%s: unknown %s; did you mean %s?", name, what, n)
	}
	return fmt.Errorf("%s: unknown %s", name, what)
}

// nearest is the known name that differs from name the least, if it is near enough for a slip.
func nearest(name string, known []string) (string, bool) {
	best, at := "", len(name)/2+1
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < at {
			best, at = k, d
		}
	}
	return best, best != ""
}

// distance is the number of insertions, deletions and replacements between two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
