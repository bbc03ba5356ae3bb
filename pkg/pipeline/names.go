package pipeline

import "github.com/antrea-mc/antrea-mc/pkg/openflow"

// NamesController is the number of the connection that hears of answers about names.
const NamesController = 0x6101

// NamesMeter limits how many answers about names the agent hears of.
const NamesMeter = 0x61

// NamesLeaseSeconds is for how long answers about names wait for an agent that is not there any more.
const NamesLeaseSeconds = 4

// dnsPort is where who answers about names is asked.
const dnsPort = 53

// hearNames marks answers about names to a Pod. They come to the same table again, where they wait for the agent if there is one, and
// go on as any other reply if not.
func (r *rules) hearNames(n Node, to openflow.Match) {
	to = to.CTState(openflow.CTReply|openflow.CTTracked, 0).RegRange(tellsNames, 0)
	mark := openflow.Actions{}.Load(tellsNames, 1).Resubmit(TableIngressPolicy)
	for _, f := range n.families() {
		r.add(TableIngressPolicy, 270, to.EthType(f.ethType).IPProto(openflow.ProtoUDP).UDPSrc(dnsPort), mark)
		r.add(TableIngressPolicy, 270, to.EthType(f.ethType).IPProto(openflow.ProtoTCP).TCPSrc(dnsPort), mark)
	}
}

// NamesLease is the flow by which answers about names wait for the agent. It is not part of a [State]: it is there as long as an agent
// hears them, who has to add it again before its time is over. So no answer waits for an agent that is away, or does not get on.
func NamesLease(limited bool) openflow.Flow {
	var a openflow.Actions
	if limited {
		a = a.Meter(NamesMeter)
	}
	return openflow.Flow{
		Table: TableIngressPolicy, Priority: 280, Cookie: cookieFor(FeatureNames, Owner{}), HardTimeout: NamesLeaseSeconds,
		Match: openflow.Match{}.RegRange(tellsNames, 1),
		Actions: a.Punt(openflow.Punt{MaxLen: 0xffff, ID: NamesController, Reason: becauseOfAction, UserData: []byte{2}, Pause: true}).
			Resubmit(TableConntrackCommit),
	}
}

// IsNamesLease reports whether a flow is one that only the agent that hears of names adds and takes away.
func IsNamesLease(f openflow.Flow) bool {
	feature, ok := CookieFeature(f.Cookie)
	return ok && feature == FeatureNames
}

// PortOfAnswer is the port of the Pod that an answer about names is for.
func PortOfAnswer(p openflow.PacketIn) (openflow.Port, bool) {
	port, _ := p.Metadata.Uint(openflow.FieldReg1)
	return openflow.Port(port), port != 0
}
