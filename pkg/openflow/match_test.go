package openflow

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

func addr(s string) netip.Addr     { return netip.MustParseAddr(s) }
func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var invalidPrefix netip.Prefix

func TestMatchBuilders(t *testing.T) {
	mac := MustParseMAC("02:00:00:00:00:01")
	for _, test := range []struct {
		match Match
		text  string
		hex   string // OXM
	}{
		{Match{}, "", ""},
		{Match{}.InPort(3), "in_port=3", "8000000400000003"},
		{Match{}.InPort(PortLocal), "in_port=LOCAL", "80000004fffffffe"},
		{Match{}.IPDst(prefix("10.1.2.3/8")), "ip,nw_dst=10.0.0.0/8", "80000a020800 800019080a000000ff000000"},
		{Match{}.IPDst(prefix("10.1.2.3/32")), "ip,nw_dst=10.1.2.3", "80000a020800 800018040a010203"},
		{Match{}.IPDst(prefix("0.0.0.0/0")), "ip", "80000a020800"},
		{Match{}.IPSrc(prefix("fd00::/16")), "ipv6,ipv6_src=fd00::/16",
			"80000a0286dd 80003520 fd000000000000000000000000000000 ffff0000000000000000000000000000"},
		{Match{}.Reg(0, 3, 0xf), "reg0=0x3/0xf", "80010110 0000000300000000 0000000f00000000"},
		{Match{}.Reg(1, 3, 0xffffffff), "reg1=0x3", "80010110 0000000000000003 00000000ffffffff"},
		{Match{}.Reg(1, 2, 0xffffffff).Reg(0, 1, 0xffffffff), "reg0=0x1,reg1=0x2", "80010008 0000000100000002"},
		{Match{}.Reg(0, 3, 0xf).Reg(0, 0x100, 0x100), "reg0=0x103/0x10f", "80010110 0000010300000000 0000010f00000000"},
		{Match{}.Reg(0, 3, 0xf).Reg(0, 5, 0xf), "reg0=0x5/0xf", "80010110 0000000500000000 0000000f00000000"},
		{Match{}.Reg(0, 3, 0), "", ""},
		{Match{}.RegRange(Reg(0, 4, 7), 2), "reg0=0x20/0xf0", "80010110 0000002000000000 000000f000000000"},
		{Match{}.XReg(1, 5, ^uint64(0)), "reg2=0,reg3=0x5", "80010208 0000000000000005"},
		{Match{}.CTState(CTNew|CTTracked, CTReply), "ct_state=+new-rpl+trk", "0001d308 00000021 00000029"},
		{Match{}.CTState(CTNew, 0).CTState(CTTracked, CTReply), "ct_state=+new-rpl+trk", "0001d308 00000021 00000029"},
		{Match{}.CTMark(0x10, 0x10), "ct_mark=0x10/0x10", "0001d708 00000010 00000010"},
		{Match{}.TunSrc(addr("10.0.0.1")), "tun_src=10.0.0.1", "00013e04 0a000001"},
		{Match{}.TunSrc(addr("fd00::1")), "tun_ipv6_src=fd00::1", "0001da10 fd000000000000000000000000000001"},
		{Match{}.ARPOp(1).ARPSPA(addr("10.0.0.1")).ARPSHA(mac), "arp,arp_spa=10.0.0.1,arp_op=1,arp_sha=02:00:00:00:00:01",
			"80000a020806 80002a020001 80002c040a000001 80003006020000000001"},
		{Match{}.NDSLL(mac), "icmp6,icmp_type=135,nd_sll=02:00:00:00:00:01",
			"80000a0286dd 800014013a 80003a0187 80004006020000000001"},
		{Match{}.EthType(EthTypeIPv6).UDPDst(53), "udp6,tp_dst=53", "80000a0286dd 80001401 11 800020020035"},
		{Match{}.WithUint(FieldVLANTCI, 0x1005, 0x1fff), "dl_vlan=5", "80000c021005"},
		{Match{}.WithUint(FieldVLANTCI, 0x7005, ^uint64(0)), "dl_vlan=5,dl_vlan_pcp=3", "80000c021005 80000e0103"},
	} {
		t.Run(test.text, func(t *testing.T) {
			if got := test.match.String(); got != test.text {
				t.Errorf("text %q, want %q", got, test.text)
			}
			want := unhex(t, test.hex)
			if test.match.Key() != want {
				t.Errorf("bytes %x\nwant  %x", test.match.Key(), want)
			}
			parsed, err := ParseMatch(test.text)
			if err != nil || parsed != test.match {
				t.Errorf("%q parsed as %q: %v", test.text, parsed, err)
			}
		})
	}
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	var digits []byte
	for i := range len(s) {
		if s[i] != ' ' {
			digits = append(digits, s[i])
		}
	}
	b, err := hex.DecodeString(string(digits))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDecodeMatch takes matches that a switch would not send and wants the form that it would.
func TestDecodeMatch(t *testing.T) {
	for _, test := range []struct{ name, bytes, want string }{
		{"order", "800019080a000000ff000000 80000a020800", "ip,nw_dst=10.0.0.0/8"},
		{"bits outside the mask", "80000a020800 800019080a010203ff000000", "ip,nw_dst=10.0.0.0/8"},
		{"full mask", "80000a020800 800019080a010203ffffffff", "ip,nw_dst=10.1.2.3"},
		{"empty mask", "80000a020800 800019080a01020300000000", "ip"},
		{"registers one by one", "0001000400000001 0001020400000002", "reg0=0x1,reg1=0x2"},
		{"NXM", "0000060208000000100401020304", "ip,nw_dst=1.2.3.4"},
		{"wide register", "0001de10 00000001000000000000000000000002", "reg0=0x1,reg1=0,reg2=0,reg3=0x2"},
		{"unknown field", "80000a020800 1234 05 0400 000001", "ip,oxm=0x1234050400000001"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := DecodeMatch([]byte(unhex(t, test.bytes)))
			if err != nil || m.String() != test.want {
				t.Errorf("got %q, %v; want %q", m, err, test.want)
			}
			again, err := ParseMatch(test.want)
			if err != nil || again != m {
				t.Errorf("%q parsed as %x, want %x: %v", test.want, again.oxm, m.oxm, err)
			}
		})
	}
	for _, bad := range []string{"80", "800019080a", "80000a010800", "ffff000200 00", "80000a0308000000"} {
		if m, err := DecodeMatch([]byte(unhex(t, bad))); err == nil {
			t.Errorf("%s is taken for %q", bad, m)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, test := range []struct {
		wide, narrow string
		want         bool
	}{
		{"", "ip", true},
		{"ip", "", false},
		{"ip", "ip,nw_dst=10.0.0.0/8", true},
		{"ip,nw_dst=10.0.0.0/8", "ip,nw_dst=10.1.0.0/16", true},
		{"ip,nw_dst=10.1.0.0/16", "ip,nw_dst=10.0.0.0/8", false},
		{"ip,nw_dst=10.1.0.0/16", "ip,nw_dst=10.2.0.0/16", false},
		{"reg0=1/0xf", "reg0=0x21/0xff,reg1=5", true},
		{"reg0=1/0xf", "reg1=1", false},
	} {
		wide, err := ParseMatch(test.wide)
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := ParseMatch(test.narrow)
		if err != nil {
			t.Fatal(err)
		}
		if got := wide.Covers(narrow); got != test.want {
			t.Errorf("%q covers %q: %v, want %v", test.wide, test.narrow, got, test.want)
		}
	}
}

func TestMatchFields(t *testing.T) {
	m := Match{}.IPDst(prefix("10.0.0.0/8")).Reg(3, 7, 0xff)
	var got []string
	for f := range m.Fields() {
		got = append(got, f.ID.String()+" "+hex.EncodeToString(f.Value)+"/"+hex.EncodeToString(f.Mask))
	}
	want := []string{"eth_type 0800/", "ip_dst 0a000000/ff000000", "reg3 00000007/000000ff"}
	if len(got) != len(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
	if v, mask := m.Uint(FieldReg3); v != 7 || mask != 0xff {
		t.Errorf("reg3 is %#x/%#x", v, mask)
	}
	if _, mask := m.Uint(FieldReg4); mask != 0 {
		t.Errorf("reg4 has mask %#x", mask)
	}
}

func TestParseMatchErrors(t *testing.T) {
	for _, bad := range []string{
		"foo", "foo=1", "tp_dst=80", "ip,nw_dst=10.0.0", "ip,nw_dst=10.0.0.0/33", "ip,nw_dst=fd00::1", "dl_src=1:2", "in_port=x",
		"reg0=0x100000000", "reg0=-1", "reg16=1", "eth_type=0x800/0xff", "ct_state=+foo", "ct_state=foo", "dl_vlan=4096", "ip_frag=x",
		"oxm=zz", "oxm=0x80", "packet_type=1", "ipv6,ipv6_dst=fe80::1%eth0", "ct_label=0x1ffffffffffffffffffffffffffffffff", "reg0=1__0",
	} {
		if m, err := ParseMatch(bad); err == nil {
			t.Errorf("%q is taken for %q", bad, m)
		}
	}
}
