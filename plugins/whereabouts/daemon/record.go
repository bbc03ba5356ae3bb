package daemon

import (
	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// record is an attachment that has, or may have, addresses. It is written before they are asked for.
type record struct {
	Network     string          `json:"network"`
	ContainerID string          `json:"containerID"`
	IfName      string          `json:"ifName"`
	NetNS       string          `json:"netns"`
	Boot        string          `json:"boot"` // of the Node, in which the sandbox was made
	Pod         whereabouts.Pod `json:"pod"`
	Place       store.Place     `json:"place"`
	Releasing   bool            `json:"releasing,omitempty"` // the runtime has been told that it is gone
}

func (r record) attachment() cni.Attachment {
	return cni.Attachment{ContainerID: r.ContainerID, IfName: r.IfName}
}

// Key implements [journal.Record].
func (r record) Key() string { return keyOf(r.attachment()) }

// keyOf has a character that neither part can have.
func keyOf(a cni.Attachment) string { return a.ContainerID + ":" + a.IfName }
