package openflow

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strings"
	"time"
)

// unhexed is the bytes of hex digits with blanks.
func unhexed(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// asked and replied are multipart messages of parts.
func asked(t MultipartType, parts ...Part) Message { return multipartOf(t, false, parts) }

func replied(t MultipartType, parts ...Part) Message { return multipartOf(t, true, parts) }

func multipartOf(t MultipartType, reply bool, parts []Part) Message {
	m, err := NewMultipart(t, reply, parts...)
	if err != nil {
		panic(err)
	}
	return m
}

func niciraParted(subtype uint32, reply bool, parts ...Part) Message {
	m := multipartOf(MultipartExperimenter, reply, parts).(Multipart)
	m.Experimenter, m.Subtype = experimenterNicira, subtype
	return m
}

func mustMatch(s string) Match {
	m, err := ParseMatch(s)
	if err != nil {
		panic(err)
	}
	return m
}

func mustFlow(s string) Flow {
	f, err := ParseFlow(s)
	if err != nil {
		panic(err)
	}
	return f
}

// tableProperties are the properties of table features, all of which must be there.
func tableProperties(bodies map[uint16]string) (b []byte) {
	for kind := uint16(tableInstructions); kind <= tableApplySetField; kind++ {
		if body, ok := bodies[kind]; ok || kind&1 == 0 {
			b = appendProperty(b, kind, unhexed(body))
		}
	}
	return b
}

// frames are packets of every protocol that is read, and some that are damaged.
var frames = func() map[string][]byte {
	const ethernet = "020000000001 020000000002 "
	const udp = "0035 0036 0008 beef"
	const tcp = "04d20050 00000001 00000000 5012 2000 1234 0000"
	ipv4 := func(total, frag, proto, rest string) string {
		return "0800 4500" + total + "0001" + frag + "40" + proto + "0000 0a000001 0a000002" + rest
	}
	ipv6 := func(length, next, rest string) string {
		return "86dd 60a12345" + length + next + "40 fd000000000000000000000000000001 fd000000000000000000000000000002" + rest
	}
	const solicitation = "8700 1111 00000000 fd000000000000000000000000000003"
	list := make(map[string][]byte)
	for name, text := range map[string]string{
		"tcp": ipv4("0028", "0000", "06", tcp), "tcp first": ipv4("0028", "2000", "06", tcp), "tcp later": ipv4("0028", "0010", "06", tcp),
		"tcp cut": ipv4("0018", "0000", "06", "04d20050"), "tcp long header": ipv4("0028", "0000", "06", "04d20050 00000001 00000000 f012 2000 1234 0000"),
		"udp": ipv4("001c", "0000", "11", udp), "udp padded": ipv4("001c", "0000", "11", udp+"000000000000"), "udp cut": ipv4("001c", "0000", "11", "0035"),
		"icmp": ipv4("001c", "0000", "01", "0800 f7ff 0000 0000"), "icmp cut": ipv4("0018", "0000", "01", "0800 f7ff"),
		"sctp": ipv4("0020", "0000", "84", "0035 0036 00000001 12345678"), "gre": ipv4("0018", "0000", "2f", "0000 0800"),
		"ipv4 tos":     "0800 45b9 0014 0001 0000 01 2f 0000 0a000001 0a000002",
		"ipv4 cut":     "0800 4500",
		"ipv4 options": "0800 4600 0020 0001 0000 40 11 0000 0a000001 0a000002 01010101" + udp,
		"ipv4 header":  "0800 4400 0014 0001 0000 40 11 0000 0a000001 0a000002",
		"tcp6":         ipv6("0014", "06", tcp), "udp6": ipv6("0008", "11", udp), "sctp6": ipv6("000c", "84", "0035 0036 00000001 12345678"),
		"icmp6": ipv6("0008", "3a", "8000 1111 0001 0002"), "nd solicitation": ipv6("0020", "3a", solicitation+"0101 020000000009"),
		"nd advertisement": ipv6("0020", "3a", "88"+solicitation[2:]+"0201 020000000009"), "nd plain": ipv6("0018", "3a", solicitation),
		"nd bad option": ipv6("0020", "3a", solicitation+"0100 020000000009"), "nd twice": ipv6("0028", "3a", solicitation+"0101 020000000009 0101 020000000008"),
		"nd long option": ipv6("0020", "3a", solicitation+"0102 020000000009"), "nd cut": ipv6("0008", "3a", "8700 1111 0000 0000"),
		"hop by hop": ipv6("0010", "00", "11 00 00000000 0000"+udp), "ipv6 first": ipv6("0010", "2c", "11 00 0001 00000001"+udp),
		"ipv6 later": ipv6("0010", "2c", "11 00 0010 00000001"+udp), "ah": ipv6("0018", "33", "11 02 0000 00000001 00000002 00000000"+udp),
		"no next header": ipv6("0000", "3b", ""), "ipv6 cut": ipv6("0008", "11", "0035"), "ipv6 header cut": "86dd 6000", "extension cut": ipv6("0004", "00", "11 00 0000"),
		"vlan": "8100 6005" + ipv4("001c", "0000", "11", udp), "two vlans": "88a8 6005 8100 2006" + ipv4("001c", "0000", "11", udp),
		"three vlans": "8100 6005 8100 2006 8100 2007" + ipv4("001c", "0000", "11", udp), "vlan cut": "8100 6005", "vlan 0": "8100 0000" + ipv4("001c", "0000", "11", udp),
		"arp": "0806 0001 0800 06 04 0001 020000000001 0a000001 000000000000 0a000002", "rarp": "8035 0001 0800 06 04 0003 020000000001 0a000001 000000000000 0a000002",
		"arp cut": "0806 0001 0800", "arp operation": "0806 0001 0800 06 04 0101 020000000001 0a000001 000000000000 0a000002",
		"mpls": "8847 00064140", "multicast mpls": "8848 00065f3f", "nsh": "894f 0fc6 0103 00000102 01020304 05060708 090a0b0c 0d0e0f10",
		"llc": "0026 4242 03 0000", "snap": "0026 aaaa 03 000000" + ipv4("001c", "0000", "11", udp), "lldp": "88cc 0207", "no type": "",
	} {
		list[name] = unhexed(ethernet + text)
	}
	list["short"], list["empty"] = []byte{2, 0}, nil
	return list
}()

// samples are messages of every kind. Each is encoded as ovs-vswitchd or ovs-ofctl encodes it.
var samples = []struct {
	kind    string
	message Message
}{
	{"OFPT_HELLO", Hello{Versions: []uint8{1, 6}}},
	{"OFPT_ERROR", ErrBadPrereq},
	{"OFPT_ERROR", &Error{Type: 1, Code: 6, Data: unhexed("060e00a800000055 0000000000000001 0000000000000001")}},
	{"OFPT_ERROR", &Error{Type: 1, Code: 6, Data: unhexed("0605000800000055")}},
	{"OFPT_ERROR", &Error{Type: 1, Code: 6, Data: unhexed("0605000800000055 01")}},
	{"OFPT_ERROR", &Error{Type: 1, Code: 6, Data: unhexed("060500")}},
	{"OFPT_ERROR", &Error{Type: 1, Code: 6, Data: unhexed("0613003800000055 0001000000000000")}},
	{"OFPT_ERROR", &Error{Type: 0, Code: 0, Data: []byte("no version\n")}},
	{"OFPT_ERROR", &Error{Type: 0xffff, Code: 15, Experimenter: experimenterNicira, Data: unhexed("0605000800000055")}},
	{"OFPT_ECHO_REQUEST", Echo{Data: []byte("who is there, on the other side?")}},
	{"OFPT_ECHO_REQUEST", Echo{Data: []byte{}}},
	{"OFPT_ECHO_REPLY", Echo{Reply: true, Data: []byte{1, 2, 0x41}}},
	{"OFPT_FEATURES_REQUEST", Empty(TypeFeaturesRequest)},
	{"OFPT_FEATURES_REPLY", Features{DatapathID: 0xabc, Tables: 254, Capabilities: 0x24f}},
	{"OFPT_FEATURES_REPLY", Features{DatapathID: 0xabc, Buffers: 256, Tables: 254, AuxiliaryID: 1, Capabilities: 0x80000}},
	{"OFPT_GET_CONFIG_REQUEST", Empty(TypeGetConfigRequest)},
	{"OFPT_GET_CONFIG_REPLY", Config{Fragments: FragmentsNormal, MissSendLen: 128}},
	{"OFPT_SET_CONFIG", Config{Set: true, Fragments: FragmentsNXMatch, MissSendLen: 0xffff}},
	{"OFPT_PACKET_IN", PacketIn{Reason: 1, Table: 5, Cookie: 7, TotalLen: len(frames["tcp"]), Metadata: mustMatch("in_port=3,reg0=0x5"), Data: frames["tcp"]}},
	{"OFPT_PACKET_IN", PacketIn{Reason: 0, Cookie: math.MaxUint64, TotalLen: 1500, Metadata: mustMatch("in_port=LOCAL,tun_id=0x5,tun_src=1.2.3.4"), Data: frames["udp6"]}},
	{"OFPT_FLOW_REMOVED", FlowRemoved{Reason: 1, Stats: FlowStats{Flow: Flow{Table: 2, Priority: 5, IdleTimeout: 7, HardTimeout: 9, Cookie: 1, Match: mustMatch("tcp,tp_dst=80")},
		Duration: 9100 * time.Millisecond, IdleTime: -1, Packets: 2, Bytes: 3}}},
	{"OFPT_FLOW_REMOVED", FlowRemoved{Reason: 5, Stats: FlowStats{Flow: Flow{Table: 0, Priority: DefaultPriority}, IdleTime: -1}}},
	{"OFPT_PORT_STATUS", PortStatus{Reason: PortAdded, Port: PortDesc{Port: 3, MAC: MAC{2, 0, 0, 0, 0, 1}, Name: "eth0"}}},
	{"OFPT_PORT_STATUS", PortStatus{Reason: PortModified, Port: PortDesc{Port: PortLocal, MAC: MAC{2, 0, 0, 0, 0, 1}, Name: "br-int", Config: PortConfigDown | 1<<20, State: 1 | 1<<10,
		Properties: EthernetPort{Current: 0x2840, Advertised: 1, Supported: 0xffff, Peer: 1 << 31, Speed: 10000000, MaxSpeed: 40000000}.Property()}}},
	{"OFPT_PACKET_OUT", PacketOut{Metadata: mustMatch("in_port=CONTROLLER,reg1=0x7"), Actions: Actions{}.Output(3).Group(4), Data: frames["vlan"]}},
	{"OFPT_PACKET_OUT", PacketOut{Metadata: mustMatch("in_port=4"), Data: []byte{}}},
	{"OFPT_FLOW_MOD", FlowMod{Flow: mustFlow("cookie=1,table=2,priority=5,idle_timeout=3,hard_timeout=4,importance=6,send_flow_rem,actions=output:3")}},
	{"OFPT_FLOW_MOD", FlowMod{Command: DeleteStrict, Flow: mustFlow("cookie=1,table=255,tcp,actions=drop"), CookieMask: 0xff, OutPort: 3, OutGroup: 4}},
	{"OFPT_FLOW_MOD", FlowMod{Command: Modify, Flow: mustFlow("table=0,check_overlap,reset_counts,actions=resubmit(,4)")}},
	{"OFPT_GROUP_MOD", GroupMod{Command: GroupAdd, Group: Group{ID: 9, Type: GroupFastFailover, Buckets: []Bucket{{ID: 1, WatchPort: 3, Actions: Actions{}.Output(3)}, {ID: 2, WatchGroup: 7, Actions: Actions{}.Group(7)}}}}},
	{"OFPT_GROUP_MOD", GroupMod{Command: GroupAddOrModify, Group: Group{ID: 9, Type: GroupSelect, SelectionMethod: "hash", SelectionParam: 5,
		Fields: GroupFields(FieldIPv4Src, FieldIPv4Dst), Buckets: []Bucket{{ID: 1, Weight: 100, WatchPort: 7, Actions: Actions{}.Output(3)}, {ID: 2, Weight: 1}}}}},
	{"OFPT_GROUP_MOD", GroupMod{Command: GroupInsert, Bucket: BucketLast, Group: Group{ID: 9, Type: GroupSelect, Buckets: []Bucket{{ID: 3, Weight: 5, Actions: Actions{}.Output(3)}}}}},
	{"OFPT_GROUP_MOD", GroupMod{Command: GroupRemove, Bucket: 3, Group: Group{ID: 9}}},
	{"OFPT_GROUP_MOD", GroupMod{Command: GroupRemove, Bucket: BucketAll, Group: Group{ID: 9}}},
	{"OFPT_GROUP_MOD", GroupMod{Command: GroupDelete, Group: Group{ID: 9}}},
	{"OFPT_PORT_MOD", PortMod{Port: 3, MAC: MAC{2, 0, 0, 0, 0, 1}, Config: PortConfigDown, Mask: PortConfigDown | PortConfigNoForward, Properties: AdvertiseProperty(1)}},
	{"OFPT_PORT_MOD", PortMod{Port: PortLocal, MAC: MAC{2, 0, 0, 0, 0, 1}, Mask: PortConfigNoRecv | PortConfigNoPacketIn}},
	{"OFPT_TABLE_MOD", TableMod{TableDesc{Table: 5, Config: TableVacancy, Properties: VacancyProperty(Vacancy{Down: 10, Up: 20})}}},
	{"OFPT_TABLE_MOD", TableMod{TableDesc{Table: 6, Config: TableEviction, Properties: EvictionProperty(EvictOther)}}},
	{"OFPT_BARRIER_REQUEST", Empty(TypeBarrierRequest)},
	{"OFPT_BARRIER_REPLY", Empty(TypeBarrierReply)},
	{"OFPT_ROLE_REQUEST", RoleMessage{Role: RolePrimary, GenerationID: 5}},
	{"OFPT_ROLE_REPLY", RoleMessage{Reply: true, Role: RoleEqual, GenerationID: math.MaxUint64}},
	{"OFPT_GET_ASYNC_REQUEST", Empty(TypeGetAsyncRequest)},
	{"OFPT_GET_ASYNC_REPLY", AsyncConfig{Properties: []AsyncProperty{{AsyncPacketInSecondary, 0}, {AsyncPacketIn, 0x3f}, {AsyncPortStatusSecondary, 7},
		{AsyncPortStatus, 7}, {AsyncFlowRemovedSecondary, 1}, {AsyncFlowRemoved, 0x3f}, {AsyncRoleStatus, 3}, {AsyncTableStatus, 0x18}, {AsyncRequestForward, 3}}}},
	{"OFPT_SET_ASYNC", AsyncConfig{Set: true, Properties: []AsyncProperty{{AsyncPacketIn, 0xf}, {AsyncRequestForward, 1}}}},
	{"OFPT_METER_MOD", MeterMod{Command: MeterAdd, Meter: Meter{ID: 3, Flags: MeterKbps | MeterBurst, Bands: []MeterBand{{Type: BandDrop, Rate: 100, Burst: 10}}}}},
	{"OFPT_METER_MOD", MeterMod{Command: MeterModify, Meter: Meter{ID: MeterController, Flags: MeterPktps | MeterBurst | MeterStatsFlag,
		Bands: []MeterBand{{Type: BandDrop, Rate: 100}, {Type: BandDSCPRemark, Rate: 50, Burst: 2, PrecLevel: 1}}}}},
	{"OFPT_METER_MOD", MeterMod{Command: MeterDelete, Meter: Meter{ID: MeterAll}}},
	{"OFPT_ROLE_STATUS", RoleStatus{Role: RoleSecondary, Reason: 0, GenerationID: 5}},
	{"OFPT_ROLE_STATUS", RoleStatus{Role: RolePrimary, Reason: 1, GenerationID: math.MaxUint64}},
	{"OFPT_TABLE_STATUS", TableStatus{Reason: 4, Desc: TableDesc{Table: 5, Config: TableEviction | TableVacancy,
		Properties: append(EvictionProperty(EvictOther|EvictImportance), VacancyProperty(Vacancy{10, 20, 30})...)}}},
	{"OFPT_REQUESTFORWARD", RequestForward{Xid: 5, Request: GroupMod{Command: GroupAdd, Group: Group{ID: 9, Buckets: []Bucket{{ID: 1, Actions: Actions{}.Output(3)}}}}}},
	{"OFPT_REQUESTFORWARD", RequestForward{Xid: 5, Request: MeterMod{Command: MeterDelete, Meter: Meter{ID: 4}}}},
	{"OFPT_BUNDLE_CONTROL", BundleControl{ID: 1, Type: BundleOpen, Flags: BundleAtomic | BundleOrdered}},
	{"OFPT_BUNDLE_CONTROL", BundleControl{ID: 1, Type: BundleCommitReply}},
	{"OFPT_BUNDLE_ADD_MESSAGE", BundleAdd{ID: 1, Flags: BundleOrdered, Xid: 7, Mod: FlowMod{Flow: mustFlow("table=1,priority=5,actions=drop")}}},
	{"OFPT_BUNDLE_ADD_MESSAGE", BundleAdd{ID: 1, Flags: BundleAtomic, Xid: 7, Mod: PacketOut{Metadata: mustMatch("in_port=LOCAL"), Actions: Actions{}.Output(1), Data: frames["arp"]}}},
	{"OFPT_BUNDLE_ADD_MESSAGE", BundleAdd{ID: 1, Flags: BundleAtomic, Xid: 7, Mod: PortMod{Port: 3, MAC: MAC{2, 0, 0, 0, 0, 1}}}},

	{"OFPST_DESC request", asked(MultipartDesc)},
	{"OFPST_DESC reply", replied(MultipartDesc, SwitchDesc{"Nicira, Inc.", "Open vSwitch", "3.1.0", "None", "None"})},
	{"OFPST_FLOW request", asked(MultipartFlowDesc, AllFlows)},
	{"OFPST_FLOW request", asked(MultipartFlowDesc, FlowQuery{Table: 2, OutPort: 7, OutGroup: 8, Cookie: 5, CookieMask: 255, Match: mustMatch("ip")})},
	{"OFPST_FLOW reply", replied(MultipartFlowDesc)},
	{"OFPST_FLOW reply", replied(MultipartFlowDesc, FlowStats{Flow: mustFlow("cookie=5,table=3,priority=7,idle_timeout=60,ip,nw_dst=10.0.0.0/8,actions=resubmit(,4)"), Packets: 12, Bytes: 1176,
		Duration: 65*time.Second + 250*time.Millisecond, IdleTime: 3 * time.Second}, FlowStats{Flow: mustFlow("table=0,actions=drop"), Duration: 1})},
	{"OFPST_AGGREGATE request", asked(MultipartAggregate, FlowQuery{Table: 2, Match: mustMatch("ip")})},
	{"OFPST_AGGREGATE reply", replied(MultipartAggregate, Aggregate{Packets: 1, Bytes: 2, Flows: 3})},
	{"OFPST_TABLE request", asked(MultipartTable)},
	{"OFPST_TABLE reply", replied(MultipartTable, TableStats{Table: 0, Active: 1, Lookup: 2, Matched: 3}, TableStats{Table: 1}, TableStats{Table: 2}, TableStats{Table: 3},
		TableStats{Table: 4, Active: 1}, TableStats{Table: 5, Active: 1}, TableStats{Table: 253, Active: 2})},
	{"OFPST_PORT request", asked(MultipartPort, PortQuery{PortAny})},
	{"OFPST_PORT reply", replied(MultipartPort, PortStats{Port: 1, Duration: 46600 * time.Millisecond, RxPackets: 1, TxPackets: 2, RxBytes: 3, TxBytes: 4, RxDropped: 5, TxDropped: 6,
		RxErrors: 7, TxErrors: 8, RxFrameErrors: 9, RxOverruns: 10, RxCRCErrors: 11, Collisions: 12},
		PortStats{Port: PortLocal, Duration: -1, RxDropped: math.MaxUint64, RxFrameErrors: math.MaxUint64, RxOverruns: math.MaxUint64, RxCRCErrors: math.MaxUint64, Collisions: math.MaxUint64})},
	{"OFPST_QUEUE request", asked(MultipartQueue, QueueQuery{PortAny, QueueAll})},
	{"OFPST_QUEUE reply", replied(MultipartQueue, QueueStats{Port: 1, Queue: 2, TxBytes: 3, TxPackets: 4, Errors: 5, Duration: 6 * time.Second},
		QueueStats{Port: PortLocal, TxBytes: math.MaxUint64, Duration: -1})},
	{"OFPST_GROUP request", asked(MultipartGroup, GroupQuery{9})},
	{"OFPST_GROUP reply", replied(MultipartGroup, GroupStats{ID: 9, References: 2, Packets: 10, Bytes: 1000, Duration: 5500 * time.Millisecond, Buckets: []BandStats{{7, 700}, {3, 300}}}, GroupStats{ID: 10})},
	{"OFPST_GROUP_DESC request", asked(MultipartGroupDesc, GroupQuery{GroupEvery})},
	{"OFPST_GROUP_DESC reply", replied(MultipartGroupDesc)},
	{"OFPST_GROUP_DESC reply", replied(MultipartGroupDesc, Group{ID: 1, Buckets: []Bucket{{ID: 0, Actions: Actions{}.Output(1)}}}, Group{ID: 2, Type: GroupSelect, Buckets: []Bucket{{ID: 4, Weight: 3}}})},
	{"OFPST_GROUP_FEATURES request", asked(MultipartGroupFeatures)},
	{"OFPST_GROUP_FEATURES reply", replied(MultipartGroupFeatures, GroupFeatures{Types: 0xf, Capabilities: 7, Max: [4]uint32{1, 2, 3, 0xffffff00}, Actions: [4]uint32{0x3ff8001, 0x1, 0, 0xffffffff}})},
	{"OFPST_METER request", asked(MultipartMeter, MeterQuery{MeterAll})},
	{"OFPST_METER reply", replied(MultipartMeter, MeterStats{ID: 3, Flows: 4, PacketsIn: 5, BytesIn: 6, Duration: 7*time.Second + 8, Bands: []BandStats{{1, 2}, {3, 4}}}, MeterStats{ID: MeterSlowPath})},
	{"OFPST_METER_CONFIG request", asked(MultipartMeterConfig, MeterQuery{3})},
	{"OFPST_METER_CONFIG reply", replied(MultipartMeterConfig, Meter{ID: 3, Flags: MeterKbps | MeterBurst | MeterStatsFlag, Bands: []MeterBand{{Type: BandDrop, Rate: 100}}},
		Meter{ID: 4, Flags: MeterPktps, Bands: []MeterBand{{Type: BandDSCPRemark, Rate: 7, PrecLevel: 2}}})},
	{"OFPST_METER_FEATURES request", asked(MultipartMeterFeatures)},
	{"OFPST_METER_FEATURES reply", replied(MultipartMeterFeatures, MeterFeatures{MaxMeters: 0x3ffff, Bands: 6, Capabilities: 0xf, MaxBands: 4, MaxColors: 8})},
	{"OFPST_TABLE_FEATURES request", asked(MultipartTableFeatures)},
	{"OFPST_TABLE_FEATURES reply", replied(MultipartTableFeatures, TableFeatures{Table: 3, Name: "classifier", MetadataMatch: math.MaxUint64, Capabilities: 4, MaxEntries: 1000000})},
	{"OFPST_TABLE_FEATURES reply", replied(MultipartTableFeatures,
		TableFeatures{Table: 3, Name: "in", MaxEntries: 7, Properties: tableProperties(map[uint16]string{tableInstructions: "00010004",
			tableNextTables: "050609", tableInstructions + 1: "00040004", tableApplyActions: "00000004", tableMatch: "80000a02 80000004", tableWildcards: "80000a02"})},
		TableFeatures{Table: 4, Capabilities: 4, Properties: tableProperties(map[uint16]string{tableInstructions: "00010004", tableNextTables: "0609",
			tableInstructions + 1: "00040004", tableWriteActions: "00000004", tableApplyActions: "00160004", tableWriteSetField: "80000606",
			tableMatch: "80000a02 80000004", tableWildcards: "80000a02"})},
		TableFeatures{Table: 5, Properties: tableProperties(map[uint16]string{tableInstructions: "00010004", tableInstructions + 1: "00010004", tableMatch: "80001708"})},
		TableFeatures{Table: 6, Properties: tableProperties(map[uint16]string{tableInstructions: "00010004", tableInstructions + 1: "00010004", tableMatch: "80001708"})},
		TableFeatures{Table: 7, Name: "out", Properties: tableProperties(map[uint16]string{tableInstructions: "00010004", tableInstructions + 1: "00010004", tableMatch: "80001708"})},
		TableFeatures{Table: 9})},
	{"OFPST_PORT_DESC request", asked(MultipartPortDesc, PortQuery{PortAny})},
	{"OFPST_PORT_DESC request", asked(MultipartPortDesc, PortQuery{5})},
	{"OFPST_PORT_DESC reply", replied(MultipartPortDesc, PortDesc{Port: 1, MAC: MAC{0xaa}, Name: "p1", State: 4, Properties: EthernetPort{Current: 0x840}.Property()}, PortDesc{Port: PortLocal, Name: "br0", Config: 1})},
	{"OFPST_TABLE_DESC request", asked(MultipartTableDesc)},
	{"OFPST_TABLE_DESC reply", replied(MultipartTableDesc, TableDesc{Table: 0, Properties: EvictionProperty(7)}, TableDesc{Table: 1, Config: TableVacancy, Properties: append(EvictionProperty(0), VacancyProperty(Vacancy{1, 2, 3})...)})},
	{"OFPST_QUEUE_DESC request", asked(MultipartQueueDesc, QueueQuery{1, QueueAll})},
	{"OFPST_QUEUE_DESC request", asked(MultipartQueueDesc, QueueQuery{1, 2})},
	{"OFPST_QUEUE_DESC reply", replied(MultipartQueueDesc, QueueDesc{Port: 1, Queue: 0, Properties: unhexed("0001 0008 0064 0000 0002 0008 03e9 0000")}, QueueDesc{Port: 1, Queue: 1}, QueueDesc{Port: 3, Queue: 2})},
	{"OFPST_FLOW_MONITOR request", asked(MultipartFlowMonitor, FlowMonitor{ID: 1, Flags: 0x5f, Table: TableAll}, FlowMonitor{ID: 2, OutPort: 3, OutGroup: 7, Flags: 0x1e, Table: 2, Match: mustMatch("ip")})},
	{"OFPST_FLOW_MONITOR reply", replied(MultipartFlowMonitor, FlowUpdate{Event: MonitorFlowInitial, Flow: mustFlow("cookie=9,table=2,idle_timeout=3,hard_timeout=4,actions=output:3")},
		FlowUpdate{Event: MonitorFlowRemoved, Reason: 1, Flow: mustFlow("table=2,priority=5,tcp,actions=drop")}, FlowUpdate{Event: MonitorAbbrev, Xid: 0x55}, FlowUpdate{Event: MonitorPaused}, FlowUpdate{Event: MonitorResumed},
		FlowUpdate{Event: MonitorFlowAdded, Flow: mustFlow("table=2,actions=drop")}, FlowUpdate{Event: MonitorFlowModified, Flow: mustFlow("table=2,ip,actions=resubmit(,5)")})},

	{"NXT_ROLE_REQUEST", RoleMessage{Nicira: true, Role: RolePrimary, GenerationID: math.MaxUint64}},
	{"NXT_ROLE_REPLY", RoleMessage{Nicira: true, Reply: true, Role: RoleEqual, GenerationID: math.MaxUint64}},
	{"NXT_SET_FLOW_FORMAT", SetFlowFormat(2)},
	{"NXT_FLOW_REMOVED", FlowRemoved{Nicira: true, Reason: 2, Stats: FlowStats{Flow: Flow{Table: 2, Priority: 5, IdleTimeout: 7, Cookie: 1, Match: mustMatch("ip")}, Duration: 9100 * time.Millisecond, IdleTime: -1, Packets: 2, Bytes: 3}}},
	{"NXT_FLOW_MOD_TABLE_ID", FlowModTableID(true)},
	{"NXT_FLOW_MOD_TABLE_ID", FlowModTableID(false)},
	{"NXT_SET_PACKET_IN_FORMAT", SetPacketInFormat(PacketInNicira2)},
	{"NXT_PACKET_IN", PacketIn{Form: PacketInNicira, Reason: 1, Table: 5, Cookie: 7, TotalLen: len(frames["arp"]), Metadata: mustMatch("reg3=0x5"), Data: frames["arp"]}},
	{"NXT_FLOW_AGE", FlowAge()},
	{"NXT_SET_ASYNC_CONFIG", AsyncConfig{Set: true, Form: AsyncNicira, Properties: []AsyncProperty{{AsyncPacketIn, 3}, {AsyncPacketInSecondary, 0}, {AsyncPortStatus, 7}, {AsyncPortStatusSecondary, 7}, {AsyncFlowRemoved, 15}, {AsyncFlowRemovedSecondary, 0}}}},
	{"NXT_SET_CONTROLLER_ID", SetControllerID(5)},
	{"NXT_FLOW_MONITOR_CANCEL", CancelFlowMonitor(5)},
	{"NXT_FLOW_MONITOR_PAUSED", NiciraNumber{subtype: nxtFlowMonitorPaused}},
	{"NXT_FLOW_MONITOR_RESUMED", NiciraNumber{subtype: nxtFlowMonitorResumed}},
	{"NXT_TLV_TABLE_MOD", TLVTableMod{Command: TLVAdd, Maps: []TLVMap{{0xffff, 0, 4, 0}, {0x105, 0x80, 124, 63}}}},
	{"NXT_TLV_TABLE_MOD", TLVTableMod{Command: TLVDelete, Maps: []TLVMap{{0xffff, 0, 4, 0}}}},
	{"NXT_TLV_TABLE_MOD", TLVTableMod{Command: TLVClear}},
	{"NXT_TLV_TABLE_REQUEST", RequestTLVTable()},
	{"NXT_TLV_TABLE_REPLY", TLVTable{MaxSpace: 256, MaxFields: 64, Maps: []TLVMap{{0xffff, 0, 4, 0}, {0xffff, 1, 8, 1}}}},
	{"NXT_TLV_TABLE_REPLY", TLVTable{MaxSpace: 256, MaxFields: 64}},
	{"NXT_SET_ASYNC_CONFIG2", AsyncConfig{Set: true, Form: AsyncNicira2, Properties: []AsyncProperty{{AsyncPacketIn, 3}}}},
	{"NXT_RESUME", PacketIn{Form: PacketResume, Reason: 1, Cookie: math.MaxUint64, TotalLen: len(frames["tcp"]), Metadata: mustMatch("in_port=3"), Data: frames["tcp"], Continuation: unhexed("8000 0014 55555555555555555555555555555555 00000000")}},
	{"NXT_CT_FLUSH_ZONE", FlushCTZone(5)},
	{"NXT_PACKET_IN2", PacketIn{Form: PacketInNicira2, Reason: 1, Table: 5, Cookie: 9, TotalLen: 100, Metadata: mustMatch("in_port=3"), Data: frames["tcp"], Userdata: []byte{1, 2, 3},
		Continuation: unhexed("8000 0014 55555555555555555555555555555555 00000000")}},
	{"NXT_CT_FLUSH", CTFlush{Protocol: ProtoTCP, HasZone: true, Zone: 5, Original: CTTuple{Src: netip.MustParseAddr("10.0.0.1"), DstPort: 80}}},
	{"NXT_CT_FLUSH", CTFlush{Protocol: ProtoICMPv6, Original: CTTuple{Src: netip.MustParseAddr("fd00::1"), Dst: netip.MustParseAddr("fd00::2"), ICMPID: 1, ICMPType: 128, ICMPCode: 0},
		Reply: CTTuple{ICMPType: 129}}},
	{"NXST_IPFIX_BRIDGE request", niciraParted(nxstIPFIXBridge, false)},
	{"NXST_IPFIX_BRIDGE reply", niciraParted(nxstIPFIXBridge, true, IPFIXStats{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0})},
	{"NXST_IPFIX_FLOW request", niciraParted(nxstIPFIXFlow, false)},
	{"NXST_IPFIX_FLOW reply", niciraParted(nxstIPFIXFlow, true, IPFIXStats{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, IPFIXStats{Collector: 12})},
}
