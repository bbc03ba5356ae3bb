package openflow

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// ask10 asks for all flows as OpenFlow 1.0 itself does: any match in any table to any port.
var ask10 = unhexed("0110 0038 00000007 0001 0000 003fffff" + strings.Repeat("00", 36) + "ff 00 ffff")

// TestRealOldText gets dumps of flows in each form that ovs-vswitchd has for them in older versions, and prints each message as
// ovs-ofctl does, ages included.
func TestRealOldText(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	s.Vsctl("set", "Bridge", "br-int", "protocols=OpenFlow10,OpenFlow13,OpenFlow15")
	path := filepath.Join(t.TempDir(), "flows")
	lines := "priority=7,tcp,in_port=LOCAL,nw_src=10.0.0.0/8,tp_dst=80,actions=mod_nw_dst:1.2.3.4,output:1\n" +
		"table=1,idle_timeout=9000,hard_timeout=10000,dl_vlan=0xffff,actions=enqueue:1:2,mod_tp_src:9\nip,nw_tos=32,nw_proto=47,actions=drop\n" +
		"icmp,icmp_type=8,actions=load:5->NXM_NX_REG3[0..7],move:NXM_NX_REG0[]->NXM_NX_REG1[],set_tunnel:5\narp,arp_tpa=1.2.3.4,actions=LOCAL\n" +
		"dl_vlan=5,dl_vlan_pcp=1,dl_dst=ff:ff:ff:ff:ff:ff,actions=strip_vlan,mod_vlan_vid:9,CONTROLLER:99\nudp,tp_src=53,actions=mod_tp_dst:54\n"
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Ofctl("-O OpenFlow10 add-flows", "br-int", path)
	request := func(version uint8) []byte {
		m, err := FlowsRequest(version, FlowQuery{Table: TableAll, CookieMask: 1})
		if err != nil {
			t.Fatal(err)
		}
		b, err := AppendMessage(nil, 7, m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, test := range []struct {
		name    string
		version uint8
		request []byte
	}{{"1.0", Version10, ask10}, {"Open vSwitch in 1.0", Version10, request(Version10)}, {"1.3", Version13, request(Version13)}} {
		t.Run(test.name, func(t *testing.T) {
			nc, err := net.Dial("unix", strings.TrimPrefix(s.OpenFlow("br-int"), "unix:"))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_ = nc.SetDeadline(time.Now().Add(time.Minute))
			hello, _ := AppendMessage(nil, 1, Hello{Versions: []uint8{test.version}})
			if _, err := nc.Write(append(hello, test.request...)); err != nil {
				t.Fatal(err)
			}
			for {
				b := make([]byte, HeaderLen)
				if _, err := io.ReadFull(nc, b); err != nil {
					t.Fatal(err)
				}
				b = append(b, make([]byte, binary.BigEndian.Uint16(b[2:])-HeaderLen)...)
				if _, err := io.ReadFull(nc, b[HeaderLen:]); err != nil {
					t.Fatal(err)
				}
				h, m, err := Decode(b)
				if h.Xid != 7 {
					continue
				}
				dump, ok := m.(Multipart)
				if err != nil || !ok || dump.Version != test.version || !dump.Reply {
					t.Fatalf("%+v: %v", m, err)
				}
				n := 0
				for _, err := range dump.Parts() {
					if n++; err != nil {
						t.Error(err)
					}
				}
				if want := strings.Count(lines, "\n"); n != want {
					t.Errorf("%d flows, want %d", n, want)
				}
				again, err := AppendMessage(nil, 7, dump)
				if err != nil || string(again) != string(b) {
					t.Errorf("%x\nis encoded as\n%x: %v", b, again, err)
				}
				likeOfctl(t, b)
				break
			}
		})
	}
}
