package openflow

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// HashFields says which part of a packet is hashed to choose.
type HashFields uint16

// What can be hashed.
const (
	HashEthSrc HashFields = iota
	HashSymmetricL4
	HashSymmetricL3L4
	HashSymmetricL3L4UDP
	HashIPSrc
	HashIPDst
	HashSymmetricL3
)

var hashNames = []string{"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"}

// Multipath is the multipath action: it writes a number below Links, chosen by a hash, into Dst.
type Multipath struct {
	Hash      HashFields
	Basis     uint16 // makes another hash
	Algorithm MultipathAlgorithm
	Links     int    // 1 to 65536
	Arg       uint32 // of iter_hash
	Dst       Subfield
}

// MultipathAlgorithm is how Multipath comes from the hash to a number.
type MultipathAlgorithm uint16

// The algorithms of Multipath.
const (
	MultipathModuloN MultipathAlgorithm = iota
	MultipathHashThreshold
	MultipathHRW
	MultipathIterHash
)

var multipathNames = []string{"modulo_n", "hash_threshold", "hrw", "iter_hash"}

// Multipath appends a multipath action.
func (a Actions) Multipath(m Multipath) Actions {
	var space [32]byte
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], nxMultipath), uint16(m.Hash))
	b = append(b, byte(m.Basis>>8), byte(m.Basis), 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Algorithm))
	b = binary.BigEndian.AppendUint16(b, uint16(m.Links-1))
	b = binary.BigEndian.AppendUint32(b, m.Arg)
	b = append(b, 0, 0)
	return a.appended(m.Dst.appendLegacy(binary.BigEndian.AppendUint16(b, m.Dst.ofsNBits())))
}

func decodeMultipath(body []byte) (Multipath, bool) {
	if len(body) != 22 {
		return Multipath{}, false
	}
	m := Multipath{
		Hash:      HashFields(binary.BigEndian.Uint16(body)),
		Basis:     binary.BigEndian.Uint16(body[2:]),
		Algorithm: MultipathAlgorithm(binary.BigEndian.Uint16(body[6:])),
		Links:     int(binary.BigEndian.Uint16(body[8:])) + 1,
		Arg:       binary.BigEndian.Uint32(body[10:]),
	}
	var err error
	m.Dst, _, err = cutLegacy(body[18:], binary.BigEndian.Uint16(body[16:]))
	return m, err == nil && m.check() == nil
}

// check reports what the switch would refuse.
func (m Multipath) check() error {
	switch {
	case int(m.Hash) >= len(hashNames):
		return fmt.Errorf("unknown fields %d", m.Hash)
	case int(m.Algorithm) >= len(multipathNames):
		return fmt.Errorf("unknown algorithm %d", m.Algorithm)
	case !m.Dst.Field.Writable() || m.Dst.Width > 64:
		return fmt.Errorf("%s cannot be written", m.Dst)
	case m.Links < 1 || m.Links > 1<<16 || m.Dst.Width < 16 && m.Links > 1<<m.Dst.Width:
		return fmt.Errorf("%d links do not fit into %s", m.Links, m.Dst)
	}
	return nil
}

func (x *Syntax) appendMultipath(b, body []byte) ([]byte, bool) {
	m, ok := decodeMultipath(body)
	if !ok {
		return b, false
	}
	b = fmt.Appendf(b, "multipath(%s,%d,%s,%d,%d,", hashNames[m.Hash], m.Basis, multipathNames[m.Algorithm], m.Links, m.Arg)
	return append(x.appendSubfield(b, m.Dst), ')'), true
}

func (x *Syntax) parseMultipath(a Actions, s string) (Actions, error) {
	part := parts(s)
	if len(part) != 6 {
		return Actions{}, fmt.Errorf("%q is not fields,basis,algorithm,n_links,arg,destination", s)
	}
	m := Multipath{Hash: indexOf[HashFields](hashNames, part[0]), Algorithm: indexOf[MultipathAlgorithm](multipathNames, part[2])}
	basis, err := parseUint(part[1], 16)
	if err != nil {
		return Actions{}, err
	}
	links, err := parseUint(part[3], 17)
	if err != nil {
		return Actions{}, err
	}
	arg, err := parseUint(part[4], 32)
	if err != nil {
		return Actions{}, err
	}
	if m.Dst, err = x.writable(part[5]); err != nil {
		return Actions{}, err
	}
	m.Basis, m.Links, m.Arg = uint16(basis), int(links), uint32(arg)
	return a.Multipath(m), m.check()
}

// parts are the words of s.
func parts(s string) (list []string) {
	for _, word := range words(s) {
		list = append(list, word)
	}
	return list
}

// indexOf is the number of a name, one that is none if it is not known.
func indexOf[T ~uint16](names []string, name string) T {
	return T(slices.Index(names, strings.ToLower(name)))
}
