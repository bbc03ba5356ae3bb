package openflow

import "encoding/binary"

// CT is the ct action: it sends the packet through connection tracking.
type CT struct {
	Commit bool
	Force  bool // with Commit: replace an entry of the other direction
	Zone   uint16
	// ZoneFrom, if it has bits, is where the zone is read from instead.
	ZoneFrom Subfield
	Table    *TableID // where the tracked packet goes on; nil: nowhere, it is tracked in place
	NAT      *NAT
	ALG      uint16  // 21 for FTP, 69 for TFTP
	Exec     Actions // with Commit: writes ct_mark and ct_label of the entry
}

// The ct action on the wire.
const (
	ctFlagCommit = 1
	ctFlagForce  = 2

	noTable = 0xff
	ctLen   = 24 // up to the nested actions
)

// TableRef is for CT.Table, which nil leaves out.
func TableRef(t TableID) *TableID { return &t }

// CT appends a ct action.
func (a Actions) CT(ct CT) Actions {
	var space [256]byte
	b := beginNicira(space[:0], nxCT)
	var flags uint16
	if ct.Commit {
		flags |= ctFlagCommit
	}
	if ct.Force {
		flags |= ctFlagForce
	}
	b = binary.BigEndian.AppendUint16(b, flags)
	if ct.ZoneFrom.Width > 0 {
		b = ct.ZoneFrom.appendLegacy(b)
		b = binary.BigEndian.AppendUint16(b, ct.ZoneFrom.ofsNBits())
	} else {
		b = binary.BigEndian.AppendUint32(b, 0)
		b = binary.BigEndian.AppendUint16(b, ct.Zone)
	}
	table := byte(noTable)
	if ct.Table != nil {
		table = byte(*ct.Table)
	}
	b = append(b, table, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, ct.ALG)
	if ct.NAT != nil {
		b = append(b, Actions{}.nat(*ct.NAT).list...)
	}
	return a.appended(append(b, ct.Exec.list...))
}

// CTClear forgets what connection tracking said about the packet.
func (a Actions) CTClear() Actions {
	var space [16]byte
	return a.appended(append(beginNicira(space[:0], nxCTClear), 0, 0, 0, 0, 0, 0))
}

// decodeCT reads a ct action; false if it has something that [CT] cannot say.
func decodeCT(action []byte) (CT, bool) {
	if len(action) < ctLen {
		return CT{}, false
	}
	body, nested := action[10:ctLen], action[ctLen:]
	flags := binary.BigEndian.Uint16(body)
	ct := CT{Commit: flags&ctFlagCommit != 0, Force: flags&ctFlagForce != 0, ALG: binary.BigEndian.Uint16(body[12:])}
	if zone := binary.BigEndian.Uint16(body[6:]); binary.BigEndian.Uint32(body[2:]) == 0 {
		ct.Zone = zone
	} else {
		from, _, err := cutLegacy(body[2:6], zone)
		if err != nil || from.Width != 16 {
			return CT{}, false
		}
		ct.ZoneFrom = from
	}
	if body[8] != noTable {
		ct.Table = TableRef(TableID(body[8]))
	}
	if _, n, err := cutTLV(nested, "action"); err == nil {
		if nat, ok := decodeNAT(nested[:n]); ok {
			ct.NAT, nested = &nat, nested[n:]
		}
	}
	list, err := decodeActions(nested)
	ct.Exec.list = list
	return ct, err == nil && (ct.Commit || !ct.Force) && Actions{}.CT(ct).list == string(action)
}
