package openflow

import (
	"fmt"
	"net"
)

// MAC is an Ethernet address.
type MAC [6]byte

// ParseMAC reads six octets as in 02:00:00:00:00:01.
func ParseMAC(s string) (MAC, error) {
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != 6 {
		return MAC{}, fmt.Errorf("%q is not an Ethernet address such as 02:00:00:00:00:01", s)
	}
	return MAC(hw), nil
}

// MustParseMAC is ParseMAC for constants; it panics on any other text.
func MustParseMAC(s string) MAC {
	m, err := ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

// String is the address in lower case with colons.
func (m MAC) String() string { return string(m.append(nil)) }

func (m MAC) append(b []byte) []byte {
	const hex = "0123456789abcdef"
	for i, octet := range m {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, hex[octet>>4], hex[octet&15])
	}
	return b
}

// IsZero reports whether m is 00:00:00:00:00:00.
func (m MAC) IsZero() bool { return m == MAC{} }

// MarshalText implements [encoding.TextMarshaler].
func (m MAC) MarshalText() ([]byte, error) { return m.append(nil), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *MAC) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMAC(string(text))
	return err
}
