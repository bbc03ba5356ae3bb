package cniserver

import (
	"fmt"
	"os"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/plugins/pkg/ns"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"github.com/antrea-mc/antrea-mc/pkg/agent/device"
)

// podNetNS is the network namespace of a container, open.
type podNetNS struct {
	ns     ns.NetNS
	handle *netlink.Handle // sockets in the namespace
}

// openPodNetNS opens what the plugin sent. The caller closes it.
func openPodNetNS(file *os.File) (*podNetNS, error) {
	n, err := ns.GetNS(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return nil, types.NewError(types.ErrInvalidEnvironmentVariables, "CNI_NETNS: "+err.Error(), "")
	}
	same, err := isOwn(file)
	if err == nil && same {
		err = types.NewError(types.ErrInvalidNetNS, "CNI_NETNS is the Node's network namespace: a container needs its own", "")
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	handle, err := netlink.NewHandleAt(netns.NsHandle(n.Fd()))
	if err != nil {
		n.Close()
		return nil, types.NewError(types.ErrInvalidEnvironmentVariables, "CNI_NETNS: "+err.Error(), "")
	}
	return &podNetNS{ns: n, handle: handle}, nil
}

func isOwn(file *os.File) (bool, error) {
	own, err := os.Stat("/proc/thread-self/ns/net")
	if err != nil {
		return false, err
	}
	other, err := file.Stat()
	if err != nil {
		return false, err
	}
	return os.SameFile(own, other), nil
}

// Close releases what was opened; the namespace lives on.
func (p *podNetNS) Close() {
	p.handle.Close()
	p.ns.Close()
}

// sysctl is a setting below /proc/sys/net.
type sysctl struct {
	key   string // with slashes: names of interfaces may have dots
	value string
}

// setSysctls writes the settings that the kernel has, in the network namespace of the calling thread.
func setSysctls(procSys string, settings ...sysctl) error {
	for _, s := range settings {
		if _, err := device.ProcSys(procSys).Ensure("net/"+s.key, s.value); err != nil {
			return err
		}
	}
	return nil
}
