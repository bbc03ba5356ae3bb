package probe

import (
	"strconv"
	"strings"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
)

// Session is what is known of a peer.
type Session struct {
	Peer    Peer
	Port    openflow.Port // 0 until the switch has made it
	State   systemv1alpha1.PeerState
	Message string // more about a state that is not Up
	Flaps   int
}

// answers tells whether the session is up, whatever the peer asks for.
func (s Session) answers() bool {
	return s.State == systemv1alpha1.PeerUp || s.State == systemv1alpha1.PeerDraining
}

// sessionOf reads what the switch says of a peer. there is false if it has no port for it; silent is true while the switch is not
// to be asked, and what it last wrote into its database may not be so any more.
func sessionOf(p Peer, port ovsdb.Port, there, silent bool) Session {
	s := Session{Peer: p, State: systemv1alpha1.PeerUnknown}
	status := port.BFDStatus
	switch {
	case !there:
		s.Message = "not watched yet"
		return s
	case silent:
		s.Port, s.Message = port.OFPort, "ovs-vswitchd does not answer on this Node"
		return s
	case port.OFPort == 0:
		s.Message = strings.TrimSpace("no probe port yet " + port.Error)
		return s
	}
	s.Port = port.OFPort
	s.Flaps, _ = strconv.Atoi(status["flap_count"])
	switch {
	case status["state"] == "":
		s.Message = "no session yet"
	case status["state"] == "up" && status["forwarding"] == "true":
		s.State = systemv1alpha1.PeerUp
	case status["state"] == "up":
		s.State, s.Message = systemv1alpha1.PeerDraining, "it asks to send to others"
	default:
		s.State = systemv1alpha1.PeerDown
		s.Message = describe(status)
	}
	return s
}

// describe says why a session is down, as far as BFD knows.
func describe(status map[string]string) string {
	diagnostic, remote := status["diagnostic"], status["remote_state"]
	switch {
	case strings.Contains(diagnostic, "Expired"):
		return "nothing heard from it"
	case strings.Contains(diagnostic, "Concatenated Path Down") && status["state"] == "down": // what this Node tells it since
		return "nothing heard from it"
	case status["state"] == "init" || remote == "init" || remote == "down" && status["state"] == "down" && diagnostic != "No Diagnostic":
		return "the session is coming up"
	case diagnostic == "" || diagnostic == "No Diagnostic":
		return "no answer"
	}
	return diagnostic
}

// label names a peer for people.
func (p Peer) label() string {
	where := p.Address.String()
	if p.Name != "" {
		where = p.Name + " (" + where + ")"
	}
	kind := "Node "
	if p.Gateway {
		kind = "gateway "
	}
	if p.Cluster != "" {
		return kind + where + " of cluster " + p.Cluster
	}
	return kind + where
}
