package ofconn

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// rawConn sends bytes that are there already, and reads no more of the answers than their headers: the limit of what any
// client can do.
type rawConn struct {
	nc net.Conn
	r  *bufio.Reader
}

func dialRaw(tb testing.TB, addr string) *rawConn {
	tb.Helper()
	nc, err := net.Dial("unix", strings.TrimPrefix(addr, "unix:"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = nc.Close() })
	c := &rawConn{nc: nc, r: bufio.NewReaderSize(nc, bufferSize)}
	c.write(tb, encoded(tb, openflow.Hello{Versions: []uint8{openflow.Version15}}))
	c.until(tb, openflow.TypeHello)
	return c
}

// encoded is messages one after the other.
func encoded(tb testing.TB, messages ...openflow.Message) (b []byte) {
	tb.Helper()
	for i, m := range messages {
		var err error
		if b, err = openflow.AppendMessage(b, uint32(i+1), m); err != nil {
			tb.Fatal(err)
		}
	}
	return b
}

// encodedBundle is a bundle from its opening to its commit.
func encodedBundle(tb testing.TB, flows []openflow.FlowMod) []byte {
	tb.Helper()
	control := openflow.BundleControl{ID: 1, Type: openflow.BundleOpen, Flags: bundleFlags}
	messages := []openflow.Message{control}
	for i := range flows {
		messages = append(messages, openflow.BundleAdd{ID: 1, Flags: bundleFlags, Xid: uint32(i + 2), Mod: &flows[i]})
	}
	control.Type = openflow.BundleCommit
	return encoded(tb, append(messages, control)...)
}

func (c *rawConn) write(tb testing.TB, b []byte) {
	tb.Helper()
	if _, err := c.nc.Write(b); err != nil {
		tb.Fatal(err)
	}
}

// until takes messages up to the last one of a type: that of a multipart message without another after it.
func (c *rawConn) until(tb testing.TB, want openflow.MessageType) {
	tb.Helper()
	for {
		b, err := c.r.Peek(openflow.HeaderLen)
		if err != nil {
			tb.Fatal(err)
		}
		h, err := openflow.DecodeHeader(b)
		if err != nil || h.Type == openflow.TypeError {
			tb.Fatalf("switch answered with %s: %v", h.Type, err)
		}
		more := false
		if h.Type == openflow.TypeMultipartReply {
			if b, err = c.r.Peek(12); err != nil {
				tb.Fatal(err)
			}
			more = b[11]&1 != 0
		}
		if _, err := io.CopyN(io.Discard, c.r, int64(h.Length)); err != nil {
			tb.Fatal(err)
		}
		if h.Type == want && !more {
			return
		}
	}
}

// committed waits for the answers to opening and commit of a bundle.
func (c *rawConn) committed(tb testing.TB) {
	tb.Helper()
	c.until(tb, openflow.TypeBundleControl)
	c.until(tb, openflow.TypeBundleControl)
}
