package openflow

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// String is the match as ovs-ofctl prints it, such as ip,nw_dst=10.244.16.0/20. It is empty for every packet.
func (m Match) String() string { return string(plain.appendMatch(nil, m)) }

// Order in which ovs-ofctl prints fields; what is not named follows in wire order.
var printedBefore = []FieldID{
	FieldPktMark, FieldRecircID, FieldDPHash, FieldConjID, FieldActsetOutput, FieldCTState, FieldCTZone, FieldCTMark,
	FieldCTLabel, FieldCTNwSrc, FieldCTIPv6Src, FieldCTNwDst, FieldCTIPv6Dst, FieldCTNwProto, FieldCTTpSrc, FieldCTTpDst,
	FieldPacketType,
}

var printedAfter = []FieldID{
	FieldTunID, FieldTunIPv4Src, FieldTunIPv4Dst, FieldTunIPv6Src, FieldTunIPv6Dst, FieldTunGBPID, FieldTunGBPFlags,
	FieldTunGTPUFlags, FieldTunGTPUMsgtype, FieldTunERSPANVer, FieldTunERSPANIdx, FieldTunERSPANDir, FieldTunERSPANHWID,
	FieldTunFlags,
}

var printedLast = []FieldID{
	FieldMetadata, FieldInPort, FieldVLANVID, FieldVLANPCP, FieldEthSrc, FieldEthDst, FieldEthType,
	FieldIPv6Src, FieldIPv6Dst, FieldIPv6Label, FieldARPSPA, FieldARPTPA, FieldNSHFlags, FieldNSHTTL, FieldNSHMdtype,
	FieldNSHNP, FieldNSHSPI, FieldNSHSI, FieldNSHC1, FieldNSHC2, FieldNSHC3, FieldNSHC4, FieldIPv4Src, FieldIPv4Dst,
	FieldIPProto, FieldARPOp, FieldARPSHA, FieldARPTHA, FieldIPDSCP, FieldIPECN, FieldIPTTL, FieldMPLSLabel, FieldMPLSTC,
	FieldMPLSTTL, FieldMPLSBOS, FieldIPFrag, FieldICMPv4Type, FieldICMPv4Code, FieldICMPv6Type, FieldICMPv6Code,
	FieldNDTarget, FieldNDSLL, FieldNDTLL, FieldTCPSrc, FieldTCPDst, FieldUDPSrc, FieldUDPDst, FieldSCTPSrc, FieldSCTPDst,
	FieldTCPFlags,
}

// textNames are the names that matches print where they differ from those in the table.
var textNames = map[FieldID]string{
	FieldEthSrc: "dl_src", FieldEthDst: "dl_dst", FieldEthType: "dl_type", FieldIPv4Src: "nw_src", FieldIPv4Dst: "nw_dst",
	FieldIPFrag: "nw_frag", FieldICMPv6Type: "icmp_type", FieldICMPv6Code: "icmp_code", FieldTCPSrc: "tp_src",
	FieldTCPDst: "tp_dst", FieldUDPSrc: "tp_src", FieldUDPDst: "tp_dst", FieldSCTPSrc: "tp_src", FieldSCTPDst: "tp_dst",
}

// protocol is a word that stands for an Ethernet type and perhaps an IP protocol.
type protocol struct {
	name    string
	ethType uint16
	ipProto uint8 // 0 for none
}

var protocols = []protocol{
	{"ip", EthTypeIPv4, 0}, {"icmp", EthTypeIPv4, ProtoICMP},
	{"tcp", EthTypeIPv4, ProtoTCP}, {"udp", EthTypeIPv4, ProtoUDP}, {"sctp", EthTypeIPv4, ProtoSCTP},
	{"ipv6", EthTypeIPv6, 0}, {"icmp6", EthTypeIPv6, ProtoICMPv6}, {"tcp6", EthTypeIPv6, ProtoTCP},
	{"udp6", EthTypeIPv6, ProtoUDP}, {"sctp6", EthTypeIPv6, ProtoSCTP}, {"arp", EthTypeARP, 0}, {"rarp", EthTypeRARP, 0},
	{"mpls", EthTypeMPLS, 0}, {"mplsm", EthTypeMPLSMulticast, 0},
}

// matchPrinter prints each field once, whatever asks for it.
type matchPrinter struct {
	*Syntax
	b       []byte
	list    []entry
	printed [len(fields)]bool
}

func (x *Syntax) appendMatch(b []byte, m Match) []byte {
	var space [24]entry
	p := matchPrinter{Syntax: x, b: b, list: m.entries(space[:0])}
	for _, f := range printedBefore {
		p.field(f)
	}
	p.protocol()
	for f := FieldReg0; f <= FieldReg15; f++ {
		p.register(f)
	}
	for _, f := range printedAfter {
		p.field(f)
	}
	for f := FieldTunMetadata0; f <= FieldTunMetadata63; f++ {
		p.field(f)
	}
	for _, f := range printedLast {
		p.field(f)
	}
	for _, e := range p.list {
		if e.raw != "" {
			p.word("oxm=0x" + hex.EncodeToString([]byte(e.raw)))
		} else {
			p.field(e.id)
		}
	}
	return p.b
}

// word appends text after a comma, unless it is the first.
func (p *matchPrinter) word(text string) {
	if n := len(p.b); n > 0 && p.b[n-1] != ' ' && p.b[n-1] != ',' {
		p.b = append(p.b, ',')
	}
	p.b = append(p.b, text...)
}

// protocol prints the shortest word for Ethernet type and IP protocol.
func (p *matchPrinter) protocol() {
	ethType, ipProto := find(p.list, FieldEthType), find(p.list, FieldIPProto)
	if ethType.value == "" {
		return
	}
	for _, want := range []uint8{byte(uintOf(ipProto.value)), 0} {
		for _, known := range protocols {
			if uint64(known.ethType) == uintOf(ethType.value) && known.ipProto == want {
				p.word(known.name)
				p.printed[FieldEthType] = true
				p.printed[FieldIPProto] = want != 0
				return
			}
		}
	}
}

func (p *matchPrinter) field(f FieldID) {
	e := find(p.list, f)
	if e.value == "" || p.printed[f] {
		return
	}
	p.printed[f] = true
	if f == FieldVLANVID || f == FieldVLANPCP {
		p.vlan()
		return
	}
	name := fields[f].name
	if other, ok := textNames[f]; ok {
		name = other
	}
	switch {
	case f == FieldIPDSCP: // the whole byte, as OpenFlow 1.0 has it
		p.word(fmt.Sprintf("nw_tos=%d", e.value[0]<<2))
		return
	case f == FieldEthType:
		p.word(fmt.Sprintf("dl_type=0x%04x", uintOf(e.value)))
		return
	case f == FieldIPv6Label && e.mask == "":
		p.word(fmt.Sprintf("ipv6_label=0x%05x", uintOf(e.value)))
		return
	case f == FieldIPv6Label:
		p.word(fmt.Sprintf("ipv6_label=0x%05x/0x%05x", uintOf(e.value), uintOf(e.mask)))
		return
	case f == FieldNSHFlags && e.mask != "":
		p.word(fmt.Sprintf("nsh_flags=0x%02x/0x%02x", e.value[0], e.mask[0]))
		return
	case fields[f].format == formatDecimal && e.mask != "": // where actions have a decimal number
		p.word(fmt.Sprintf("%s=%#x/%#x", name, uintOf(e.value), uintOf(e.mask)))
		return
	}
	p.word(name)
	if fields[f].variable && e.mask != "" && e.mask == allZeros[:len(e.mask)] {
		return // the packet has the option, whatever it says
	}
	p.b = p.appendValue(append(p.b, '='), f, e.value, e.mask)
}

// register prints the bits of a register that have names, and then the rest.
func (p *matchPrinter) register(f FieldID) {
	e := find(p.list, f)
	if e.value == "" || len(p.Registers) == 0 {
		p.field(f)
		return
	}
	p.printed[f] = true
	value, left := uintOf(e.value), uintOf(e.wideMask())
	for bit := range uint16(32) {
		for width := uint16(32) - bit; width > 0; width-- {
			name, ok := p.Registers[Subfield{Field: f, First: bit, Width: width}]
			bits := (uint64(1)<<width - 1) << bit
			if ok && left&bits == bits {
				p.word(name)
				p.b = append(append(p.b, '='), hexText(value&bits>>bit)...)
				left &^= bits
			}
		}
	}
	if left != 0 {
		p.word(fields[f].name)
		p.b = p.appendValue(append(p.b, '='), f, uintBytes(value&left, 4), uintBytes(left, 4))
	}
}

// vlan prints the tag as dl_vlan and dl_vlan_pcp if that says it, else as vlan_tci.
func (p *matchPrinter) vlan() {
	p.printed[FieldVLANVID], p.printed[FieldVLANPCP] = true, true
	const present, vidMask = 0x1000, 0x0fff
	vid, pcp := find(p.list, FieldVLANVID), find(p.list, FieldVLANPCP)
	value := uintOf(vid.value)
	mask := uint64(0x1fff)
	switch {
	case vid.value == "":
		mask = 0
	case vid.mask != "":
		mask = uintOf(vid.mask)
	}
	if value&mask&present != 0 && (mask&vidMask == 0 || mask&vidMask == vidMask) && (mask&vidMask != 0 || pcp.value != "") {
		if mask&vidMask != 0 {
			p.word(fmt.Sprintf("dl_vlan=%d", value&vidMask))
		}
		if pcp.value != "" {
			p.word(fmt.Sprintf("dl_vlan_pcp=%d", pcp.value[0]))
		}
		return
	}
	if pcp.value != "" {
		value, mask = value|uintOf(pcp.value)<<13, mask|0xe000
	}
	if mask == 0xffff {
		p.word(fmt.Sprintf("vlan_tci=0x%04x", value))
		return
	}
	p.word(fmt.Sprintf("vlan_tci=0x%04x/0x%04x", value, mask))
}

// ParseMatch reads a match in the syntax of ovs-ofctl, such as "ip,nw_dst=10.0.0.0/8". A field that is named twice matches the
// bits of both, where ovs-ofctl keeps the later.
func ParseMatch(s string) (Match, error) { return plain.parseMatch(s) }

func (x *Syntax) parseMatch(s string) (Match, error) {
	p := matchParser{Syntax: x}
	err := eachWord(s, func(word string) error {
		key, value, hasValue := strings.Cut(word, "=")
		return p.word(key, value, hasValue)
	})
	if err != nil {
		return Match{}, err
	}
	return p.finish(s)
}

// matchParser collects the words of a match; those whose meaning depends on the protocol wait for the end.
type matchParser struct {
	*Syntax
	match Match
	later []string // key, value, key, value…
	raw   []entry
}

// dependent are the names that mean another field for each protocol.
var dependent = map[string]map[protocol]FieldID{
	"nw_src":    {{ethType: EthTypeARP}: FieldARPSPA, {ethType: EthTypeRARP}: FieldARPSPA, {}: FieldIPv4Src},
	"nw_dst":    {{ethType: EthTypeARP}: FieldARPTPA, {ethType: EthTypeRARP}: FieldARPTPA, {}: FieldIPv4Dst},
	"nw_proto":  {{ethType: EthTypeARP}: FieldARPOp, {ethType: EthTypeRARP}: FieldARPOp, {}: FieldIPProto},
	"icmp_type": {{ipProto: ProtoICMPv6}: FieldICMPv6Type, {}: FieldICMPv4Type},
	"icmp_code": {{ipProto: ProtoICMPv6}: FieldICMPv6Code, {}: FieldICMPv4Code},
	"tp_src": {{ipProto: ProtoTCP}: FieldTCPSrc, {ipProto: ProtoUDP}: FieldUDPSrc, {ipProto: ProtoSCTP}: FieldSCTPSrc,
		{ipProto: ProtoICMP}: FieldICMPv4Type, {ipProto: ProtoICMPv6}: FieldICMPv6Type},
	"tp_dst": {{ipProto: ProtoTCP}: FieldTCPDst, {ipProto: ProtoUDP}: FieldUDPDst, {ipProto: ProtoSCTP}: FieldSCTPDst,
		{ipProto: ProtoICMP}: FieldICMPv4Code, {ipProto: ProtoICMPv6}: FieldICMPv6Code},
}

func (p *matchParser) word(key, value string, hasValue bool) error {
	if !hasValue {
		for _, known := range protocols {
			if known.name == key {
				p.match = p.match.EthType(known.ethType)
				if known.ipProto != 0 {
					p.match = p.match.IPProto(known.ipProto)
				}
				return nil
			}
		}
		if f, ok := LookupField(key); ok && fields[f].variable {
			return p.field(f, "")
		}
		return fmt.Errorf("%q is neither a protocol nor a field with a value", key)
	}
	if _, ok := dependent[key]; ok {
		p.later = append(p.later, key, value)
		return nil
	}
	switch key {
	case "dl_vlan":
		return p.number(FieldVLANVID, value, 0x1000)
	case "dl_vlan_pcp":
		return p.number(FieldVLANPCP, value, 0)
	case "nw_tos":
		return p.field(FieldIPTOS, value)
	case "oxm":
		return p.unknown(value)
	}
	for sub, name := range p.Registers {
		if name == key {
			return p.bits(sub, value)
		}
	}
	f, ok := LookupField(key)
	if !ok {
		return fmt.Errorf("unknown field %q", key)
	}
	return p.field(f, value)
}

// bits matches a number in some bits of a register, and perhaps only those of them that a mask has.
func (p *matchParser) bits(sub Subfield, text string) error {
	text, maskText, masked := strings.Cut(text, "/")
	number, err := parseNumber(text, sub.bytes())
	if err != nil {
		return err
	}
	value, mask, err := sub.placeBytes(number)
	if err == nil && masked {
		if number, err = parseNumber(maskText, sub.bytes()); err == nil {
			mask, _, err = sub.placeBytes(number)
		}
	}
	if err != nil {
		return err
	}
	p.match = p.match.With(sub.Field, value, mask)
	return nil
}

func (p *matchParser) number(f FieldID, text string, bits uint64) error {
	v, err := parseNumber(text, f.Bytes())
	if err != nil {
		return fmt.Errorf("%s: %w", f, err)
	}
	if uintOf(v)>>f.Bits() != 0 {
		return fmt.Errorf("%s: %s does not fit into %d bits", f, text, f.Bits())
	}
	p.match = p.match.WithUint(f, uintOf(v)|bits, ^uint64(0))
	return nil
}

func (p *matchParser) field(f FieldID, text string) error {
	value, mask, err := p.parseValue(f, text)
	if err != nil {
		return err
	}
	if mask != "" && fields[f].mask == maskNone {
		return fmt.Errorf("%s cannot be masked", f)
	}
	p.match = p.match.with(entry{id: f, value: value, mask: mask})
	return nil
}

// unknown takes back a field that String could only print as bytes.
func (p *matchParser) unknown(text string) error {
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return fmt.Errorf("oxm=%q: %w", text, err)
	}
	for s := string(b); s != ""; {
		e, rest, err := cutEntry(s)
		if err != nil {
			return fmt.Errorf("oxm=%q: %w", text, err)
		}
		if e.raw != "" {
			p.raw = append(p.raw, e)
		} else {
			p.match = p.match.with(e)
		}
		s = rest
	}
	return nil
}

// finish gives the words of text that waited their field.
func (p *matchParser) finish(text string) (Match, error) {
	for i := 0; i < len(p.later); i += 2 {
		key, value := p.later[i], p.later[i+1]
		if err := p.dependent(key, value); err != nil {
			word := key + "=" + value
			return Match{}, &ParseError{Offset: max(strings.Index(text, word), 0), Word: word, Err: err}
		}
	}
	if len(p.raw) > 0 {
		return matchOf(append(p.match.entries(nil), p.raw...)), nil
	}
	return p.match, nil
}

// dependent takes a word whose field depends on the protocol.
func (p *matchParser) dependent(key, text string) error {
	ethType, _ := p.match.Uint(FieldEthType)
	ipProto, _ := p.match.Uint(FieldIPProto)
	choices := dependent[key]
	for _, known := range []protocol{{ethType: uint16(ethType)}, {ipProto: uint8(ipProto)}, {}} {
		if f, ok := choices[known]; ok {
			return p.field(f, text)
		}
	}
	return fmt.Errorf("%s needs a protocol such as tcp or udp", key)
}
