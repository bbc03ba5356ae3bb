package openflow

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// atLeast and exactly check the length of what is left to decode.
func atLeast(b []byte, n int) error {
	if len(b) < n {
		return fmt.Errorf("%d of %d bytes: %w", len(b), n, errTruncated)
	}
	return nil
}

func exactly(b []byte, n int) error {
	if len(b) > n {
		return fmt.Errorf("%d bytes, %d too many", len(b), len(b)-n)
	}
	return atLeast(b, n)
}

// cutItem takes an item off the front of b that has its length in its first two bytes, or at another place.
func cutItem(b []byte, at, least int) (item, rest []byte, err error) {
	if err := atLeast(b, least); err != nil {
		return nil, nil, err
	}
	n := int(binary.BigEndian.Uint16(b[at:]))
	if n < least || n > len(b) {
		return nil, nil, fmt.Errorf("item of %d bytes in %d: %w", n, len(b), errTruncated)
	}
	return b[:n], b[n:], nil
}

// beginProperty starts a property of which endProperty writes the length and the padding.
func beginProperty(b []byte, kind uint16) ([]byte, int) {
	b = binary.BigEndian.AppendUint16(b, kind)
	return append(b, 0, 0), len(b) - 2
}

func endProperty(b []byte, start int) []byte {
	n := len(b) - start
	binary.BigEndian.PutUint16(b[start+2:], uint16(n))
	return append(b, allZeros[:pad8(n)]...)
}

func appendProperty(b []byte, kind uint16, body []byte) []byte {
	b, start := beginProperty(b, kind)
	return endProperty(append(b, body...), start)
}

// properties goes over properties that fill b, each with its header in whole.
func properties(b []byte) iter.Seq2[property, error] {
	return func(yield func(property, error) bool) {
		for len(b) > 0 {
			whole, _, err := cutItem(b, 2, 4)
			if err != nil {
				yield(property{}, fmt.Errorf("property: %w", err))
				return
			}
			p := property{kind: binary.BigEndian.Uint16(whole), body: whole[4:], whole: b[:min(len(whole)+pad8(len(whole)), len(b))]}
			if p.kind >= propExperimenter-1 && len(p.body) < 8 {
				yield(property{}, fmt.Errorf("experimenter property: %w", errTruncated))
				return
			}
			if !yield(p, nil) {
				return
			}
			b = b[len(p.whole):]
		}
	}
}

// property is one of a list of type, length and value.
type property struct {
	kind  uint16
	body  []byte
	whole []byte // with header and padding
}

// uint is the number of n bytes that the body is. Short ones may have padding, as 16 bits have it in the specification; those
// of 64 bits are aligned.
func (p property) uint(n int) (uint64, error) {
	body := p.body
	switch {
	case n <= 2 && len(body) > n:
		body = body[:n]
	case n == 8 && len(body) == 12:
		body = body[4:]
	}
	if err := exactly(body, n); err != nil {
		return 0, fmt.Errorf("property %d: %w", p.kind, err)
	}
	return uintOf(string(body)), nil
}
