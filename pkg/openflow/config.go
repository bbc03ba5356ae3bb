package openflow

import "encoding/binary"

// Config is how a switch treats fragments, and how much of a packet it sends: the reply to a request for it, or the order to
// change it.
type Config struct {
	Set         bool // an order
	Fragments   FragmentHandling
	MissSendLen uint16
}

// FragmentHandling says what becomes of IP fragments.
type FragmentHandling uint16

// The ways to handle fragments. FragmentsNXMatch is of Open vSwitch: they take part in matches as they are.
const (
	FragmentsNormal FragmentHandling = iota
	FragmentsDrop
	FragmentsReassemble
	FragmentsNXMatch
)

// MessageType implements [Message].
func (m Config) MessageType() MessageType {
	if m.Set {
		return TypeSetConfig
	}
	return TypeGetConfigReply
}

// AppendBinary implements [Message].
func (m Config) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(m.Fragments))
	return binary.BigEndian.AppendUint16(b, m.MissSendLen), nil
}

func decodeConfig(t MessageType, b []byte) (Config, error) {
	if err := exactly(b, 4); err != nil {
		return Config{}, err
	}
	return Config{
		Set:         t == TypeSetConfig,
		Fragments:   FragmentHandling(binary.BigEndian.Uint16(b)),
		MissSendLen: binary.BigEndian.Uint16(b[2:]),
	}, nil
}

var fragmentNames = []string{"normal", "drop", "reassemble", "nx-match"}

func (m Config) appendText(p *printer) {
	p.format(" frags=%s", fragmentNames[m.Fragments&3])
	p.format(" miss_send_len=%d\n", m.MissSendLen)
}
