package pipeline

import (
	"hash/fnv"
	"net/netip"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

const (
	// ServiceGroupMagic is in the upper bits of the number of every group that chooses an endpoint.
	ServiceGroupMagic uint32 = 0x62 << 24
	// MaxServiceID is the highest number of a Service.
	MaxServiceID = 1<<(24-serviceRoleBits) - 1

	serviceRoleBits = 2
	roleLocal       = 1 // of the group of local endpoints
	roleIPv6        = 2

	// learnedMagic is in the upper bits of the cookies of learned flows, which belong to no owner: they come with packets, and
	// go after their time or with the flow that has learned them.
	learnedMagic uint64 = 0x616c << 48
)

// OwnGroup tells whether a group is one that this package makes.
func OwnGroup(id uint32) bool {
	magic := id & GroupMagicMask
	return magic == GroupMagic || magic == ServiceGroupMagic
}

// choice are the actions that choose an endpoint: it is in registers, and the packet is as it was.
func choice(e netip.AddrPort) openflow.Actions {
	a := openflow.Actions{}
	if ip := e.Addr(); ip.Is4() {
		a = a.Load(endpointIPv4, ipv4Bits(ip))
	} else {
		a = a.SetField(openflow.FieldXXReg3, ip.AsSlice())
	}
	return a.Load(endpointPort, uint64(e.Port())).Resubmit(TableEndpointSet)
}

// balance adds the group that chooses among endpoints for a frontend and returns its number; frontends share it.
func (r *rules) balance(v *Service, f Frontend, endpoints []netip.AddrPort) uint32 {
	g := openflow.Group{ID: ServiceGroupMagic | v.ID<<serviceRoleBits, Type: openflow.GroupSelect}
	source := openflow.FieldIPv4Src
	if f.Local {
		g.ID |= roleLocal
	}
	if f.Address.Addr().Is6() {
		g.ID |= roleIPv6
		source = openflow.FieldIPv6Src
	}
	for _, have := range r.groups {
		if have.ID == g.ID {
			return g.ID
		}
	}
	// The switch's own choice of a method would have no use for the ports of UDP: all that a client sends were one endpoint's.
	// Where clients are to stay with their endpoint, the datapath must not choose: it would go on for a while after the switch has
	// learned where a client is.
	g.SelectionMethod = "dp_hash"
	if v.Affinity > 0 || len(endpoints) > maxHashed {
		g.SelectionMethod, g.Fields = "hash", openflow.GroupFields(source, sourcePort(v.Protocol))
	}
	taken := make(map[uint32]bool)
	for _, e := range endpoints {
		id := uint32(hashOf(0, e) & bucketMask)
		for taken[id] {
			id = (id + 1) & bucketMask
		}
		taken[id] = true
		g.Buckets = append(g.Buckets, openflow.Bucket{ID: id, Weight: 100, Actions: choice(e)})
	}
	r.groups = append(r.groups, g)
	return g.ID
}

// maxHashed is how many endpoints the hash that the datapath computes can tell apart. Of more, every connection asks
// ovs-vswitchd.
const maxHashed = 256

// bucketMask is for numbers of buckets, which are hashes of their endpoints.
const bucketMask = 1<<24 - 1

// learn remembers the clients of an endpoint, for connections to the same address and port to come. The flow is the endpoint's
// alone, because with it goes all that it has learned.
func (r *rules) learn(v *Service, e netip.AddrPort) {
	ip := e.Addr()
	m := openflow.Match{}.IPProto(v.Protocol).RegRange(affinityService, uint64(v.ID)).RegRange(endpointPort, uint64(e.Port()))
	ethType, source, destination, endpoint := openflow.EthTypeIPv4, openflow.FieldIPv4Src, openflow.FieldIPv4Dst, endpointIPv4
	if ip.Is4() {
		m = m.EthType(openflow.EthTypeIPv4).RegRange(endpointIPv4, ipv4Bits(ip))
	} else {
		ethType, source, destination, endpoint = openflow.EthTypeIPv6, openflow.FieldIPv6Src, openflow.FieldIPv6Dst, endpointIPv6
		m = m.EthType(openflow.EthTypeIPv6).With(openflow.FieldXXReg3, ip.AsSlice(), nil)
	}
	same := func(f openflow.FieldID) openflow.LearnSpec {
		return openflow.LearnField(openflow.LearnMatch, openflow.Whole(f), openflow.Whole(f))
	}
	keep := func(s openflow.Subfield) openflow.LearnSpec { return openflow.LearnField(openflow.LearnLoad, s, s) }
	r.add(TableEndpointSet, 210, m, openflow.Actions{}.Learn(openflow.Learn{
		Table: TableSessionAffinity, Priority: 200, HardTimeout: v.Affinity, Flags: openflow.LearnDeleteLearned,
		Cookie: learnedMagic | hashOf(v.ID, e)&(1<<48-1),
		Specs: []openflow.LearnSpec{
			openflow.LearnFieldValue(openflow.LearnMatch, openflow.Whole(openflow.FieldEthType), uint64(ethType)),
			openflow.LearnFieldValue(openflow.LearnMatch, openflow.Whole(openflow.FieldIPProto), uint64(v.Protocol)),
			same(source), same(destination), same(destinationPort(v.Protocol)),
			keep(endpoint), keep(endpointPort), keep(affinityService),
			openflow.LearnFieldValue(openflow.LearnLoad, endpointChosen, 1),
		},
	}).Resubmit(TableEndpointWrite))
}

// commitTo adds the flow that commits new connections to an endpoint. The header already has the endpoint, so that policies have
// seen it; it gets back the address that the client used, and the connection remembers both. Services share it.
func (r *rules) commitTo(n Node, protocol uint8, e netip.AddrPort) {
	port := destinationPort(protocol)
	m := openflow.Match{}.IPDst(host(e.Addr())).IPProto(protocol).WithUint(port, uint64(e.Port()), 0xffff).
		CTState(openflow.CTNew|openflow.CTTracked, 0).RegRange(endpointWritten, 1)
	var restore openflow.Actions
	if e.Addr().Is4() {
		restore = restore.Move(savedIPv4, openflow.Whole(openflow.FieldIPv4Dst))
	} else {
		restore = restore.Move(savedIPv6, openflow.Whole(openflow.FieldIPv6Dst))
	}
	r.add(TableConntrackCommit, 210, m, restore.Move(savedPort, openflow.Whole(port)).
		CT(openflow.CT{Commit: true, Zone: ZoneMain, NAT: openflow.DestinationNAT(e.Addr(), e.Port()),
			Exec: n.notes().Move(translation, connectionTranslation)}).
		Resubmit(TableOutput))
}

// hashOf is a hash of an endpoint and a number.
func hashOf(number uint32, e netip.AddrPort) uint64 {
	h := fnv.New64a()
	text, _ := e.MarshalBinary() // cannot fail
	h.Write(text)
	h.Write([]byte{byte(number >> 24), byte(number >> 16), byte(number >> 8), byte(number)})
	return h.Sum64()
}
