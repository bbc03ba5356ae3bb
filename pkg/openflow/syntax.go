package openflow

import (
	"errors"
	"fmt"
	"strings"
)

// Syntax is a way to write flows. The zero value is that of `ovs-ofctl --no-names dump-flows`; the String methods and the
// Parse functions use it.
//
// The parsers take both spellings and numbers whatever the Syntax; it adds the names.
type Syntax struct {
	// OpenFlow15 spells actions as `ovs-ofctl -O OpenFlow15` does: set_field instead of mod_dl_dst and load.
	OpenFlow15 bool
	// Ports and Tables are names to write in place of numbers.
	Ports  map[Port]string
	Tables map[TableID]string
	// Registers are names for bits, such as "tenant" for reg0[16..31]. Matches then say tenant=0x5, actions tenant[].
	Registers map[Subfield]string
	// TunMetadata are the lengths of the options that are mapped to tun_metadata0 and so on, 0 for none. Without it a value
	// is as long as its digits.
	TunMetadata [64]uint8
}

// plain is the Syntax of String methods.
var plain = &Syntax{}

// AppendFlow appends a flow without its counters, and ParseFlow reads one.
func (x *Syntax) AppendFlow(b []byte, f Flow) []byte { return x.appendFlow(b, f) }

// AppendMatch appends a match, which is empty text for every packet.
func (x *Syntax) AppendMatch(b []byte, m Match) []byte { return x.appendMatch(b, m) }

// AppendActions appends the actions of a flow or a bucket.
func (x *Syntax) AppendActions(b []byte, a Actions) []byte { return x.appendActions(b, a) }

// ParseFlow reads a flow; see the function [ParseFlow].
func (x *Syntax) ParseFlow(text string) (Flow, error) {
	f, err := x.parseFlow(text)
	if err != nil {
		return Flow{}, fmt.Errorf("flow %q: %w", text, err)
	}
	return f, nil
}

// ParseMatch reads a match; see the function [ParseMatch].
func (x *Syntax) ParseMatch(text string) (Match, error) { return x.parseMatch(text) }

// ParseActions reads actions; see the function [ParseActions].
func (x *Syntax) ParseActions(text string) (Actions, error) { return x.parseActions(text, ProtoTCP) }

// A ParseError says where text is wrong, and why.
type ParseError struct {
	Offset int    // of Word, in bytes from the start of the text
	Word   string // what could not be read
	Err    error
}

// Error names the place and the reason.
func (e *ParseError) Error() string {
	return fmt.Sprintf("at %d, %q: %v", e.Offset+1, e.Word, e.Err)
}

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }

// eachWord calls f for the words of s, and says of the first error where it is. An error inside a word's argument is one of
// the innermost word.
func eachWord(s string, f func(word string) error) error {
	for at, word := range words(s) {
		err := f(word)
		if err == nil {
			continue
		}
		if shift(err, at+strings.IndexAny(word, ":=(")+1) {
			return err
		}
		return &ParseError{Offset: at, Word: word, Err: err}
	}
	return nil
}

// shift moves the place of an error by n bytes, because the text that was read stands so far inside another; false if the
// error has no place. Nobody has made text of the error yet.
func shift(err error, n int) bool {
	var placed *ParseError
	if !errors.As(err, &placed) {
		return false
	}
	placed.Offset += n
	return true
}

// tunLen is the length of a tun_metadata field that is mapped, else 0.
func (x *Syntax) tunLen(f FieldID) int {
	if !fields[f].variable {
		return 0
	}
	n := int(x.TunMetadata[f-FieldTunMetadata0])
	if n%4 != 0 || n > maxTunMetadata {
		return 0
	}
	return n
}
