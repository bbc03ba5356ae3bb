package openflow

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// session is a connection of a test to ovs-vswitchd. It keeps one of each text that came.
type session struct {
	t        *testing.T
	nc       net.Conn
	xid      uint32
	sent     map[string]bool // kinds
	received map[string][]byte
}

func dial(t *testing.T, s *ovstest.Switch) *session {
	t.Helper()
	nc, err := net.Dial("unix", strings.TrimPrefix(s.OpenFlow("br-int"), "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	c := &session{t: t, nc: nc, sent: make(map[string]bool), received: make(map[string][]byte)}
	c.send(Hello{Versions: []uint8{Version15}})
	c.await("OFPT_HELLO")
	return c
}

func (c *session) send(m Message) uint32 {
	c.t.Helper()
	c.xid++
	b, err := AppendMessage(nil, c.xid, m)
	if err != nil {
		c.t.Fatal(err)
	}
	h, _ := DecodeHeader(b)
	k, ok := kindAt(h, b[HeaderLen:])
	if !ok {
		c.t.Fatalf("%+v is of no kind", m)
	}
	c.sent[k.Name] = true
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
	return c.xid
}

// next takes a message and checks that it can be read, written and printed.
func (c *session) next() (string, []byte) {
	c.t.Helper()
	_ = c.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, HeaderLen)
	if _, err := io.ReadFull(c.nc, b); err != nil {
		c.t.Fatal(err)
	}
	b = append(b, make([]byte, binary.BigEndian.Uint16(b[2:])-HeaderLen)...)
	if _, err := io.ReadFull(c.nc, b[HeaderLen:]); err != nil {
		c.t.Fatal(err)
	}
	h, m, err := Decode(b)
	if err != nil {
		c.t.Fatalf("%x: %v", b, err)
	}
	k, ok := kindAt(h, b[HeaderLen:])
	if !ok {
		c.t.Fatalf("%x is of no kind", b)
	}
	if !rewritten[k.Name] {
		if again, err := AppendMessage(nil, h.Xid, m); err != nil || !bytes.Equal(again, b) {
			c.t.Errorf("%s\n%x\nis encoded as\n%x: %v", k.Name, b, again, err)
		}
	}
	if m, ok := m.(Multipart); ok {
		checkParts(c.t, m)
	}
	if _, seen := c.received[k.Name]; !seen || len(c.received[k.Name]) < len(b) {
		c.received[k.Name] = b
	}
	return k.Name, b
}

// await takes messages up to one of a kind.
func (c *session) await(kind string) []byte {
	c.t.Helper()
	for {
		name, b := c.next()
		if name == kind {
			return b
		}
		if name == "OFPT_ERROR" {
			text, _ := FormatMessage(b)
			c.t.Fatalf("waiting for %s: %s", kind, text)
		}
	}
}

// settle waits until the switch has done what it was told.
func (c *session) settle() {
	c.t.Helper()
	c.send(Empty(TypeBarrierRequest))
	c.await("OFPT_BARRIER_REPLY")
}

// tell sends orders that have no reply, ask sends requests for a reply of a kind.
func (c *session) tell(list ...Message) {
	c.t.Helper()
	for _, m := range list {
		c.send(m)
		c.settle()
	}
}

func (c *session) ask(kind string, m Message) []byte {
	c.t.Helper()
	c.send(m)
	return c.await(kind)
}

func (c *session) flow(text string) {
	c.t.Helper()
	c.tell(FlowMod{Flow: mustFlow(text)})
}

// TestRealMessages has ovs-vswitchd take every kind of message that goes to it, and send every kind that comes from it, except
// for those that it is known not to.
func TestRealMessages(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	s.Vsctl("add-port", "br-int", "p1", "--", "set", "Interface", "p1", "type=dummy", "ofport_request=1")
	s.Vsctl("--", "--id=@t", "create", "Flow_Table", "flow_limit=10", "--", "set", "Bridge", "br-int", "flow_tables:7=@t")
	s.Vsctl("--", "--id=@i", "create", "IPFIX", `targets="127.0.0.1:4739"`, "--", "set", "Bridge", "br-int", "ipfix=@i")
	s.Vsctl("--", "--id=@i", "create", "IPFIX", `targets="127.0.0.1:4739"`, "--", "--id=@b", "get", "Bridge", "br-int", "--",
		"create", "Flow_Sample_Collector_Set", "id=3", "bridge=@b", "ipfix=@i")
	a, b := dial(t, s), dial(t, s)
	everything := AsyncConfig{Set: true, Properties: []AsyncProperty{{AsyncPacketIn, 0x3f}, {AsyncPortStatus, 7}, {AsyncFlowRemoved, 0x3f},
		{AsyncRoleStatus, 3}, {AsyncTableStatus, 0x18}, {AsyncRequestForward, 3}}}
	for _, c := range []*session{a, b} {
		c.tell(everything, Config{Set: true, MissSendLen: 0xffff})
	}

	a.ask("OFPT_ECHO_REPLY", Echo{Data: []byte("hello")})
	a.ask("OFPT_FEATURES_REPLY", Empty(TypeFeaturesRequest))
	a.ask("OFPT_GET_CONFIG_REPLY", Empty(TypeGetConfigRequest))
	a.ask("OFPT_GET_ASYNC_REPLY", Empty(TypeGetAsyncRequest))
	a.tell(Echo{Reply: true}, FlowAge(), FlowModTableID(true), SetControllerID(5), FlushCTZone(5),
		CTFlush{Protocol: ProtoTCP, HasZone: true, Zone: 5, Original: CTTuple{Src: netip.MustParseAddr("10.0.0.1")}})
	a.tell(TLVTableMod{Command: TLVAdd, Maps: []TLVMap{{0x105, 1, 4, 0}}})
	a.ask("NXT_TLV_TABLE_REPLY", RequestTLVTable())
	a.realPorts()
	a.realFlows(b)
	a.realGroups(b)
	a.realTables(b)
	a.realPackets()
	a.realRoles(b)
	a.tell(AsyncConfig{Set: true, Form: AsyncNicira, Properties: []AsyncProperty{{AsyncPacketIn, 3}, {AsyncPacketInSecondary, 0}, {AsyncPortStatus, 7},
		{AsyncPortStatusSecondary, 7}, {AsyncFlowRemoved, 15}, {AsyncFlowRemovedSecondary, 0}}})
	a.ask("NXST_IPFIX_BRIDGE reply", niciraParted(nxstIPFIXBridge, false))
	a.ask("NXST_IPFIX_FLOW reply", niciraParted(nxstIPFIXFlow, false))

	// An error has the message that it is about, or the beginning of it.
	a.send(GroupMod{Command: GroupModify, Group: Group{ID: 404}})
	for name, _ := a.next(); name != "OFPT_ERROR"; name, _ = a.next() {
	}
	a.send(&Error{}) // which it takes without a word
	for k := range MessageKinds() {
		if k.Refused != nil {
			continue
		}
		if k.Direction&ToSwitch != 0 && !a.sent[k.Name] && !b.sent[k.Name] && !passedThrough[k.Name] {
			t.Errorf("no %s was sent", k.Name)
		}
		if why := unheard[k.Name]; k.Direction&FromSwitch != 0 && a.received[k.Name] == nil && b.received[k.Name] == nil && why == "" {
			t.Errorf("no %s was received", k.Name)
		}
	}
	for _, c := range []*session{a, b} {
		for _, message := range c.received {
			likeOfctl(t, message)
		}
	}
}

// rewritten are the kinds that are encoded in another way than ovs-vswitchd does: hello has its own versions, and what is
// NXM in a packet-in of 1.0 becomes OXM.
var rewritten = map[string]bool{"OFPT_HELLO": true, "NXT_PACKET_IN": true}

// unheard are the kinds that ovs-vswitchd does not send, and why.
var unheard = map[string]string{
	"OFPT_ECHO_REQUEST": "only after a silence",
	"NXT_FLOW_REMOVED":  "only to a session of OpenFlow 1.0",
}

func (c *session) realPorts() {
	m, err := DecodeMultipart(c.ask("OFPST_PORT_DESC reply", asked(MultipartPortDesc, PortQuery{1})))
	if err != nil {
		c.t.Fatal(err)
	}
	port, _, err := DecodePortDesc(m.Body)
	if err != nil || port.Name != "p1" {
		c.t.Fatalf("first port is %+v: %v", port, err)
	}
	c.ask("OFPST_PORT_DESC reply", asked(MultipartPortDesc, PortQuery{PortAny}))
	c.ask("OFPST_PORT reply", asked(MultipartPort, PortQuery{PortAny}))
	c.ask("OFPST_QUEUE reply", asked(MultipartQueue, QueueQuery{PortAny, QueueAll}))
	c.ask("OFPST_QUEUE_DESC reply", asked(MultipartQueueDesc, QueueQuery{PortAny, QueueAll}))
	c.ask("OFPST_DESC reply", asked(MultipartDesc))
	c.send(PortMod{Port: port.Port, MAC: port.MAC, Config: PortConfigNoForward, Mask: PortConfigNoForward})
	c.await("OFPT_PORT_STATUS")
	c.tell(PortMod{Port: port.Port, MAC: port.MAC, Mask: PortConfigNoForward})
}

func (c *session) realFlows(other *session) {
	c.ask("OFPST_FLOW_MONITOR reply", asked(MultipartFlowMonitor, FlowMonitor{ID: 1, Table: TableAll,
		Flags: MonitorInitial | MonitorAdd | MonitorRemoved | MonitorModify | MonitorInstructions}))
	c.flow("cookie=5,table=1,priority=7,send_flow_rem,idle_timeout=60,tcp,nw_dst=10.0.0.0/8,tp_dst=80,actions=resubmit(,4)")
	other.flow("cookie=6,table=1,ipv6,actions=output:1")
	other.tell(FlowMod{Command: Modify, Flow: mustFlow("cookie=6,table=1,ipv6,actions=drop")})
	c.ask("OFPST_FLOW reply", asked(MultipartFlowDesc, AllFlows))
	c.ask("OFPST_AGGREGATE reply", asked(MultipartAggregate, AllFlows))
	c.ask("OFPST_TABLE reply", asked(MultipartTable))
	c.send(FlowMod{Command: Delete, Flow: Flow{Table: TableAll}, OutPort: 9})
	c.send(FlowMod{Command: Delete, Flow: Flow{Table: TableAll}})
	c.await("OFPT_FLOW_REMOVED")
	c.tell()
	bundle := func(step BundleType) Message {
		return BundleControl{ID: 1, Type: step, Flags: BundleAtomic | BundleOrdered}
	}
	c.ask("OFPT_BUNDLE_CONTROL", bundle(BundleOpen))
	c.send(BundleAdd{ID: 1, Flags: BundleAtomic | BundleOrdered, Xid: c.xid + 1, Mod: FlowMod{Flow: mustFlow("table=2,actions=drop")}})
	c.ask("OFPT_BUNDLE_CONTROL", bundle(BundleCommit))
	c.tell(asked(MultipartFlowMonitor, FlowMonitor{ID: 1, Command: MonitorDelete}))
}

func (c *session) realGroups(other *session) {
	for _, mod := range []GroupMod{
		{Command: GroupAdd, Group: Group{ID: 1, Type: GroupAll, Buckets: []Bucket{{ID: 1, Actions: Actions{}.Output(1)}}}},
		{Command: GroupAddOrModify, Group: Group{ID: 2, Type: GroupSelect, SelectionMethod: "hash", Fields: GroupFields(FieldIPv4Src, FieldIPv4Dst),
			Buckets: []Bucket{{ID: 1, Weight: 100, Actions: Actions{}.Output(1)}, {ID: 2, Weight: 5, Actions: Actions{}.SetTTL(3).Output(1)}}}},
		{Command: GroupAdd, Group: Group{ID: 3, Type: GroupFastFailover, Buckets: []Bucket{{ID: 1, WatchPort: 1, Actions: Actions{}.Output(1)}}}},
		{Command: GroupAdd, Group: Group{ID: 4, Type: GroupIndirect, Buckets: []Bucket{{ID: 1, Actions: Actions{}.Output(1)}}}},
		{Command: GroupInsert, Bucket: BucketFirst, Group: Group{ID: 2, Type: GroupSelect, Buckets: []Bucket{{ID: 3, Weight: 7, Actions: Actions{}.Output(1)}}}},
		{Command: GroupRemove, Bucket: 2, Group: Group{ID: 2}},
	} {
		c.tell(mod)
		other.await("OFPT_REQUESTFORWARD")
	}
	m, err := DecodeMultipart(c.ask("OFPST_GROUP_DESC reply", asked(MultipartGroupDesc, GroupQuery{2})))
	if err != nil {
		c.t.Fatal(err)
	}
	const want = "group_id=2,type=select,selection_method=hash,fields(ip_src,ip_dst)," +
		"bucket=bucket_id:3,weight:7,actions=output:1,bucket=bucket_id:1,weight:100,actions=output:1"
	if g, _, err := DecodeGroup(m.Body); err != nil || g.String() != want {
		c.t.Errorf("group is %s: %v\nwant %s", g, err, want)
	}
	c.ask("OFPST_GROUP_DESC reply", asked(MultipartGroupDesc, GroupQuery{GroupEvery}))
	c.ask("OFPST_GROUP reply", asked(MultipartGroup, GroupQuery{GroupEvery}))
	c.ask("OFPST_GROUP_FEATURES reply", asked(MultipartGroupFeatures))
	for _, text := range []string{"meter=1,kbps,burst,stats,bands=type=drop,rate=100,burst_size=10", "meter=2,pktps,band=type=drop,rate=7"} {
		meter, err := ParseMeter(text)
		if err != nil {
			c.t.Fatal(err)
		}
		c.tell(MeterMod{Command: MeterAdd, Meter: meter})
		other.await("OFPT_REQUESTFORWARD")
	}
	c.ask("OFPST_METER_CONFIG reply", asked(MultipartMeterConfig, MeterQuery{MeterAll}))
	c.ask("OFPST_METER reply", asked(MultipartMeter, MeterQuery{MeterAll}))
	c.ask("OFPST_METER_FEATURES reply", asked(MultipartMeterFeatures))
	c.tell(MeterMod{Command: MeterDelete, Meter: Meter{ID: MeterAll}}, GroupMod{Command: GroupDelete, Group: Group{ID: GroupEvery}})
}

func (c *session) realTables(other *session) {
	const flows = "123456789"
	for _, port := range flows {
		c.flow("table=7,tcp,tp_dst=" + string(port) + ",actions=drop")
	}
	c.tell(TableMod{TableDesc{Table: 6, Config: TableEviction}},
		TableMod{TableDesc{Table: 7, Config: TableVacancy, Properties: VacancyProperty(Vacancy{Down: 20, Up: 50})}})
	for _, port := range flows {
		c.tell(FlowMod{Command: DeleteStrict, Flow: mustFlow("table=7,tcp,tp_dst=" + string(port) + ",actions=drop")})
	}
	if c.received["OFPT_TABLE_STATUS"] == nil {
		other.await("OFPT_TABLE_STATUS")
	}
	c.ask("OFPST_TABLE_DESC reply", asked(MultipartTableDesc))
	c.ask("OFPST_TABLE_FEATURES reply", asked(MultipartTableFeatures))
}

// realPackets gets a packet in every form, and sends one back to go on.
func (c *session) realPackets() {
	c.flow("table=0,priority=1,actions=controller(id=5)")
	out := PacketOut{Metadata: mustMatch("in_port=1"), Actions: Actions{}.Output(PortTable), Data: frames["tcp"]}
	for form, kind := range []string{"OFPT_PACKET_IN", "NXT_PACKET_IN", "NXT_PACKET_IN2"} {
		c.tell(SetPacketInFormat(PacketInForm(form)))
		_, m, err := Decode(c.ask(kind, out))
		if in, ok := m.(PacketIn); err != nil || !ok || !bytes.Equal(in.Data, out.Data) {
			c.t.Errorf("got %+v: %v", m, err)
		}
	}
	c.flow("table=0,priority=1,actions=controller(id=5,pause,userdata=01.02),resubmit(,3)")
	c.flow("table=3,actions=load:5->reg3,controller(id=5,userdata=03)")
	_, paused, err := Decode(c.ask("NXT_PACKET_IN2", out))
	if in, ok := paused.(PacketIn); err != nil || !ok || len(in.Continuation) == 0 || string(in.Userdata) != "\x01\x02" {
		c.t.Fatalf("got %+v: %v", paused, err)
	}
	_, last, err := Decode(c.ask("NXT_PACKET_IN2", paused.(PacketIn).Resume()))
	if in, ok := last.(PacketIn); err != nil || !ok || in.Metadata.String() != "reg3=0x5,in_port=1" {
		c.t.Errorf("resumed packet came as %+v: %v", last, err)
	}
}

func (c *session) realRoles(other *session) {
	c.ask("OFPT_ROLE_REPLY", RoleMessage{Role: RolePrimary, GenerationID: 1})
	other.ask("OFPT_ROLE_REPLY", RoleMessage{Role: RolePrimary, GenerationID: 2})
	c.await("OFPT_ROLE_STATUS")
	c.ask("NXT_ROLE_REPLY", RoleMessage{Nicira: true, Role: RoleEqual, GenerationID: ^uint64(0)})
}
