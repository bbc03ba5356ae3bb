package openflow

import "encoding/binary"

// Role is what a controller is to a switch.
type Role uint32

// The roles.
const (
	RoleNoChange Role = iota
	RoleEqual
	RolePrimary
	RoleSecondary
)

var roleNames = []string{"nochange", "equal", "primary", "secondary"}

// String is the role as ovs-ofctl prints it.
func (r Role) String() string { return numbered(roleNames, uint32(r)) }

// RoleMessage asks for a role, or says which one the controller has.
type RoleMessage struct {
	Reply        bool
	Role         Role
	ShortID      uint32
	GenerationID uint64 // all ones for none
	// Nicira is set for the message of Open vSwitch, which has no id and no generation.
	Nicira bool
}

// MessageType implements [Message].
func (m RoleMessage) MessageType() MessageType {
	switch {
	case m.Nicira:
		return TypeExperimenter
	case m.Reply:
		return TypeRoleReply
	}
	return TypeRoleRequest
}

// AppendBinary implements [Message].
func (m RoleMessage) AppendBinary(b []byte) ([]byte, error) {
	if m.Nicira {
		subtype := uint32(nxtRoleRequest)
		if m.Reply {
			subtype = nxtRoleReply
		}
		return binary.BigEndian.AppendUint32(appendNiciraHeader(b, subtype), uint32(m.Role)-1), nil
	}
	b = binary.BigEndian.AppendUint32(b, uint32(m.Role))
	b = binary.BigEndian.AppendUint32(b, m.ShortID)
	return binary.BigEndian.AppendUint64(b, m.GenerationID), nil
}

func decodeRole(reply bool, b []byte) (RoleMessage, error) {
	if err := exactly(b, 16); err != nil {
		return RoleMessage{}, err
	}
	return RoleMessage{
		Reply:        reply,
		Role:         Role(binary.BigEndian.Uint32(b)),
		ShortID:      binary.BigEndian.Uint32(b[4:]),
		GenerationID: binary.BigEndian.Uint64(b[8:]),
	}, nil
}

func decodeNiciraRole(reply bool, b []byte) (RoleMessage, error) {
	if err := exactly(b, 4); err != nil {
		return RoleMessage{}, err
	}
	return RoleMessage{Nicira: true, Reply: reply, Role: Role(binary.BigEndian.Uint32(b)) + 1, GenerationID: ^uint64(0)}, nil
}

func (m RoleMessage) appendText(p *printer) {
	p.format(" role=%s", m.Role)
	if m.GenerationID != ^uint64(0) {
		p.format(" generation_id=%d", m.GenerationID)
	}
	p.format("\n")
}

// RoleStatus tells a controller that its role was changed.
type RoleStatus struct {
	Role         Role
	Reason       uint8 // 0 another controller became primary, 1 configuration, 2 experimenter
	GenerationID uint64
	Properties   []byte // as they came
}

// MessageType implements [Message].
func (RoleStatus) MessageType() MessageType { return TypeRoleStatus }

// AppendBinary implements [Message].
func (m RoleStatus) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint32(b, uint32(m.Role))
	b = append(b, m.Reason, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, m.GenerationID)
	return append(b, m.Properties...), nil
}

func decodeRoleStatus(b []byte) (RoleStatus, error) {
	if err := atLeast(b, 16); err != nil {
		return RoleStatus{}, err
	}
	return RoleStatus{
		Role:         Role(binary.BigEndian.Uint32(b)),
		Reason:       b[4],
		GenerationID: binary.BigEndian.Uint64(b[8:]),
		Properties:   clone(b[16:]),
	}, nil
}

var roleReasons = []string{"primary_request", "configuration_changed", "experimenter_data_changed"}

func (m RoleStatus) appendText(p *printer) {
	p.format(" role=%s", m.Role)
	if m.GenerationID != ^uint64(0) {
		p.format(" generation_id=%d", m.GenerationID)
	}
	p.format(" reason=%s\n", numbered(roleReasons, uint32(m.Reason)))
}
