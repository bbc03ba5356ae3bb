package openflow

// AnyValue is a match that has f and what f needs, for tests that cannot be in this package.
func AnyValue(f FieldID, masked bool) Match { return anyValue(f, masked) }
