package cni

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/utils"
)

// IPAMHostLocal is the ipam.type whose addresses the agent hands out itself. Any other type is run as a plugin, as the
// specification says.
const IPAMHostLocal = "host-local"

// NetworkOverlay is the networkType of an interface in a segment: a network of its own beside the first one, over the same tunnels.
const NetworkOverlay = "overlay"

// maxVNI is the highest number that Geneve has for a segment.
const maxVNI = 1<<24 - 1

// NetConf is the network configuration that the runtime gives to the plugin.
type NetConf struct {
	CNIVersion       string          `json:"cniVersion"`
	Name             string          `json:"name"`
	NetworkType      string          `json:"networkType"` // NetworkOverlay, or empty for the first network
	VNI              uint32          `json:"vni"`         // of the segment, if NetworkType is NetworkOverlay
	Type             string          `json:"type"`
	Socket           string          `json:"socket"` // of the agent; DefaultSocket if empty
	MTU              int             `json:"mtu"`    // of the container's interface; the agent's if 0
	IPAM             json.RawMessage `json:"ipam"`
	DNS              types.DNS       `json:"dns"`
	PrevResult       json.RawMessage `json:"prevResult"`
	RuntimeConfig    RuntimeConfig   `json:"runtimeConfig"`
	ValidAttachments json.RawMessage `json:"cni.dev/valid-attachments"` // of GC; read with Valid
}

// RuntimeConfig holds the values of capabilities that the runtime fills in.
type RuntimeConfig struct {
	MAC string   `json:"mac"`
	IPs []string `json:"ips"` // addresses, with or without prefix length
}

// Valid are the attachments that GC is to keep. The key has to be there, because all others are removed; null, which
// runtimes send for an empty list, is an empty list.
func (c NetConf) Valid() (map[Attachment]bool, error) {
	const key = "key cni.dev/valid-attachments of the network configuration"
	if len(c.ValidAttachments) == 0 {
		return nil, types.NewError(types.ErrInvalidNetworkConfig, key+" is missing", "")
	}
	var list []types.GCAttachment
	if err := json.Unmarshal(c.ValidAttachments, &list); err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, key+": "+err.Error(), "")
	}
	valid := map[Attachment]bool{}
	for _, a := range list {
		valid[Attachment{ContainerID: a.ContainerID, IfName: a.IfName}] = true
	}
	return valid, nil
}

// IPAMType is the value of ipam.type, host-local if there is none.
func (c NetConf) IPAMType() (string, error) {
	var ipam types.IPAM
	if len(c.IPAM) > 0 {
		if err := json.Unmarshal(c.IPAM, &ipam); err != nil {
			return "", types.NewError(types.ErrDecodingFailure, "key ipam of the network configuration: "+err.Error(), "")
		}
	}
	if ipam.Type == "" {
		return IPAMHostLocal, nil
	}
	return ipam.Type, nil
}

// ParseNetConf reads and checks what the runtime wrote to the plugin's standard input. Its errors are of type [types.Error]
// and name the key.
func ParseNetConf(stdin []byte) (NetConf, error) {
	var c NetConf
	if err := json.Unmarshal(stdin, &c); err != nil {
		return NetConf{}, types.NewError(types.ErrDecodingFailure, "network configuration: "+err.Error(), "")
	}
	if c.Name == "" {
		return NetConf{}, types.NewError(types.ErrInvalidNetworkConfig, "key name of the network configuration is missing", "")
	}
	if err := utils.ValidateNetworkName(c.Name); err != nil {
		return NetConf{}, err
	}
	if !slices.Contains(Versions, c.CNIVersion) {
		return NetConf{}, types.NewError(types.ErrIncompatibleCNIVersion,
			fmt.Sprintf("key cniVersion of the network configuration is %q", c.CNIVersion),
			"supported: "+strings.Join(Versions, ", "))
	}
	if c.MTU != 0 && (c.MTU < 576 || c.MTU > 65535) {
		return NetConf{}, types.NewError(types.ErrInvalidNetworkConfig,
			fmt.Sprintf("key mtu of the network configuration is %d, not from 576 to 65535", c.MTU), "")
	}
	return c, c.checkSegment()
}

func (c NetConf) checkSegment() error {
	key, problem := CheckSegment(c.NetworkType, c.VNI)
	if key == "" {
		return nil
	}
	return types.NewError(types.ErrInvalidNetworkConfig, fmt.Sprintf("key %s of the network configuration is %s", key, problem), "")
}

// CheckSegment is the key that is wrong with what a configuration says of its segment, and what it is instead; both are empty if
// nothing is wrong.
func CheckSegment(networkType string, vni uint32) (key, problem string) {
	switch {
	case networkType == "" && vni != 0:
		return "networkType", fmt.Sprintf("missing, but key vni is %d: only %q has it", vni, NetworkOverlay)
	case networkType != "" && networkType != NetworkOverlay:
		return "networkType", fmt.Sprintf(`%q: only %q is there, for others use the plugins vlan, macvlan or sriov`, networkType, NetworkOverlay)
	case networkType == NetworkOverlay && (vni == 0 || vni > maxVNI):
		return "vni", fmt.Sprintf("%d, not from 1 to %d", vni, maxVNI)
	}
	return "", ""
}

// PodArgs are the variables of CNI_ARGS that matter here; runtimes add others, which are passed over.
type PodArgs struct {
	PodNamespace string // K8S_POD_NAMESPACE
	PodName      string // K8S_POD_NAME
	PodUID       string // K8S_POD_UID
	IP           string // IP, an address that is asked for
	MAC          string // MAC
}

// ParsePodArgs reads CNI_ARGS: pairs as in K=V;L=W.
func ParsePodArgs(args string) (PodArgs, error) {
	var a PodArgs
	if args == "" {
		return a, nil
	}
	for pair := range strings.SplitSeq(args, ";") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return PodArgs{}, types.NewError(types.ErrInvalidEnvironmentVariables, fmt.Sprintf("CNI_ARGS: %q is not KEY=VALUE", pair), "")
		}
		switch key {
		case "K8S_POD_NAMESPACE":
			a.PodNamespace = value
		case "K8S_POD_NAME":
			a.PodName = value
		case "K8S_POD_UID":
			a.PodUID = value
		case "IP":
			a.IP = value
		case "MAC":
			a.MAC = value
		}
	}
	return a, nil
}
