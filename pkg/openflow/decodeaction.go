package openflow

import "encoding/binary"

// decodeAction reads one action, whose length was checked.
func decodeAction(action []byte) Action {
	if len(action) >= 8 {
		if a, ok := decodeStandard(binary.BigEndian.Uint16(action), action); ok {
			return a
		}
	}
	return RawAction(action)
}

func decodeStandard(kind uint16, action []byte) (a Action, ok bool) {
	body := action[4:]
	switch {
	case kind == actVendor:
		if len(body) < 12 || binary.BigEndian.Uint32(body) != experimenterNicira {
			return nil, false
		}
		return decodeNiciraAction(binary.BigEndian.Uint16(body[4:]), action)
	case kind == actSetField:
		e, ok := decodeSetField(body)
		return e.setField(), ok
	case kind == actCopyField && len(body) >= 8:
		src, dst, ok := decodeMove(body, body[8:])
		return Move{src, dst}, ok
	case kind == actOutput && len(body) == 12:
		return Output{Port(binary.BigEndian.Uint32(body)), binary.BigEndian.Uint16(body[4:])}, true
	case kind == actEnqueue && len(body) == 12:
		return Enqueue{Port(binary.BigEndian.Uint32(body)), binary.BigEndian.Uint32(body[4:])}, true
	}
	_, argument, ok := decodePlain(kind, body)
	return Plain{kindOf(0, kind), argument}, ok
}

func decodeNiciraAction(subtype uint16, action []byte) (a Action, ok bool) {
	body := action[10:]
	switch subtype {
	case nxResubmitTable, nxResubmitTableCT:
		return decodeResubmit(subtype, body)
	case nxOutputReg, nxOutputReg2:
		s, ok := decodeOutputReg(subtype, body)
		return OutputReg{s}, ok
	case nxOutputTrunc:
		return decodeOutputTrunc(body)
	case nxController, nxController2:
		return decodePunt(subtype, body)
	case nxStackPush:
		s, ok := decodeStack(body)
		return Push{s}, ok
	case nxStackPop:
		s, ok := decodeStack(body)
		return Pop{s}, ok
	case nxConjunction:
		return decodeConjunction(body)
	case nxNote:
		return Note(body), true
	case nxCT:
		return decodeCT(action)
	case nxNAT:
		return decodeNAT(action)
	case nxClone:
		list, err := decodeActions(action[16:])
		return Clone{Actions{list: list}}, err == nil
	case nxLearn, nxLearn2:
		return decodeLearn(subtype, action)
	case nxDecTTLIDs:
		return decodeDecTTL(body)
	case nxFinTimeout:
		return decodeFinTimeout(body)
	case nxMultipath:
		return decodeMultipath(body)
	case nxBundle, nxBundleLoad:
		return decodePortBundle(subtype, body)
	case nxSample, nxSample2, nxSample3:
		return decodeSample(subtype, body)
	case nxEncap:
		return decodeEncap(body)
	case nxDecap:
		return decodeDecap(body)
	case nxCheckPktLarger:
		return decodeCheckPktLarger(body)
	case nxDeleteField:
		return decodeDeleteField(body)
	case nxRegMove:
		src, dst, ok := decodeMove(body, body[6:])
		return Move{src, dst}, ok
	case nxRegLoad:
		s, value, ok := decodeRegLoad(body)
		if !ok {
			return nil, false
		}
		v, mask := s.place(value)
		return SetField{s.Field, v, mask}, true
	case nxRegLoad2:
		e, ok := decodeSetField(body)
		return e.setField(), ok
	case nxWriteMetadata:
		if len(body) != 22 || string(body[:6]) != allZeros[:6] {
			return nil, false
		}
		return WriteMetadata{binary.BigEndian.Uint64(body[6:]), binary.BigEndian.Uint64(body[14:]), true}, true
	}
	argument, ok := decodeNiciraPlain(subtype, body)
	return Plain{kindOf(experimenterNicira, subtype), argument}, ok
}

// decodeNiciraPlain reads the number, or nothing, that an action has.
func decodeNiciraPlain(subtype uint16, body []byte) (argument uint64, ok bool) {
	switch subtype {
	case nxResubmit:
		return uint64(binary.BigEndian.Uint16(body)), len(body) == 6
	case nxSetTunnel:
		return uint64(binary.BigEndian.Uint32(body[2:])), len(body) == 6
	case nxSetTunnel64:
		if len(body) != 14 {
			return 0, false
		}
		return binary.BigEndian.Uint64(body[6:]), true
	}
	_, ok = voidActions[subtype]
	return 0, ok && len(body) == 6
}

func decodeInstruction(b []byte) Action {
	if len(b) < 8 {
		return RawInstruction(b)
	}
	body := b[4:]
	switch kind := binary.BigEndian.Uint16(b); {
	case kind == insGoto && len(b) == 8:
		return GotoTable{TableID(body[0])}
	case kind == insClearActions && len(b) == 8:
		return ClearActions{}
	case kind == insWriteActions && areActions(body[4:]):
		return WriteActions{Actions{list: string(body[4:])}}
	case kind == insWriteMetadata && len(b) == 24:
		return WriteMetadata{Value: binary.BigEndian.Uint64(body[4:]), Mask: binary.BigEndian.Uint64(body[12:])}
	}
	return RawInstruction(b)
}

// setField is the entry that a set_field has, as an action.
func (e entry) setField() SetField {
	if n := len(e.mask); n > 0 && n < e.id.Bytes() && e.mask == allOnes[:n] { // of the bytes that are there, not of the field
		e.value, e.mask = "\x00"+e.value, "\x00"+e.mask
	}
	s := SetField{Field: e.id, Value: []byte(e.value)}
	if e.mask != "" {
		s.Mask = []byte(e.mask)
	}
	return s
}

// kindOf is the row of the table that an action has; one without a name if it has none.
func kindOf(experimenter uint32, number uint16) Kind {
	for _, k := range actionKinds {
		if k.Experimenter == experimenter && k.Number == number {
			return k
		}
	}
	return Kind{Experimenter: experimenter, Number: number}
}
