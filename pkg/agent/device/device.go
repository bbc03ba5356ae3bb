// Package device does to network devices what netlink does not, sysctls and offloads, tells when they change, and turns addresses
// into those of netlink and back.
package device

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/safchain/ethtool"
)

// ProcSys is a writable /proc/sys of the Node's network namespace. In a container /proc/sys itself cannot be written.
type ProcSys string

// Get reads a sysctl, named as in "net/ipv4/ip_forward".
func (p ProcSys) Get(name string) (string, error) {
	value, err := os.ReadFile(filepath.Join(string(p), name))
	if err != nil {
		return "", fmt.Errorf("sysctl %s: %w", name, err)
	}
	return strings.TrimSpace(string(value)), nil
}

// Lookup reads a sysctl that the kernel may not have, such as those of IPv6 where it is off.
func (p ProcSys) Lookup(name string) (value string, ok bool, err error) {
	value, err = p.Get(name)
	if errors.Is(err, os.ErrNotExist) {
		return "", false, nil
	}
	return value, err == nil, err
}

// Ensure writes a sysctl if it has another value, and tells which. One that the kernel does not have, such as those of IPv6
// where it is off, is left out.
func (p ProcSys) Ensure(name, value string) (before string, err error) {
	before, ok, err := p.Lookup(name)
	if err == nil && !ok {
		return value, nil
	}
	if err != nil || before == value {
		return before, err
	}
	if err := os.WriteFile(filepath.Join(string(p), name), []byte(value), 0); err != nil {
		return before, fmt.Errorf("sysctl %s=%s: %w", name, value, err)
	}
	return before, nil
}

// checksumFeatures are the offloads that leave the checksum of sent packets to hardware.
var checksumFeatures = []string{"tx-checksum-ip-generic", "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-checksum-sctp"}

// DisableTXChecksum makes the kernel fill in checksums of what it sends through a device, if it does not yet: behind OVS's
// userspace datapath there is no hardware that would.
func DisableTXChecksum(name string) error {
	return withChecksumFeatures(name, func(e *ethtool.Ethtool, on []string) error {
		if len(on) == 0 {
			return nil
		}
		off := make(map[string]bool)
		for _, f := range on {
			off[f] = false
		}
		return e.Change(name, off)
	})
}

// TXChecksum reports whether the kernel leaves checksums of what it sends through a device to the device.
func TXChecksum(name string) (offloaded bool, err error) {
	err = withChecksumFeatures(name, func(_ *ethtool.Ethtool, on []string) error {
		offloaded = len(on) > 0
		return nil
	})
	return offloaded, err
}

// withChecksumFeatures calls f with those of checksumFeatures that are on.
func withChecksumFeatures(name string, f func(e *ethtool.Ethtool, on []string) error) error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return fmt.Errorf("ethtool: %w", err)
	}
	defer e.Close()
	features, err := e.Features(name)
	if err != nil {
		return fmt.Errorf("offloads of %s: %w", name, err)
	}
	var on []string
	for _, feature := range checksumFeatures {
		if features[feature] {
			on = append(on, feature)
		}
	}
	if err := f(e, on); err != nil {
		return fmt.Errorf("turn transmit checksum offload of %s off: %w", name, err)
	}
	return nil
}
