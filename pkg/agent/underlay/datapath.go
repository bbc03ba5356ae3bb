package underlay

import "github.com/vishvananda/netlink"

// The values of datapath_type.
const (
	System = "system" // the kernel's
	Netdev = "netdev" // in userspace
)

// Choose is the datapath for a configured one, which may be empty; fallback tells that the kernel has none to offer.
func Choose(configured string, kernel bool) (datapath string, fallback bool) {
	switch {
	case configured != "":
		return configured, false
	case kernel:
		return System, false
	}
	return Netdev, true
}

// KernelHasDatapath asks the kernel for module openvswitch, which it loads if it can.
func KernelHasDatapath() bool {
	_, err := netlink.GenlFamilyGet("ovs_datapath")
	return err == nil
}
