package openflow

import (
	"bytes"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
)

// composed are matches from which ovs-ofctl makes packets as well.
var composed = []string{
	"tcp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=10.0.0.1,nw_dst=10.0.0.2,nw_ttl=64,nw_tos=184,nw_ecn=1,tp_src=1234,tp_dst=80",
	"tcp,nw_src=10.0.0.1,tcp_flags=2,tp_dst=80",
	"tcp,nw_src=10.0.0.1,tcp_flags=0x18,tp_dst=80",
	"tcp6,ipv6_src=fd00::1,ipv6_dst=fd00::2,ipv6_label=0x12345,nw_ttl=7,nw_tos=184,tp_src=1234,tp_dst=80",
	"udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=1234,udp_dst=53",
	"udp6,ipv6_src=fd00::1,ipv6_dst=fd00::2,udp_dst=53",
	"udp,nw_frag=first,nw_src=10.0.0.1,udp_dst=53",
	"icmp,nw_src=10.0.0.1,icmp_type=8,icmp_code=0",
	"icmp,nw_src=10.0.0.1,icmp_type=3,icmp_code=4",
	"icmp6,ipv6_src=fd00::1,icmpv6_type=135,icmpv6_code=0,nd_target=fd00::2,nd_sll=02:00:00:00:00:01",
	"icmp6,ipv6_src=fd00::1,icmpv6_type=136,icmpv6_code=0,nd_target=fd00::2,nd_tll=02:00:00:00:00:01",
	"arp,arp_op=1,arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_sha=02:00:00:00:00:01",
	"rarp,arp_op=3", "dl_type=0x88cc,dl_dst=01:80:c2:00:00:0e",
	"dl_vlan=5,dl_vlan_pcp=3,tcp,nw_src=10.0.0.1,tp_dst=80",
	"mpls,mpls_label=100,mpls_tc=3,mpls_ttl=64,mpls_bos=1",
}

// ofctlPayload is what ovs-ofctl puts behind the headers.
func ofctlPayload() (b []byte) {
	for i := range 64 {
		b = append(b, byte(i))
	}
	return b
}

// TestComposeOracle wants the bytes that ovs-ofctl makes.
func TestComposeOracle(t *testing.T) {
	if _, err := exec.LookPath("ovs-ofctl"); err != nil {
		t.Skip("ovs-ofctl is not installed")
	}
	for _, text := range composed {
		f, err := ParseFlow(text + ",actions=drop")
		if err != nil {
			t.Fatal(err)
		}
		payload := ofctlPayload()
		if strings.HasPrefix(text, "dl_type") || strings.HasPrefix(text, "mpls") {
			payload = nil // that ovs-ofctl puts only behind headers of IP
		}
		got, err := ComposePacket(f.Match, payload)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		out, _ := exec.Command("ovs-ofctl", "compose-packet", text).Output() // which does not recognize all that it makes
		if want := hexDump(t, string(out)); !bytes.Equal(got, want) {
			t.Errorf("%s:\n%x, ovs-ofctl\n%x", text, got, want)
		}
	}
}

// hexDump reads lines such as "00000010  00 68-00 00".
func hexDump(t *testing.T, text string) (b []byte) {
	t.Helper()
	for line := range strings.Lines(text) {
		_, octets, _ := strings.Cut(strings.TrimSpace(line), "  ")
		row, err := hex.DecodeString(strings.NewReplacer(" ", "", "-", "").Replace(octets))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, row...)
	}
	return b
}

// TestCompose wants what a frame says to be found in the frame that is made of it.
func TestCompose(t *testing.T) {
	texts := []string{
		"sctp,nw_src=10.0.0.1,tp_src=1,tp_dst=2", "udp,nw_frag=later,nw_src=10.0.0.1", "ip,nw_proto=47,nw_src=10.0.0.1",
		"udp6,nw_frag=first,tp_dst=53", "ipv6,nw_frag=later,nw_proto=44", "icmp6,icmp_type=128,icmp_code=0", "icmp6,icmp_type=1,icmp_code=3",
		"dl_type=0x894f,nsh_mdtype=1,nsh_np=3,nsh_spi=0x12345,nsh_si=7,nsh_c1=1,nsh_c4=4,nsh_ttl=9", "dl_type=0x5ff", "mpls,mpls_label=7,mpls_bos=0",
		"tcp,nw_src=10.0.0.0/8,tcp_flags=+syn-ack", "dl_vlan=0", "vlan_tci=0", "in_port=3,reg1=7,ct_state=+trk,tun_id=5,udp,tp_dst=9",
	}
	for _, text := range append(texts, composed...) {
		f, err := ParseFlow(text + ",actions=drop")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ComposePacket(f.Match, []byte("payload")); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for name, frame := range frames {
		m := DecodePacket(frame).Match
		made, err := ComposePacket(m, nil)
		if damaged[name] {
			continue
		}
		if err != nil || DecodePacket(made).Match != m {
			t.Errorf("%s: %v\n%x: %s\n%x: %s", name, err, frame, m, made, DecodePacket(made).Match)
		}
	}
}

// damaged are frames whose values are those of no frame.
var damaged = map[string]bool{"three vlans": true, "no type": true, "short": true, "empty": true}

func TestComposeErrors(t *testing.T) {
	for text, want := range map[string]string{
		"udp,nw_frag=later,tp_dst=53":                       "no packet with this match has udp_dst",
		"icmp6,icmp_type=135,icmp_code=1,nd_target=fd00::2": "no packet",
	} {
		f, err := ParseFlow(text + ",actions=drop")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ComposePacket(f.Match, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, m := range []Match{{}, Match{}.EthType(EthTypeIPv4)} {
		if _, err := ComposePacket(m, make([]byte, 65001)); err == nil {
			t.Errorf("%s takes a payload of any length", m)
		}
	}
}
