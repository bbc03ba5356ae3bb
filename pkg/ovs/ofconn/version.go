package ofconn

import (
	"fmt"
	"slices"
	"strings"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// versionNames are those of OpenFlow, by the number in headers.
var versionNames = map[uint8]string{1: "1.0", 2: "1.1", 3: "1.2", 4: "1.3", 5: "1.4", 6: "1.5"}

// Version is the version of OpenFlow that was agreed on, as it stands in headers.
func (c *Conn) Version() uint8 { return c.version }

// agree chooses the highest version of both sides.
func agree(ours []uint8, theirs openflow.Hello) (uint8, error) {
	for _, v := range slices.Backward(slices.Sorted(slices.Values(ours))) {
		if theirs.Speaks(v) {
			return v, nil
		}
	}
	want := versionNames[slices.Max(ours)]
	return 0, fmt.Errorf("bridge does not speak OpenFlow %s (versions %v): add OpenFlow%s to its protocols", want, theirs.Versions,
		strings.ReplaceAll(want, ".", ""))
}

// encode appends a message, if the version of the connection has it.
func (c *Conn) encode(b []byte, xid uint32, m openflow.Message) ([]byte, error) {
	start := len(b)
	b, err := openflow.AppendMessage(b, xid, m)
	if err != nil || b[start] == c.version {
		return b, err
	}
	if m.MessageType() != openflow.TypeEchoRequest { // which is the same in all
		return b[:start], fmt.Errorf("%s on a connection of OpenFlow %s, which is for dumps of flows alone", m.MessageType(), versionNames[c.version])
	}
	b[start] = c.version
	return b, nil
}
