package e2e

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// TestRealForgedGeneve: a host on the underlay that is no peer, an ordinary Node of cl3, sends cl2's gateway a well-formed
// packet in the name of a Pod of cl1. It dies in table 0, the flow counts it, and the Pod it was for hears nothing.
func TestRealForgedGeneve(t *testing.T) {
	needLab(t)
	const gateway, packets = "cl2-node1", 5
	from, to := s1.PodOn(pods, "cl1-node2"), s1.PodOn(pods, gateway)
	before, heard := refused(t, gateway), echoRequests(t, to)
	_, err := lab.Exec(t.Context(), "cl3-node2", "bash", "-c", fmt.Sprintf("exec 3<>/dev/udp/%s/6081; for i in $(seq %d); do printf '%s' >&3; done",
		s1.UnderlayIP(gateway), packets, shellBytes(geneve(from.IP, to.IP))))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return refused(t, gateway) == before+packets }, 10*time.Second, 200*time.Millisecond,
		"the flow that refuses unknown senders counted %d of %d packets", refused(t, gateway)-before, packets)
	require.Equal(t, heard, echoRequests(t, to), "the Pod was reached")
}

// refused is the counter of the flow that drops tunnel packets of unknown senders.
func refused(t *testing.T, node string) int {
	t.Helper()
	out, err := lab.Exec(t.Context(), node, "ovs-ofctl", "dump-flows", "br-int", "table=0,in_port=antrea-tun0")
	require.NoError(t, err)
	m := regexp.MustCompile(`n_packets=(\d+),.*priority=100,in_port=[^ ,]+ actions=drop`).FindStringSubmatch(out)
	require.NotNil(t, m, "no flow refuses unknown senders:\n%s", out)
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return n
}

// echoRequests is how many a Pod has received, by its kernel.
func echoRequests(t *testing.T, p s1.Pod) string {
	t.Helper()
	out, err := lab.Pod(t.Context(), p, "sh", "-c", `awk '/^Icmp:/ && !h {for (i=1; i<=NF; i++) if ($i == "InEchos") c=i; h=1; next} /^Icmp:/ {print $c}' /proc/net/snmp`)
	require.NoError(t, err)
	require.NotEmpty(t, strings.TrimSpace(out))
	return strings.TrimSpace(out)
}

// geneve is an ICMP echo request in a Geneve packet (RFC 8926) as a gateway would send it.
func geneve(src, dst netip.Addr) []byte {
	b := []byte{0, 0, 0x65, 0x58, 0, 0, 0, 0} // no options, Ethernet inside, VNI 0
	b = append(b, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xf0, 2, 0, 0, 0, 0, 1, 0x08, 0x00)
	ip := []byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0}
	ip = append(append(ip, src.AsSlice()...), dst.AsSlice()...)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip))
	echo := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1}
	binary.BigEndian.PutUint16(echo[2:], checksum(echo))
	return append(append(b, ip...), echo...)
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func shellBytes(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, `\x%02x`, c)
	}
	return s.String()
}
