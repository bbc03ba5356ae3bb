package openflow

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// randomBases are what a random match begins with: prerequisites of the fields that are added to it.
var randomBases = []string{
	"", "ip", "ipv6", "tcp", "udp", "sctp", "tcp6", "udp6", "sctp6", "icmp", "icmp6", "icmp6,icmp_type=135", "icmp6,icmp_type=136",
	"arp", "rarp", "mpls", "mplsm", "dl_type=0x894f", "dl_vlan=5", "dl_vlan=7,ip", "ct_state=+trk+est-inv,tcp", "dl_type=0x88cc",
}

// notRandom are the fields that the bases are made of, and those whose text in ovs-ofctl is not that of all flows.
var notRandom = []FieldID{
	FieldPacketType, FieldDPHash, FieldRecircID, FieldEthType, FieldIPProto, FieldVLANVID, FieldICMPv6Type, FieldCTState, FieldNSHMdtype,
	FieldInPort16, FieldVLANTCI, FieldIPTOS, FieldNSHC1, FieldNSHC2, FieldNSHC3, FieldNSHC4, FieldTunGBPFlags,
	FieldTunERSPANIdx, FieldTunERSPANVer, FieldTunERSPANDir, FieldTunERSPANHWID, FieldTunGTPUFlags, FieldTunGTPUMsgtype,
	FieldInPort, FieldActsetOutput, FieldIPFrag, FieldTunFlags, FieldCTNwProto, FieldCTTpSrc, FieldCTTpDst, FieldCTIPv6Src,
	FieldCTIPv6Dst,
}

// randomValue is a value, and perhaps a mask, that the field can have.
func randomValue(r *rand.Rand, f FieldID, masked bool) (value, mask []byte) {
	n := f.Bytes()
	if fields[f].variable {
		n = 4
	}
	value = make([]byte, n)
	for i := range value {
		value[i] = byte(r.Uint32())
	}
	trim := func(b []byte) {
		for bit := range 8 * n {
			if bit >= f.Bits() {
				b[n-1-bit/8] &^= 1 << (bit % 8)
			}
		}
	}
	trim(value)
	if f == FieldNSHTTL {
		value[0] &= 0x3f // what the switch takes of the eight bits
	}
	if f == FieldARPOp {
		value[0] = 0 // as here: eight of sixteen
	}
	if masked {
		mask = make([]byte, n)
		for i := range mask {
			mask[i] = []byte{0, 0xff, byte(r.Uint32())}[r.IntN(3)]
		}
		mask[n-1] |= 1
		if fields[f].format == formatIPv6 { // ovs-ofctl takes a mask such as 2:ffff:: for a length
			copy(mask, allOnes[:1+r.IntN(15)])
			clear(mask[1+r.IntN(15):])
			mask[0] = 0xff
		}
		if fields[f].variable {
			mask[0] = 0xf0 // ovs-ofctl does not print a mask whose first zeros alone are zeros
		}
		trim(mask)
		for i := range value {
			value[i] &= mask[i]
		}
	}
	return value, mask
}

// RandomFlow is a flow that ovs-vswitchd takes: any fields that go together, and any actions on them.
func RandomFlow(r *rand.Rand, priority uint16) Flow {
	base, err := ParseMatch(randomBases[r.IntN(len(randomBases))])
	if err != nil {
		panic(err)
	}
	f := Flow{
		Table: TableID(r.IntN(254)), Priority: priority, Cookie: r.Uint64() >> r.IntN(64), Match: base,
		IdleTimeout: uint16(r.IntN(3) * 1000), HardTimeout: uint16(r.IntN(3) * 2000), Importance: uint16(r.IntN(2)),
		Flags: FlowFlags(r.IntN(2)) * FlagSendFlowRemoved,
	}
	for range r.IntN(6) {
		id := FieldID(1 + r.IntN(len(fields)-1))
		if slices.Contains(notRandom, id) || !f.Match.meets(fields[id].prereq) {
			continue
		}
		f.Match = f.Match.With(randomFieldValue(r, id, id.Maskable() && r.IntN(2) == 0))
	}
	for range r.IntN(5) {
		f.Actions = randomAction(r, f, f.Actions)
	}
	return f
}

func randomFieldValue(r *rand.Rand, f FieldID, masked bool) (FieldID, []byte, []byte) {
	value, mask := randomValue(r, f, masked)
	return f, value, mask
}

func randomAction(r *rand.Rand, f Flow, a Actions) Actions {
	if r.IntN(2) == 0 {
		sample := actionSamples[r.IntN(len(actionSamples))]
		k, _ := kindNamed(actionKinds, sample.kind)
		match, _, _ := strings.Cut(sample.flow, "actions=")
		if k.Refused != "" || k.Name == "conjunction" || k.Name == "meter" || match != "" || sample.dumped != "" || strings.Contains(sample.flow, "raw:") || sample.in10 == "-" {
			return a
		}
		s, err := tunnelOf4.ParseFlow(sample.flow)
		if err != nil {
			panic(err)
		}
		return a.Append(s.Actions)
	}
	id := FieldID(1 + r.IntN(len(fields)-1))
	if slices.Contains(notRandom, id) || !id.Writable() || !f.Match.meets(fields[id].prereq) || id == FieldCTMark || id == FieldCTLabel {
		return a
	}
	_, value, mask := randomFieldValue(r, id, id.Maskable() && r.IntN(2) == 0)
	return a.setField(id, value, mask)
}
