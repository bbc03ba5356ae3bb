package cni

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

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

	typeContainer = "container"
)

// PodRecord is one attachment of a container. The external_ids of its OVS port are the only place where it is kept.
type PodRecord struct {
	PortName     string // of the OVS port and of the host's end of the veth pair
	Network      string // the name in the network configuration
	ContainerID  string
	NetNS        string // path as the runtime gave it
	IfName       string // inside the container
	PodNamespace string
	PodName      string
	PodUID       string
	MAC          openflow.MAC
	IPs          []netip.Prefix // addresses with the length of their subnet, at most one of each family
	OFPort       openflow.Port  // given by the switch, 0 before that; not part of the external_ids
}

// Attachment is what the CNI specification identifies an attachment by, within a network.
type Attachment struct {
	ContainerID string
	IfName      string
}

// Attachment is the container and interface that the record is for.
func (r PodRecord) Attachment() Attachment { return Attachment{r.ContainerID, r.IfName} }

// ExternalIDs is the record as the external_ids of its port.
func (r PodRecord) ExternalIDs() map[string]string {
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
	for key, value := range ids {
		if value == "" {
			delete(ids, key)
		}
	}
	return ids
}

// ErrNoPodRecord says that a port is not a Pod's: the bridge has others.
var ErrNoPodRecord = errors.New("not the port of a Pod")

// ParsePodRecord reads the record from the external_ids of the port with that name. A port that is not a Pod's gives
// [ErrNoPodRecord]; any other error is a damaged record.
func ParsePodRecord(portName string, ids map[string]string) (PodRecord, error) {
	if ids[keyType] != typeContainer {
		return PodRecord{}, ErrNoPodRecord
	}
	r := PodRecord{
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
		return PodRecord{}, fmt.Errorf("port %q: external_ids lack %s or %s", portName, keyContainerID, keyIfName)
	}
	var err error
	if r.MAC, err = openflow.ParseMAC(ids[keyMAC]); err != nil {
		return PodRecord{}, fmt.Errorf("port %q: external_ids:%s: %w", portName, keyMAC, err)
	}
	for text := range strings.SplitSeq(ids[keyIPs], ",") {
		ip, err := netip.ParsePrefix(text)
		if err != nil {
			return PodRecord{}, fmt.Errorf("port %q: external_ids:%s: %w", portName, keyIPs, err)
		}
		r.IPs = append(r.IPs, ip)
	}
	return r, nil
}

// PortName is the name of the host's end for an attachment: the first 8 characters of the Pod's name, a dash and 6 digits
// of a hash. Two attachments may meet in one name; attempt counts up to give the next candidates.
func PortName(podName string, a Attachment, attempt int) string {
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
