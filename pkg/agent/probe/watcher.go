package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovsdb"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/unixctl"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// SourceName is the source in the store: the numbers of ports.
const SourceName = "probes"

const (
	// pollInterval is how often the switch is asked what it does not tell by itself.
	pollInterval = 5 * time.Second
	// attemptTimeout bounds one round; the database may be away.
	attemptTimeout = 10 * time.Second
	// retryInterval is the pause after an error.
	retryInterval = time.Second

	// holdKey, in external_ids of the bridge, is until when this gateway asks for no traffic, so that a restart of the agent does
	// not change that.
	holdKey = "antrea-hold-down-until"
	// leavingKey is set by whoever is about to end the switch; a switch that has started is not leaving any more.
	leavingKey = "antrea-leaving"
)

// Config is what a [Watcher] needs.
type Config struct {
	Store    *state.Store
	DB       *ovsdb.DB
	Bridge   string
	RunDir   string // of ovs-vswitchd
	Tunnel   config.Tunnel
	Registry prometheus.Registerer
	// EchoInterval is how often each gateway is asked for an echo; 0 is every two seconds.
	EchoInterval time.Duration
	// Link is the interface of tunnels, as it is now.
	Link func() Link
	// Notify, if set, is called with what people should know.
	Notify func(Event)
}

// Link is what paths are compared with, all in bytes. Its zero value, of which nothing is known, is compared with nothing.
type Link struct {
	MTU    int // of the interface
	Tunnel int // what a tunnel adds to a packet
	Pods   int // the MTU of Pods
}

// Watcher keeps the probe ports in order and knows how the peers are.
type Watcher struct {
	Config
	metrics *metrics
	echoes  echoes

	round      sync.Mutex // held during a round, so that HoldDown is not undone by one that began before
	lastCutOff time.Time

	mu         sync.Mutex
	sessions   []Session
	histories  map[netip.Addr]*history
	attraction attraction
	since      time.Time // of the attraction
	narrow     map[netip.Addr]int
	narrowFrom time.Time // since when some path is too narrow, or none is
	wasGateway *bool     // nil before the first round
}

// New is a watcher that has not begun.
func New(c Config) *Watcher {
	if c.Notify == nil {
		c.Notify = func(Event) {}
	}
	return &Watcher{
		Config: c, metrics: newMetrics(c.Registry), echoes: echoes{interval: c.EchoInterval, found: make(chan struct{}, 1)}, histories: make(map[netip.Addr]*history),
		attraction: attraction{reason: systemv1alpha1.ReasonActive}, since: time.Now(), narrowFrom: time.Now(),
	}
}

// Run watches until ctx is done. It leaves the ports as they are: the switch goes on without the agent.
func (w *Watcher) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.echoes.run(ctx) })
	group.Go(func() error { return w.watch(ctx) })
	return group.Wait()
}

func (w *Watcher) watch(ctx context.Context) error {
	for err := w.recall(ctx); err != nil; err = w.recall(ctx) {
		klog.FromContext(ctx).Error(err, "Could not read the probe ports")
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryInterval):
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-w.Store.Synced(): // before, nobody would be left to watch
	}
	states, stopStates := w.Store.WatchAllButPods()
	defer stopStates()
	rows, stopRows := w.DB.Watch()
	defer stopRows()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		next, err := w.do(ctx)
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Could not bring the probe ports in order")
			next = retryInterval
		}
		var again <-chan time.Time
		if next > 0 {
			again = time.After(next)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-states:
		case <-rows:
		case <-w.echoes.found:
		case <-ticker.C:
		case <-again:
		}
	}
}

// recall puts the ports that are there already into the state. The switch uses them, whatever peers are yet to be heard of.
func (w *Watcher) recall(ctx context.Context) error {
	have, err := existing(ctx, w.DB, w.Bridge)
	if err != nil {
		return err
	}
	numbers := make(map[netip.Addr]openflow.Port)
	for _, p := range have {
		if a, err := netip.ParseAddr(p.Options["remote_ip"]); err == nil && p.OFPort != 0 {
			numbers[a] = p.OFPort
		}
	}
	narrow := recalled(have)
	w.mu.Lock()
	w.narrow = narrow
	w.mu.Unlock()
	w.Store.Update(func(s *pipeline.State) { s.Probes, s.PathMTUs = numbers, narrow })
	w.Store.SourceSynced(SourceName)
	return nil
}

// Started is to be called when the switch has its flows and before it forwards. A fresh one had none: until BFD is quick again, a
// gateway asks for no traffic.
func (w *Watcher) Started(ctx context.Context, fresh bool) error {
	if !fresh {
		return nil
	}
	// At once: a round in between would ask for traffic.
	if err := w.DB.SetBridgeExternalIDs(ctx, w.Bridge, map[string]string{leavingKey: "", holdKey: holdUntil()}); err != nil {
		return err
	}
	_, err := w.do(ctx)
	return err
}

// holdUntil is the value of holdKey for a hold-down that begins now.
func holdUntil() string { return time.Now().Add(holdDown).UTC().Format(time.RFC3339Nano) }

// do is one round: the ports, then their numbers into the state, then what the sessions are. It returns when it has to be done again
// though nothing happens; 0 is never.
func (w *Watcher) do(ctx context.Context) (again time.Duration, err error) {
	w.round.Lock()
	defer w.round.Unlock()
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	snapshot, _ := w.Store.Snapshot()
	peers := Peers(snapshot)
	link := w.Link()
	w.echoes.follow(peers, link.MTU)
	narrow := narrowPaths(peers, link, w.echoes.pathMTU, snapshot.PathMTUs)
	have, err := existing(ctx, w.DB, w.Bridge)
	if err != nil {
		return 0, err
	}
	detect, silent := w.ask(ctx)
	sessions := make([]Session, len(peers))
	for i, p := range peers {
		port, there := have[Name(p.Address)]
		sessions[i] = sessionOf(p, port, there, silent)
	}
	now := time.Now()
	known, err := w.facts(ctx, snapshot)
	if err != nil {
		return 0, err
	}
	known.sessions = sessions
	if known.cutOff() {
		w.lastCutOff = now
	}
	if until := known.backUntil(w.lastCutOff); until.After(known.holdUntil) {
		known.holdUntil = until
	}
	wanted := known.attraction(now)
	if wanted.reason == systemv1alpha1.ReasonHoldDown {
		again = known.holdUntil.Sub(now)
	}
	if err := w.ensure(ctx, have, ports(peers, wanted, w.Tunnel, narrow)); err != nil {
		return 0, err
	}
	numbers := make(map[netip.Addr]openflow.Port)
	for _, s := range sessions {
		if s.Port != 0 {
			numbers[s.Peer.Address] = s.Port
		}
	}
	w.Store.Update(func(s *pipeline.State) { s.Probes, s.PathMTUs = numbers, narrow })
	w.tell(ctx, sessions, detect, wanted, now)
	w.tellPaths(ctx, peers, narrow, link, now)
	return again, nil
}

// Cleanup removes the probe ports of a bridge, for an agent that watches nobody any more.
func Cleanup(ctx context.Context, db *ovsdb.DB, bridge string) error {
	have, err := existing(ctx, db, bridge)
	if err != nil {
		return err
	}
	var errs []error
	for name := range have {
		errs = append(errs, db.DeletePort(ctx, bridge, name))
	}
	return errors.Join(errs...)
}

// existing are the probe ports of a bridge, by name.
func existing(ctx context.Context, db *ovsdb.DB, bridge string) (map[string]ovsdb.Port, error) {
	all, err := db.Ports(ctx, bridge)
	if err != nil {
		return nil, err
	}
	probes := make(map[string]ovsdb.Port)
	for _, p := range all {
		if strings.HasPrefix(p.Name, namePrefix) && p.ExternalIDs[typeKey] == typeProbe {
			probes[p.Name] = p
		}
	}
	return probes, nil
}

// ask asks the switch itself; silent is true if it does not answer.
func (w *Watcher) ask(ctx context.Context) (detect map[string]time.Duration, silent bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	socket, err := unixctl.VSwitchd(w.RunDir)
	if err != nil {
		return nil, true
	}
	text, err := unixctl.Call(ctx, socket, "bfd/show")
	if err != nil {
		return nil, true
	}
	return detectTimes(text), false
}

// facts are those that are not of the sessions.
func (w *Watcher) facts(ctx context.Context, snapshot pipeline.State) (facts, error) {
	own, isGateway := snapshot.ThisGateway()
	if w.wasGateway != nil && !*w.wasGateway && isGateway { // others may not know it yet
		if err := w.DB.SetBridgeExternalIDs(ctx, w.Bridge, map[string]string{holdKey: holdUntil()}); err != nil {
			return facts{}, err
		}
	}
	w.wasGateway = &isGateway
	ids, err := w.DB.BridgeExternalIDs(ctx, w.Bridge)
	if err != nil {
		return facts{}, err
	}
	f := facts{gateway: isGateway, draining: own.Draining, leaving: ids[leavingKey] != ""}
	if until, err := time.Parse(time.RFC3339Nano, ids[holdKey]); err == nil && until.Before(time.Now().Add(2*holdDown)) {
		f.holdUntil = until
	}
	return f, nil
}

// ensure makes, corrects and deletes ports.
func (w *Watcher) ensure(ctx context.Context, have, want map[string]ovsdb.Port) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if port, there := have[name]; !there || !correct(port, want[name]) {
			errs = append(errs, w.DB.EnsurePort(ctx, w.Bridge, want[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, wanted := want[name]; !wanted {
			errs = append(errs, w.DB.DeletePort(ctx, w.Bridge, name))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("probe ports: %w", err)
	}
	return nil
}

// tell remembers the round and tells what has changed.
func (w *Watcher) tell(ctx context.Context, sessions []Session, detect map[string]time.Duration, wanted attraction, now time.Time) {
	w.mu.Lock()
	changes := observe(w.histories, sessions, detect, now)
	before := w.attraction
	if before != wanted {
		w.attraction, w.since = wanted, now
	}
	w.sessions = sessions
	w.mu.Unlock()

	w.metrics.observe(sessions, changes, func(p Peer) roundTrip { return w.echoes.of(p.Address, now) })
	logger := klog.FromContext(ctx)
	for _, t := range changes {
		logger.Info("A peer changed", "peer", t.Peer.label(), "from", t.From, "to", t.To, "reason", t.Message, "silence", t.Silence)
	}
	if before != wanted {
		logger.Info("This Node as a gateway changed", "gateway", wanted.gateway, "from", before.reason, "to", wanted.reason)
	}
	for _, e := range events(changes, before, wanted) {
		w.Notify(e)
	}
}
