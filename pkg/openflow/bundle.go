package openflow

import (
	"encoding/binary"
	"fmt"
)

// BundleType is the step of a bundle that a [BundleControl] is.
type BundleType uint16

// The steps of a bundle. Each request has a reply.
const (
	BundleOpen         BundleType = 0
	BundleOpenReply    BundleType = 1
	BundleClose        BundleType = 2
	BundleCloseReply   BundleType = 3
	BundleCommit       BundleType = 4
	BundleCommitReply  BundleType = 5
	BundleDiscard      BundleType = 6
	BundleDiscardReply BundleType = 7
)

// BundleFlags must be the same in every message of a bundle.
type BundleFlags uint16

// The flags of a bundle.
const (
	BundleAtomic BundleFlags = 1 << iota
	BundleOrdered
)

// BundleControl opens, commits or discards a bundle.
type BundleControl struct {
	ID    uint32
	Type  BundleType
	Flags BundleFlags
}

// MessageType implements [Message].
func (BundleControl) MessageType() MessageType { return TypeBundleControl }

// AppendBinary implements [Message].
func (m BundleControl) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, m.ID)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Type))
	return binary.BigEndian.AppendUint16(b, uint16(m.Flags)), nil
}

func decodeBundleControl(b []byte) (BundleControl, error) {
	if len(b) < 8 {
		return BundleControl{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	return BundleControl{
		ID:    binary.BigEndian.Uint32(b),
		Type:  BundleType(binary.BigEndian.Uint16(b[4:])),
		Flags: BundleFlags(binary.BigEndian.Uint16(b[6:])),
	}, nil
}

// BundleAdd adds a change to a bundle. Xid must be the one that the message itself is sent with.
type BundleAdd struct {
	ID    uint32
	Flags BundleFlags
	Xid   uint32
	Mod   Mod
}

// MessageType implements [Message].
func (BundleAdd) MessageType() MessageType { return TypeBundleAdd }

// AppendBinary implements [Message].
func (m BundleAdd) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, m.ID)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Flags))
	return AppendMessage(b, m.Xid, m.Mod)
}

func decodeBundleAdd(b []byte) (BundleAdd, error) {
	if len(b) < 8 {
		return BundleAdd{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	m := BundleAdd{ID: binary.BigEndian.Uint32(b), Flags: BundleFlags(binary.BigEndian.Uint16(b[6:]))}
	h, err := DecodeHeader(b[8:])
	if err != nil {
		return BundleAdd{}, err
	}
	if int(h.Length) > len(b)-8 {
		return BundleAdd{}, fmt.Errorf("%s of %d bytes in %d: %w", h.Type, h.Length, len(b)-8, errTruncated)
	}
	switch h.Type {
	case TypeFlowMod, TypeGroupMod, TypePortMod, TypePacketOut:
	default:
		return BundleAdd{}, fmt.Errorf("%s in a bundle", h.Type)
	}
	_, inner, err := Decode(b[8 : 8+int(h.Length)])
	if err != nil {
		return BundleAdd{}, err
	}
	mod, ok := inner.(Mod)
	if !ok {
		return BundleAdd{}, fmt.Errorf("%s of version %d in a bundle", h.Type, h.Version)
	}
	m.Xid, m.Mod = h.Xid, mod
	return m, nil
}
