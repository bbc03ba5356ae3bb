package services

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// retryInterval is the pause after the switch could not be told.
const retryInterval = time.Second

// Forgetter ends UDP connections to endpoints that are gone. TCP ends by itself; a UDP client would talk to nobody until it is
// silent for a while.
type Forgetter struct {
	// Flush returns when the switch has what the version says of the owner, so that no connection to the endpoint can be made again.
	Flush func(context.Context, state.Version, pipeline.Owner) error
	// Send sends messages to the switch.
	Send func(context.Context, ...openflow.Message) error

	once    sync.Once
	mu      sync.Mutex
	pending []gone
	wake    chan struct{}
}

type gone struct {
	version   state.Version
	owner     pipeline.Owner
	endpoints []netip.AddrPort
}

func (f *Forgetter) init() { f.once.Do(func() { f.wake = make(chan struct{}, 1) }) }

// Gone has connections to endpoints ended soon.
func (f *Forgetter) Gone(version state.Version, owner pipeline.Owner, endpoints []netip.AddrPort) {
	f.init()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pending = append(f.pending, gone{version, owner, endpoints})
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Run ends connections until ctx is done.
func (f *Forgetter) Run(ctx context.Context) error {
	f.init()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		}
		f.mu.Lock()
		list := f.pending
		f.pending = nil
		f.mu.Unlock()
		for _, g := range list {
			for err := f.forget(ctx, g); err != nil && ctx.Err() == nil; err = f.forget(ctx, g) {
				klog.FromContext(ctx).Error(err, "Could not end connections to endpoints that are gone", "owner", g.owner.String())
				select {
				case <-ctx.Done():
				case <-time.After(retryInterval):
				}
			}
		}
	}
}

func (f *Forgetter) forget(ctx context.Context, g gone) error {
	if err := f.Flush(ctx, g.version, g.owner); err != nil && ctx.Err() != nil {
		return err // one that the switch refuses is not waited for
	}
	var messages []openflow.Message
	for _, e := range g.endpoints {
		messages = append(messages, openflow.CTFlush{
			Zone: pipeline.ZoneMain, HasZone: true, Protocol: openflow.ProtoUDP, Reply: openflow.CTTuple{Src: e.Addr(), SrcPort: e.Port()},
		})
	}
	return f.Send(ctx, messages...)
}
