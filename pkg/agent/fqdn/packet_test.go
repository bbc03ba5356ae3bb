package fqdn

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return b
}

const (
	ethernet4 = "020000000001 020000000002 0800 "
	ethernet6 = "020000000001 020000000002 86dd "
	// 10.0.0.53 port 53 to 10.1.0.10 port 40000, four bytes of payload, by UDP and by TCP
	udp4 = ethernet4 + "45000020 00004000 40110000 0a000035 0a01000a  00359c40 000c0000 01020304"
	tcp4 = ethernet4 + "4500002c 00004000 40060000 0a000035 0a01000a  00359c40 00000064 00000000 50180000 00000000 01020304"
	udp6 = ethernet6 + "60000000 000c1140 fd000000000000000000000000000035 fd00000000000000000000000000000a  00359c40 000c0000 01020304"
	// with an extension header
	udp6extended = ethernet6 + "60000000 00140040 fd000000000000000000000000000035 fd00000000000000000000000000000a  1100000000000000 00359c40 000c0000 01020304"
)

func TestReadSegment(t *testing.T) {
	for _, c := range []struct{ what, frame, want string }{
		{"UDP", udp4, "17 10.0.0.53:53 10.1.0.10:40000 01020304"},
		{"UDP with padding behind the packet", udp4 + "0000", "17 10.0.0.53:53 10.1.0.10:40000 01020304"},
		{"TCP", tcp4, "6 10.0.0.53:53 10.1.0.10:40000 01020304"},
		{"UDP over IPv6", udp6, "17 [fd00::35]:53 [fd00::a]:40000 01020304"},
		{"UDP over IPv6 behind an extension", udp6extended, "17 [fd00::35]:53 [fd00::a]:40000 01020304"},
		{"a later fragment", strings.Replace(udp4, "00004000", "00000001", 1), ""},
		{"ICMP", strings.Replace(udp4, "4011", "4001", 1), ""},
		{"a header that is cut off", udp4[:len(udp4)-28], ""},
		{"ARP", strings.Replace(udp4, "0800", "0806", 1), ""},
		{"a TCP header that is too long", strings.Replace(tcp4, "5018", "f018", 1), ""},
	} {
		got := ""
		if s, ok := readSegment(unhex(c.frame)); ok {
			got = fmt.Sprintf("%d %s %s %x", s.protocol, s.from, s.to, s.payload)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

// What is read of a frame is part of it, and the addresses and ports are those that the switch sees.
func FuzzReadSegment(f *testing.F) {
	for _, text := range []string{udp4, tcp4, udp6, udp6extended} {
		f.Add(unhex(text))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		s, ok := readSegment(frame)
		if !ok {
			return
		}
		if len(s.payload) > 0 && !bytes.Contains(frame, s.payload) {
			t.Errorf("payload %x is not in the frame", s.payload)
		}
		match := openflow.DecodePacket(frame).Match
		if proto, mask := match.Uint(openflow.FieldIPProto); mask != 0 && proto != 0 && uint8(proto) != s.protocol && s.from.Addr().Is4() {
			t.Errorf("protocol %d, the switch sees %d", s.protocol, proto)
		}
		if s.protocol == openflow.ProtoUDP && s.from.Addr().Is4() {
			if port, mask := match.Uint(openflow.FieldUDPSrc); mask != 0 && port != 0 && uint16(port) != s.from.Port() {
				t.Errorf("port %d, the switch sees %d", s.from.Port(), port)
			}
		}
	})
}
