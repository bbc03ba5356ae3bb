package openflow

import (
	"encoding/binary"
	"fmt"
)

// Hello opens a connection and says which versions its sender speaks.
type Hello struct {
	Versions []uint8 // version numbers as in headers: 6 is OpenFlow 1.5
}

// MessageType implements [Message].
func (Hello) MessageType() MessageType { return TypeHello }

// AppendBinary implements [Message].
func (m Hello) AppendBinary(b []byte) ([]byte, error) {
	var bitmap uint32
	for _, v := range m.Versions {
		if v > 31 {
			return b, fmt.Errorf("hello with version %d", v)
		}
		bitmap |= 1 << v
	}
	b = append(b, 0, 1, 0, 8) // OFPHET_VERSIONBITMAP
	return binary.BigEndian.AppendUint32(b, bitmap), nil
}

// Speaks reports whether version is among those of the hello.
func (m Hello) Speaks(version uint8) bool {
	for _, v := range m.Versions {
		if v == version {
			return true
		}
	}
	return false
}

// decodeHello reads a hello. One without a bitmap means every version up to that of its header.
func decodeHello(version uint8, b []byte) (Hello, error) {
	var m Hello
	for len(b) >= 4 {
		kind, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			return Hello{}, fmt.Errorf("element of %d bytes in %d", n, len(b))
		}
		if kind == 1 && n >= 8 {
			bitmap := binary.BigEndian.Uint32(b[4:])
			for v := range uint8(32) {
				if bitmap&(1<<v) != 0 {
					m.Versions = append(m.Versions, v)
				}
			}
			return m, nil
		}
		b = b[min(n+pad8(n), len(b)):]
	}
	for v := uint8(1); v <= min(version, 31); v++ {
		m.Versions = append(m.Versions, v)
	}
	return m, nil
}
