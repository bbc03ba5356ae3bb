package ovsdb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ovn-kubernetes/libovsdb/model"
	libovsdb "github.com/ovn-kubernetes/libovsdb/ovsdb"
)

// Difference is one column of a row, or a whole row, that is not as it should be. Have is empty for a row that is missing.
type Difference struct{ Want, Have string }

// column is one that is not as it should be, as in "type=geneve", with the field of the row and what sets it.
type column struct {
	want, have string
	field      any
	set        func()
}

// differences are columns as those of a row of this name.
func differences(row string, columns []column) []Difference {
	list := make([]Difference, len(columns))
	for i, c := range columns {
		list[i] = Difference{Want: row + " " + c.want, Have: row + " " + c.have}
	}
	return list
}

// correct is what makes the columns of a row as they should be.
func (d *DB) correct(row model.Model, columns []column) ([]libovsdb.Operation, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	fields := make([]any, len(columns))
	for i, c := range columns {
		c.set()
		fields[i] = c.field
	}
	return d.client.Where(row).Update(row, fields...)
}

func appendColumn[T comparable](list []column, name string, field *T, want T) []column {
	if *field == want {
		return list
	}
	return append(list, column{fmt.Sprintf("%s=%v", name, want), fmt.Sprintf("%s=%v", name, *field), field, func() { *field = want }})
}

// appendOptional leaves a column alone that want says nothing of.
func appendOptional[T comparable](list []column, name string, field **T, want T) []column {
	var open T
	have := valueOf(*field)
	if want == open || *field != nil && have == want {
		return list
	}
	return append(list, column{fmt.Sprintf("%s=%v", name, want), fmt.Sprintf("%s=%v", name, have), field, func() { *field = &want }})
}

// appendMap compares whole maps.
func appendMap(list []column, name string, field *map[string]string, want map[string]string) []column {
	if maps.Equal(*field, want) {
		return list
	}
	return append(list, column{mapText(name, want, want), mapText(name, *field, *field), field, func() { *field = want }})
}

// appendMerged compares the keys that want has.
func appendMerged(list []column, name string, field *map[string]string, want map[string]string) []column {
	merged, differs := merge(*field, want)
	if !differs {
		return list
	}
	other := make(map[string]string)
	for key, value := range want {
		if have, ok := (*field)[key]; !ok || have != value {
			other[key] = value
		}
	}
	return append(list, column{mapText(name, want, other), mapText(name, *field, other), field, func() { *field = merged }})
}

// mapText is those entries of a map that have a key of another.
func mapText(name string, m, keys map[string]string) string {
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if _, ok := keys[key]; ok {
			entries = append(entries, key+"="+m[key])
		}
	}
	return name + "={" + strings.Join(entries, ", ") + "}"
}
