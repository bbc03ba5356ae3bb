// Package podport is a Pod's interface as OVSDB keeps it: the name of its port, and a [Record] in the port's external_ids.
package podport

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// The keys of Port.external_ids that make a port a Pod record.
const (
	keyType         = "antrea-type"
	keyNetwork      = "network-name"
	keyContainerID  = "container-id"
	keyNetNS        = "netns"
	keyIfName       = "if-name"
	keyPodNamespace = "pod-namespace"
	keyPodName      = "pod-name"
	keyPodUID       = "pod-uid"
	keyMAC          = "attached-mac"
	keyIPs          = "ip-address"
	keyVNI          = "segment-vni"

	typeContainer = "container"
)

// Record is one attachment of a container. The external_ids of its OVS port are the only place where it is kept.
type Record struct {
	PortName     string // of the OVS port and of the host's end of the veth pair
	Network      string // the name in the network configuration
	ContainerID  string
	NetNS        string // path as the runtime gave it
	IfName       string // inside the container
	PodNamespace string
	PodName      string
	PodUID       string
	MAC          openflow.MAC
	IPs          []netip.Prefix // addresses with the length of their subnet, at most one of each family in the first network
	VNI          uint32         // of the segment that the interface is in, 0 for the first network
	OFPort       openflow.Port  // given by the switch, 0 before that; not part of the external_ids
}

// Attachment is the container and interface that the record is for.
func (r Record) Attachment() cni.Attachment {
	return cni.Attachment{ContainerID: r.ContainerID, IfName: r.IfName}
}

// ExternalIDs is the record as the external_ids of its port.
func (r Record) ExternalIDs() map[string]string {
	ips := make([]string, len(r.IPs))
	for i, ip := range r.IPs {
		ips[i] = ip.String()
	}
	ids := map[string]string{
		keyType:         typeContainer,
		keyNetwork:      r.Network,
		keyContainerID:  r.ContainerID,
		keyNetNS:        r.NetNS,
		keyIfName:       r.IfName,
		keyPodNamespace: r.PodNamespace,
		keyPodName:      r.PodName,
		keyPodUID:       r.PodUID,
		keyMAC:          r.MAC.String(),
		keyIPs:          strings.Join(ips, ","),
	}
	if r.VNI != 0 {
		ids[keyVNI] = strconv.FormatUint(uint64(r.VNI), 10)
	}
	for key, value := range ids {
		if value == "" {
			delete(ids, key)
		}
	}
	return ids
}

// ErrNoRecord says that a port is not a Pod's: the bridge has others.
var ErrNoRecord = errors.New("not the port of a Pod")

// Parse reads the record from the external_ids of the port with that name. A port that is not a Pod's gives
// [ErrNoRecord]; any other error is a damaged record.
func Parse(portName string, ids map[string]string) (Record, error) {
	if ids[keyType] != typeContainer {
		return Record{}, ErrNoRecord
	}
	r := Record{
		PortName:     portName,
		Network:      ids[keyNetwork],
		ContainerID:  ids[keyContainerID],
		NetNS:        ids[keyNetNS],
		IfName:       ids[keyIfName],
		PodNamespace: ids[keyPodNamespace],
		PodName:      ids[keyPodName],
		PodUID:       ids[keyPodUID],
	}
	if r.ContainerID == "" || r.IfName == "" {
		return Record{}, fmt.Errorf("port %q: external_ids lack %s or %s", portName, keyContainerID, keyIfName)
	}
	var err error
	if r.MAC, err = openflow.ParseMAC(ids[keyMAC]); err != nil {
		return Record{}, fmt.Errorf("port %q: external_ids:%s: %w", portName, keyMAC, err)
	}
	if text := ids[keyVNI]; text != "" {
		vni, err := strconv.ParseUint(text, 10, 24)
		if err != nil || vni == 0 {
			return Record{}, fmt.Errorf("port %q: external_ids:%s is %q, not the number of a segment", portName, keyVNI, text)
		}
		r.VNI = uint32(vni)
	}
	for text := range strings.SplitSeq(ids[keyIPs], ",") {
		ip, err := netip.ParsePrefix(text)
		if err != nil {
			return Record{}, fmt.Errorf("port %q: external_ids:%s: %w", portName, keyIPs, err)
		}
		r.IPs = append(r.IPs, ip)
	}
	return r, nil
}

// PortName is the name of the host's end for an attachment: the first 8 characters of the Pod's name, a dash and 6 digits
// of a hash. Two attachments may meet in one name; attempt counts up to give the next candidates.
func PortName(podName string, a cni.Attachment, attempt int) string {
	prefix := podName
	if prefix == "" {
		prefix = a.ContainerID
	}
	prefix = strings.TrimLeft(prefix[:min(8, len(prefix))], "-")
	text := a.ContainerID + a.IfName
	if attempt > 0 {
		text = fmt.Sprintf("%s/%d", text, attempt)
	}
	hash := sha1.Sum([]byte(text))
	return prefix + "-" + hex.EncodeToString(hash[:3])
}
