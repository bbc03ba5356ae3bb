package openflow

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// PortBundle is the bundle action: it sends the packet to one of several ports, or writes the port's number into Dst.
type PortBundle struct {
	Hash      HashFields
	Basis     uint16
	Algorithm PortBundleAlgorithm
	Members   []Port
	Dst       Subfield // no bits: output
}

// PortBundleAlgorithm is how PortBundle chooses among the ports that are up.
type PortBundleAlgorithm uint16

// The algorithms of PortBundle.
const (
	BundleActiveBackup PortBundleAlgorithm = iota
	BundleHRW
)

var bundleNames = []string{"active_backup", "hrw"}

const bundleMembersMax = 2048

// PortBundle appends a bundle action.
func (a Actions) PortBundle(p PortBundle) Actions {
	var space [64]byte
	subtype := uint16(nxBundle)
	if p.Dst.Width > 0 {
		subtype = nxBundleLoad
	}
	b := binary.BigEndian.AppendUint16(beginNicira(space[:0], subtype), uint16(p.Algorithm))
	b = binary.BigEndian.AppendUint16(b, uint16(p.Hash))
	b = binary.BigEndian.AppendUint16(b, p.Basis)
	b = FieldInPort16.legacy().appendHeader(b, 2, false)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Members)))
	if p.Dst.Width > 0 {
		b = p.Dst.appendLegacy(binary.BigEndian.AppendUint16(b, p.Dst.ofsNBits()))
	} else {
		b = append(b, 0, 0, 0, 0, 0, 0)
	}
	b = append(b, 0, 0, 0, 0)
	for _, member := range p.Members {
		b = binary.BigEndian.AppendUint16(b, uint16(member))
	}
	return a.appended(b)
}

func decodePortBundle(subtype uint16, body []byte) (PortBundle, bool) {
	if len(body) < 22 {
		return PortBundle{}, false
	}
	p := PortBundle{
		Algorithm: PortBundleAlgorithm(binary.BigEndian.Uint16(body)),
		Hash:      HashFields(binary.BigEndian.Uint16(body[2:])),
		Basis:     binary.BigEndian.Uint16(body[4:]),
	}
	n, members := int(binary.BigEndian.Uint16(body[10:])), body[22:]
	if 2*n > len(members) || n > bundleMembersMax || int(p.Hash) >= len(hashNames) || int(p.Algorithm) >= len(bundleNames) {
		return PortBundle{}, false
	}
	for i := range n {
		p.Members = append(p.Members, portFrom16(uint64(binary.BigEndian.Uint16(members[2*i:]))))
	}
	if subtype == nxBundle {
		return p, true
	}
	var err error
	p.Dst, _, err = cutLegacy(body[14:], binary.BigEndian.Uint16(body[12:]))
	return p, err == nil && p.Dst.Field.Writable()
}

func (x *Syntax) appendPortBundle(b []byte, subtype uint16, body []byte) ([]byte, bool) {
	p, ok := decodePortBundle(subtype, body)
	if !ok {
		return b, false
	}
	name := "bundle"
	if p.Dst.Width > 0 {
		name = "bundle_load"
	}
	b = fmt.Appendf(b, "%s(%s,%d,%s,ofport,", name, hashNames[p.Hash], p.Basis, bundleNames[p.Algorithm])
	if p.Dst.Width > 0 {
		b = append(x.appendSubfield(b, p.Dst), ',')
	}
	b = append(b, "members:"...)
	for i, member := range p.Members {
		if i > 0 {
			b = append(b, ',')
		}
		b = x.appendPort(b, member)
	}
	return append(b, ')'), true
}

// parsePortBundle reads fields,basis,algorithm,ofport[,destination],members:port,port…
func (x *Syntax) parsePortBundle(a Actions, s string, load bool) (Actions, error) {
	part := parts(strings.NewReplacer("members:", "members ", "slaves:", "members ").Replace(s))
	want := 5
	if load {
		want = 6
	}
	if len(part) < want || part[3] != "ofport" || part[want-1] != "members" {
		return Actions{}, fmt.Errorf("%q is not fields,basis,algorithm,ofport,members:port,port", s)
	}
	p := PortBundle{Hash: indexOf[HashFields](hashNames, part[0]), Algorithm: indexOf[PortBundleAlgorithm](bundleNames, part[2])}
	if int(p.Hash) >= len(hashNames) || int(p.Algorithm) >= len(bundleNames) {
		return Actions{}, fmt.Errorf("unknown fields %q or algorithm %q", part[0], part[2])
	}
	basis, err := parseUint(part[1], 16)
	p.Basis = uint16(basis)
	if err == nil && load {
		if p.Dst, err = x.writable(part[4]); err == nil && (p.Dst.Width < 16 || p.Dst.Width > 64) {
			err = fmt.Errorf("%s has not 16 to 64 bits", p.Dst)
		}
	}
	if err != nil {
		return Actions{}, err
	}
	for _, word := range part[want:] {
		member, err := x.parsePort(word)
		if err != nil {
			return Actions{}, err
		}
		p.Members = append(p.Members, member)
	}
	if len(p.Members) > bundleMembersMax {
		return Actions{}, fmt.Errorf("%d members, more than %d", len(p.Members), bundleMembersMax)
	}
	return a.PortBundle(p), nil
}
