package whereabouts

import (
	"errors"
	"fmt"
)

// KeyError says what is wrong with a key of the configuration, and how to put it right.
type KeyError struct {
	Key string // as in ipam.ipRanges[0].range_end
	Err error
	Fix string
}

func (e *KeyError) Error() string {
	text := fmt.Sprintf("key %s: %v", e.Key, e.Err)
	if e.Fix != "" {
		text += ": " + e.Fix
	}
	return text
}

// Unwrap is what is wrong with the key.
func (e *KeyError) Unwrap() error { return e.Err }

// errMissing says that a key is not there.
var errMissing = errors.New("missing")
