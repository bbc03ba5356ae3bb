package openflow

import (
	"encoding/binary"
	"fmt"
)

// Error is what a switch answers to a message that it refuses.
type Error struct {
	Type, Code uint16
	// Experimenter is set if Type is 0xffff; Code then is the experimenter's.
	Experimenter uint32
	Data         []byte // the beginning of the refused message
}

// Types of errors, and the codes that code asks for by name.
const (
	ErrorBadRequest     = 1
	ErrorBadAction      = 2
	ErrorBadInstruction = 3
	ErrorBadMatch       = 4
	ErrorFlowModFailed  = 5
	ErrorGroupModFailed = 6
	ErrorMeterModFailed = 12
	ErrorBundleFailed   = 17
	ErrorExperimenter   = 0xffff
)

// The errors that a caller may want to tell apart, with errors.Is.
var (
	ErrBadType         = &Error{Type: ErrorBadRequest, Code: 1}
	ErrBadMultipart    = &Error{Type: ErrorBadRequest, Code: 2}
	ErrBadSubtype      = &Error{Type: ErrorBadRequest, Code: 4}
	ErrBadOutGroup     = &Error{Type: ErrorBadAction, Code: 9}
	ErrBadPrereq       = &Error{Type: ErrorBadMatch, Code: 9}
	ErrBadMask         = &Error{Type: ErrorBadMatch, Code: 8}
	ErrGroupExists     = &Error{Type: ErrorGroupModFailed, Code: 0}
	ErrUnknownGroup    = &Error{Type: ErrorGroupModFailed, Code: 8}
	ErrMeterExists     = &Error{Type: ErrorMeterModFailed, Code: 1}
	ErrBundleBadID     = &Error{Type: ErrorBundleFailed, Code: 2}
	ErrBundleBadFlags  = &Error{Type: ErrorBundleFailed, Code: 7}
	ErrBundleMsgFailed = &Error{Type: ErrorBundleFailed, Code: 13} // after the error of the message that is at fault
)

// MessageType implements [Message].
func (*Error) MessageType() MessageType { return TypeError }

// AppendBinary implements [Message].
func (e *Error) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, e.Type)
	b = binary.BigEndian.AppendUint16(b, e.Code)
	if e.Type == ErrorExperimenter {
		b = binary.BigEndian.AppendUint32(b, e.Experimenter)
	}
	return append(b, e.Data...), nil
}

func decodeError(b []byte) (*Error, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	e := &Error{Type: binary.BigEndian.Uint16(b), Code: binary.BigEndian.Uint16(b[2:])}
	b = b[4:]
	if e.Type == ErrorExperimenter {
		if len(b) < 4 {
			return nil, fmt.Errorf("experimenter error in %d bytes: %w", len(b), errTruncated)
		}
		e.Experimenter, b = binary.BigEndian.Uint32(b), b[4:]
	}
	e.Data = clone(b)
	return e, nil
}

// Error implements error with the name of the specification or of Open vSwitch, such as OFPBMC_BAD_PREREQ.
func (e *Error) Error() string { return "switch refused: " + e.Name() }

// Name is the error's name.
func (e *Error) Name() string {
	if e.Type == ErrorExperimenter {
		if name, ok := niciraErrors[e.Code]; ok && e.Experimenter == experimenterNicira {
			return name
		}
		return fmt.Sprintf("error %d of experimenter %#x", e.Code, e.Experimenter)
	}
	if name, ok := errorNames[e.Type][e.Code]; ok {
		return name
	}
	return fmt.Sprintf("error of type %d, code %d", e.Type, e.Code)
}

// Is compares type and code, so that errors.Is finds an error by the one it names.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Type == e.Type && t.Code == e.Code && t.Experimenter == e.Experimenter
}
