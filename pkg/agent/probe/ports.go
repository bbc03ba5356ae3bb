package probe

import (
	"encoding/hex"
	"hash/fnv"
	"maps"
	"net/netip"
	"strconv"

	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

const (
	// namePrefix begins the names of probe ports; the rest is the address.
	namePrefix = "probe-"
	// key is the network identifier of probes, which no data has. With another, or none, the switch would take a peer's data for
	// the probe port's.
	key = "0xfffffd"
	// multiplier is how many intervals a peer may be silent.
	multiplier = 3

	typeKey, typeProbe = "antrea-type", "probe" // in external_ids
	peerKey            = "antrea-peer"
	clusterKey         = "antrea-cluster"
	// pathKey is the largest packet of a Pod that gets to the gateway, "0" if it takes all: an agent that starts need not find it again.
	pathKey = "antrea-path-mtu"
)

// Name is the name of the port that watches an address.
func Name(a netip.Addr) string {
	b := a.AsSlice()
	if len(b) > 4 { // names have 15 characters
		h := fnv.New32a()
		h.Write(b)
		b = h.Sum(nil)
	}
	return namePrefix + hex.EncodeToString(b)
}

// intervals are how often a session sends, in milliseconds, by the number of sessions of a Node. BFD is to cost it no more than
// a few percent of a core: measured on the userspace datapath, see docs/design/gateways.md.
var intervals = []struct{ sessions, milliseconds int }{{10, 50}, {25, 100}, {60, 250}, {120, 500}}

// interval is how often each of n sessions sends, in milliseconds. Both ends of a session use the longer one of theirs.
func interval(n int) int {
	for _, i := range intervals {
		if n <= i.sessions {
			return i.milliseconds
		}
	}
	return 1000
}

// ports are the probe ports for peers, by name.
func ports(peers []Peer, a attraction, tunnel config.Tunnel, narrow map[netip.Addr]int) map[string]ovsdb.Port {
	milliseconds := strconv.Itoa(interval(len(peers)))
	want := make(map[string]ovsdb.Port, len(peers))
	for _, p := range peers {
		bfd := map[string]string{
			"enable": "true", "min_tx": milliseconds, "min_rx": milliseconds, "mult": strconv.Itoa(multiplier),
			"cpath_down": strconv.FormatBool(!a.wants(p)),
		}
		ids := map[string]string{typeKey: typeProbe, peerKey: p.Name}
		if p.Cluster != "" {
			ids[clusterKey], ids[pathKey] = p.Cluster, strconv.Itoa(narrow[p.Address])
		}
		name := Name(p.Address)
		want[name] = ovsdb.Port{
			Name: name, Type: tunnel.Type, ExternalIDs: ids, BFD: bfd,
			Options: tunnel.Options(map[string]string{"remote_ip": p.Address.String(), "key": key}),
		}
	}
	return want
}

// correct reports whether a port is as it should be.
func correct(have, want ovsdb.Port) bool {
	for k, v := range want.ExternalIDs {
		if have.ExternalIDs[k] != v {
			return false
		}
	}
	return have.Type == want.Type && maps.Equal(have.Options, want.Options) && maps.Equal(have.BFD, want.BFD)
}
