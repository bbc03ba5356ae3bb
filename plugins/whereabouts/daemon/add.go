package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

func (d *daemon) add(ctx context.Context, req cni.Request) (json.RawMessage, error) {
	conf, err := parse(req)
	if err != nil {
		return nil, err
	}
	if conf.Pod.Namespace == "" || conf.Pod.Name == "" {
		return nil, types.NewError(types.ErrInvalidEnvironmentVariables,
			"IPAM client initialization error: no pod name", "CNI_ARGS has no K8S_POD_NAMESPACE and K8S_POD_NAME")
	}
	if conf.Pod.UID == "" {
		conf.Pod.UID = d.pods.uid(conf.Pod)
	}
	r := record{
		Network: conf.Network, ContainerID: req.ContainerID, IfName: req.IfName, NetNS: req.NetNS, Boot: d.boot, Pod: conf.Pod, Place: place(conf),
	}
	defer d.journal.Lock(r.Key())()
	if old, ok := d.journal.Get(r.Key()); ok && old.Releasing {
		return nil, types.NewError(types.ErrTryAgainLater, "this attachment is being released", "")
	}
	// From here on the addresses are released, whatever happens to this process.
	if err := d.journal.Put(r); err != nil {
		return nil, types.NewError(types.ErrIOFailure, err.Error(), "")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, addTimeout, fmt.Errorf("not done within %s", addTimeout))
	defer cancel()
	addrs, err := d.Store.Claim(ctx, d.owner(r), r.Place, claims(conf))
	if err != nil {
		d.releaseLater(ctx, r)
		told := claimError(conf, err)
		d.refused(conf.Pod, err, told)
		return nil, told
	}
	for _, c := range conf.Claims {
		d.counts.given.WithLabelValues(d.counts.pools.Label(poolKey(conf, c).Name)).Inc()
	}
	return encode(conf, addrs, req.Stdin)
}

func (d *daemon) owner(r record) store.Owner {
	return store.Owner{ContainerID: r.ContainerID, IfName: r.IfName, PodRef: r.Pod.Ref(), PodUID: r.Pod.UID, Node: d.NodeName}
}

func parse(req cni.Request) (whereabouts.Config, error) {
	conf, err := whereabouts.Parse(req.Stdin, req.IPAMFile, req.Args)
	var told *types.Error
	if err == nil || errors.As(err, &told) {
		return conf, err
	}
	return conf, types.NewError(types.ErrInvalidNetworkConfig, err.Error(), "")
}

// place is where an attachment of the network may have addresses.
func place(conf whereabouts.Config) store.Place {
	p := store.Place{NetworkName: conf.NetworkName, Reserve: conf.Overlapping}
	seen := map[store.PoolKey]bool{}
	for _, c := range conf.Claims {
		if key := poolKey(conf, c); !seen[key] {
			seen[key] = true
			p.Pools = append(p.Pools, key)
		}
	}
	for _, a := range conf.Extra {
		p.Extra = append(p.Extra, a.Prefix.Addr())
	}
	return p
}

func poolKey(conf whereabouts.Config, c whereabouts.Claim) store.PoolKey {
	return store.PoolKey{Name: whereabouts.PoolName(conf.NetworkName, c.Range.Subnet), Subnet: c.Range.Subnet}
}

func claims(conf whereabouts.Config) []store.Claim {
	all := make([]store.Claim, len(conf.Claims))
	for i, c := range conf.Claims {
		all[i] = store.Claim{Pool: poolKey(conf, c), Span: c.Range.Span, Excluded: c.Range.Excluded, Want: c.Want}
	}
	return all
}

// claimError tells an exhausted range in the words that are known for it.
func claimError(conf whereabouts.Config, err error) error {
	var exhausted *store.ExhaustedError
	switch {
	case errors.As(err, &exhausted):
		text := ""
		for _, c := range conf.Claims {
			if poolKey(conf, c) == exhausted.Pool && c.Range.Span == exhausted.Span {
				text = c.Range.String()
			}
		}
		return types.NewError(cni.CodeIPAM, "error at storage engine: Could not allocate IP in range: "+text, err.Error())
	case errors.Is(err, store.ErrTaken):
		return types.NewError(cni.CodeIPAM, err.Error(), "")
	}
	return types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
}

// encode is the result in the version of the configuration: the ranges' addresses in their order, then those of the configuration.
func encode(conf whereabouts.Config, addrs []netip.Addr, stdin []byte) (json.RawMessage, error) {
	result := &current.Result{CNIVersion: current.ImplementedSpecVersion, Routes: conf.Routes, DNS: conf.DNS}
	for i, c := range conf.Claims {
		result.IPs = append(result.IPs, ipConfig(ipam.Address{Prefix: netip.PrefixFrom(addrs[i], c.Range.Subnet.Bits()), Gateway: c.Range.Gateway}))
	}
	for _, a := range append(conf.Static, conf.Extra...) {
		result.IPs = append(result.IPs, ipConfig(a))
	}
	var version struct {
		CNIVersion string `json:"cniVersion"`
	}
	if err := json.Unmarshal(stdin, &version); err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, err.Error(), "")
	}
	converted, err := result.GetAsVersion(version.CNIVersion)
	if err != nil {
		return nil, types.NewError(types.ErrIncompatibleCNIVersion, err.Error(), "")
	}
	return json.MarshalIndent(converted, "", "    ")
}

func ipConfig(a ipam.Address) *current.IPConfig {
	ip := &current.IPConfig{Address: net.IPNet{IP: a.Prefix.Addr().AsSlice(), Mask: net.CIDRMask(a.Prefix.Bits(), a.Prefix.Addr().BitLen())}}
	if a.Gateway.IsValid() {
		ip.Gateway = a.Gateway.AsSlice()
	}
	return ip
}
