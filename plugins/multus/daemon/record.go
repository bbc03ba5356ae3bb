package daemon

import (
	"encoding/json"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// record is what is known of a sandbox: the plugins that were, or may have been, executed for it.
type record struct {
	ContainerID string      `json:"containerID"`
	NetNS       string      `json:"netns"`
	Boot        string      `json:"boot"` // of the Node, when it was attached
	Pod         podID       `json:"pod"`
	Args        [][2]string `json:"args"` // CNI_ARGS
	Path        []string    `json:"path"` // directories of plugins
	// Conf is the configuration of multus, and Networks the annotation that the Pod was attached by. An older daemon kept neither.
	Conf     json.RawMessage `json:"conf,omitempty"`
	Networks string          `json:"networks,omitempty"`
	Changing bool            `json:"changing,omitempty"` // to another annotation
	// Cache is the directory in which Multus has kept this sandbox, if that attached it.
	Cache       string     `json:"cache,omitempty"`
	Untold      bool       `json:"untold,omitempty"` // the API server was away when the status was to be told
	State       state      `json:"state"`
	Attachments []attached `json:"attachments"` // in the order of ADD
}

type podID struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

func (p podID) String() string { return p.Namespace + "/" + p.Name }

// state is what the record is for.
type state string

const (
	adding    state = "adding"    // the runtime has no answer yet
	done      state = "done"      // the runtime knows that the Pod is attached
	releasing state = "releasing" // nobody uses it; all is to be deleted
)

// attached is an attachment with what came of it.
type attached struct {
	netplan.Attachment
	Begun   bool            `json:"begun,omitempty"`   // a plugin was, or may have been, executed
	Leaving bool            `json:"leaving,omitempty"` // it is being detached from a Pod that runs
	Result  json.RawMessage `json:"result,omitempty"`  // nil until ADD returned
}

// Key implements [journal.Record].
func (r record) Key() string { return r.ContainerID }

func (r record) sandbox() sandbox {
	return sandbox{ContainerID: r.ContainerID, NetNS: r.NetNS, Args: r.Args, Path: r.Path}
}
