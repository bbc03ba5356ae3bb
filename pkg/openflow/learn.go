package openflow

import "encoding/binary"

// Learn is the learn action: it adds a flow made from the packet to a table.
type Learn struct {
	Table                          TableID
	IdleTimeout, HardTimeout       uint16
	FinIdleTimeout, FinHardTimeout uint16
	Priority                       uint16
	Cookie                         uint64
	Flags                          LearnFlags
	Limit                          uint32 // how many flows at most; 0 for any number
	// Result, if it is a bit, is written with whether the flow was learned: it is not if there are Limit of them.
	Result Subfield
	Specs  []LearnSpec
}

// LearnFlags are the options of Learn.
type LearnFlags uint16

// The options of Learn.
const (
	LearnSendFlowRemoved LearnFlags = 1 << iota
	LearnDeleteLearned
	learnWriteResult
)

// LearnSpec is one field to match or one write of the learned flow.
type LearnSpec struct {
	Kind  LearnKind
	Value []byte   // a constant, right-aligned in as few bytes as Dst has bits rounded up to two; or
	Src   Subfield // where the value comes from, if it has bits
	Dst   Subfield // what is matched or written; where LearnOutput reads the port
}

// LearnKind is what a LearnSpec does.
type LearnKind uint8

// The kinds of LearnSpec.
const (
	LearnMatch LearnKind = iota
	LearnLoad
	LearnOutput
)

// LearnFieldValue is a spec that matches or loads a constant.
func LearnFieldValue(kind LearnKind, dst Subfield, value uint64) LearnSpec {
	n := 2 * ((int(dst.Width) + 15) / 16)
	b := make([]byte, n)
	for i := range min(n, 8) {
		b[n-1-i] = byte(value >> (8 * i))
	}
	return LearnSpec{Kind: kind, Value: b, Dst: dst}
}

// LearnField is a spec that matches or loads a field with what the packet has in src.
func LearnField(kind LearnKind, src, dst Subfield) LearnSpec {
	return LearnSpec{Kind: kind, Src: src, Dst: dst}
}

// Learn appends a learn action.
func (a Actions) Learn(l Learn) Actions {
	var space [256]byte
	subtype := uint16(nxLearn)
	flags := l.Flags
	if l.Result.Width > 0 {
		flags |= learnWriteResult
	}
	if l.Limit != 0 || l.Result.Width > 0 {
		subtype = nxLearn2
	}
	b := beginNicira(space[:0], subtype)
	b = binary.BigEndian.AppendUint16(b, l.IdleTimeout)
	b = binary.BigEndian.AppendUint16(b, l.HardTimeout)
	b = binary.BigEndian.AppendUint16(b, l.Priority)
	b = binary.BigEndian.AppendUint64(b, l.Cookie)
	b = binary.BigEndian.AppendUint16(b, uint16(flags))
	b = append(b, byte(l.Table), 0)
	b = binary.BigEndian.AppendUint16(b, l.FinIdleTimeout)
	b = binary.BigEndian.AppendUint16(b, l.FinHardTimeout)
	if subtype == nxLearn2 {
		b = binary.BigEndian.AppendUint32(b, l.Limit)
		b = append(binary.BigEndian.AppendUint16(b, l.Result.First), 0, 0)
	}
	if l.Result.Width > 0 {
		b = l.Result.appendLegacy(b)
	}
	for _, s := range l.Specs {
		b = s.append(b)
	}
	return a.appended(b)
}

// Bits of the header of a learn spec.
const (
	learnImmediate = 1 << 13
	learnKindShift = 11
	learnBitsMask  = 0x3ff
)

func (s LearnSpec) append(b []byte) []byte {
	header := uint16(s.Kind)<<learnKindShift | s.Dst.Width
	if s.Src.Width == 0 && s.Kind != LearnOutput {
		b = binary.BigEndian.AppendUint16(b, header|learnImmediate)
		b = append(b, s.Value...)
	} else {
		src := s.Src
		if s.Kind == LearnOutput {
			src = s.Dst
		}
		b = binary.BigEndian.AppendUint16(b, header)
		b = src.appendLegacy(b)
		b = binary.BigEndian.AppendUint16(b, src.First)
	}
	if s.Kind == LearnOutput {
		return b
	}
	b = s.Dst.appendLegacy(b)
	return binary.BigEndian.AppendUint16(b, s.Dst.First)
}

const (
	learnLen  = 32
	learn2Len = 40
)

// decodeLearn reads a learn action; false if it has something that [Learn] cannot say.
func decodeLearn(subtype uint16, action []byte) (Learn, bool) {
	b, size := action, learnLen
	if subtype == nxLearn2 {
		size = learn2Len
	}
	if len(b) < size || TableID(b[26]) == TableAll {
		return Learn{}, false
	}
	l := Learn{
		IdleTimeout:    binary.BigEndian.Uint16(b[10:]),
		HardTimeout:    binary.BigEndian.Uint16(b[12:]),
		Priority:       binary.BigEndian.Uint16(b[14:]),
		Cookie:         binary.BigEndian.Uint64(b[16:]),
		Flags:          LearnFlags(binary.BigEndian.Uint16(b[24:])),
		Table:          TableID(b[26]),
		FinIdleTimeout: binary.BigEndian.Uint16(b[28:]),
		FinHardTimeout: binary.BigEndian.Uint16(b[30:]),
	}
	rest := b[size:]
	if subtype == nxLearn2 {
		l.Limit = binary.BigEndian.Uint32(b[32:])
		if l.Flags&learnWriteResult != 0 {
			var err error
			if l.Result, rest, err = cutSubfield(rest, int(binary.BigEndian.Uint16(b[36:])), 1); err != nil || !l.Result.Field.Writable() {
				return Learn{}, false
			}
			l.Flags &^= learnWriteResult
		}
	}
	if l.Flags&^(LearnSendFlowRemoved|LearnDeleteLearned) != 0 {
		return Learn{}, false
	}
	for b = rest; len(b) >= 2 && binary.BigEndian.Uint16(b) != 0; {
		s, rest, ok := cutLearnSpec(b)
		if !ok {
			return Learn{}, false
		}
		l.Specs, b = append(l.Specs, s), rest
	}
	return l, len(b) < 8 && string(b) == allZeros[:len(b)]
}

func cutLearnSpec(b []byte) (s LearnSpec, rest []byte, ok bool) {
	header := binary.BigEndian.Uint16(b)
	width := int(header & learnBitsMask)
	s.Kind = LearnKind(header >> learnKindShift & 3)
	b = b[2:]
	subfield := func() (Subfield, bool) {
		_, after, err := cutHeader(b)
		if err != nil || len(after) < 2 {
			return Subfield{}, false
		}
		sub, _, err := cutSubfield(b, int(binary.BigEndian.Uint16(after)), width)
		b = after[2:]
		return sub, err == nil
	}
	switch {
	case s.Kind > LearnOutput || width == 0:
		return s, nil, false
	case header&learnImmediate != 0:
		n := 2 * ((width + 15) / 16)
		if len(b) < n || s.Kind == LearnOutput {
			return s, nil, false
		}
		s.Value, b = clone(b[:n]), b[n:]
	case s.Kind == LearnOutput:
		s.Dst, ok = subfield()
		return s, b, ok
	default:
		if s.Src, ok = subfield(); !ok {
			return s, nil, false
		}
	}
	if s.Dst, ok = subfield(); !ok || s.Kind == LearnLoad && fields[s.Dst.Field].access != readWrite {
		return s, nil, false
	}
	_, _, err := s.Dst.placeBytes(string(s.Value))
	return s, b, err == nil
}
