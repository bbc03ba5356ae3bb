package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

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
	ctx, cancel := context.WithTimeoutCause(ctx, addTimeout, fmt.Errorf("not done within %s", addTimeout))
	defer cancel()
	// Before anything that takes time: a DEL that comes because the plugin was killed has to wait for the end of this.
	defer d.journal.Lock(keyOf(cni.Attachment{ContainerID: req.ContainerID, IfName: req.IfName}))()
	kept, err := d.keptFor(ctx, &conf, req.IfName)
	if err != nil {
		return nil, err
	}
	r := record{
		Network: conf.Network, ContainerID: req.ContainerID, IfName: req.IfName, NetNS: req.NetNS, Boot: d.boot, Pod: conf.Pod, Place: place(conf),
	}
	if old, ok := d.journal.Get(r.Key()); ok {
		if old.Releasing {
			return nil, types.NewError(types.ErrTryAgainLater, "this attachment is being released", "")
		}
		for _, key := range old.Place.Pools { // it is asked again, and may have an address of a block
			if !slices.Contains(r.Place.Pools, key) {
				r.Place.Pools = append(r.Place.Pools, key)
			}
		}
	}
	// From here on the addresses are released, whatever happens to this process.
	if err := d.journal.Put(r); err != nil {
		return nil, types.NewError(types.ErrIOFailure, err.Error(), "")
	}
	owner := d.owner(r)
	owner.Claim = kept.claim
	addrs, err := d.Store.Claim(ctx, owner, r.Place, d.claims(conf, r), d.note(&r))
	if err == nil {
		err = kept.told(ctx, d.Client, conf, addrs)
	}
	if err != nil {
		d.releaseLater(ctx, r)
		told := claimError(conf, err)
		d.refused(conf.Pod, err, told)
		return nil, told
	}
	d.noteGiven(r, owner, addrs)
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

// place is where an attachment of the network may have addresses, but for the pools of blocks.
func place(conf whereabouts.Config) store.Place {
	p := store.Place{NetworkName: conf.NetworkName, Reserve: conf.Overlapping}
	seen := map[store.PoolKey]bool{}
	for _, c := range conf.Claims {
		if key := poolKey(conf, c); !seen[key] && c.NodeSlicePool == "" {
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

func (d *daemon) blocks(conf whereabouts.Config, c whereabouts.Claim) *store.Blocks {
	if c.NodeSlicePool == "" {
		return nil
	}
	return &store.Blocks{Name: c.NodeSlicePool, Subnet: c.Range.Subnet, Bits: c.PartBits, NetworkName: conf.NetworkName, Node: d.NodeName}
}

func (d *daemon) claims(conf whereabouts.Config, r record) []store.Claim {
	all := make([]store.Claim, len(conf.Claims))
	for i, c := range conf.Claims {
		all[i] = store.Claim{Pool: poolKey(conf, c), Span: c.Range.Span, Excluded: c.Range.Excluded, Want: c.Want, Blocks: d.blocks(conf, c)}
		if all[i].Blocks == nil {
			continue
		}
		all[i].Known = slices.Clone(r.Place.Pools)
		if r.Pod.UID == "" {
			continue
		}
		ofPod := func(earlier record) bool { return earlier.Pod == r.Pod && earlier.IfName == r.IfName }
		for _, earlier := range d.journal.Those(ofPod) {
			all[i].Known = append(all[i].Known, earlier.Place.Pools...)
		}
	}
	return all
}

// note adds a pool to a record before anything is taken from it.
func (d *daemon) note(r *record) func(store.PoolKey) error {
	var mu sync.Mutex
	return func(key store.PoolKey) error {
		mu.Lock()
		defer mu.Unlock()
		if slices.Contains(r.Place.Pools, key) {
			return nil
		}
		r.Place.Pools = append(slices.Clone(r.Place.Pools), key)
		return d.journal.Put(*r)
	}
}

// placeOf is where an attachment without a record may have addresses: also in the Node's own blocks.
func (d *daemon) placeOf(ctx context.Context, conf whereabouts.Config) (store.Place, error) {
	p := place(conf)
	for _, c := range conf.Claims {
		if b := d.blocks(conf, c); b != nil {
			keys, err := d.Store.BlockPools(ctx, *b)
			if err != nil {
				return p, types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
			}
			p.Pools = append(p.Pools, keys...)
		}
	}
	return p, nil
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
