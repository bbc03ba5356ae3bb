package openflow

import "iter"

// AllFields and the like are for tests in other packages' company, which cannot be in this one.
func AllFields() iter.Seq[FieldID] {
	return func(yield func(FieldID) bool) {
		for i := range fields {
			if f := FieldID(i); f.known() && !yield(f) {
				return
			}
		}
	}
}

// AnyValue is a match that has f and what f needs.
func AnyValue(f FieldID, masked bool) Match { return anyValue(f, masked) }

// Maskable reports whether a match can have a mask for f.
func Maskable(f FieldID) bool { return fields[f].mask == maskAny }

// Writable reports whether actions can write f.
func Writable(f FieldID) bool { return fields[f].access == readWrite }
