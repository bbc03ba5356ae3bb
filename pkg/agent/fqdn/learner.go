package fqdn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// Rules are those about domain names. Its methods may be called from several goroutines.
type Rules interface {
	// Wants says whether a rule for a Pod is about a canonical name.
	Wants(pod types.NamespacedName, name string) bool
	// Resolved replaces what Pods have been told, and returns the version of the state with what follows from it.
	Resolved(told map[types.NamespacedName][]policy.Resolution) state.Version
}

// Config is what a [Learner] needs.
type Config struct {
	Address  string // of the bridge's OpenFlow socket
	RunDir   string // of Open vSwitch
	Datapath string // of the bridge
	File     string // that keeps what has been learned
	Limits
	Store *state.Store
	Rules Rules
	// Flush returns when the switch holds what the store asked for in that version.
	Flush func(context.Context, state.Version, pipeline.Owner) error
}

// Times of the learner.
const (
	tick         = 1500 * time.Millisecond // less than half of the lease
	flushTimeout = 2 * time.Second         // that an answer waits for at most
	farewell     = time.Second             // for taking the lease back
	lookInterval = 30 * time.Second        // between looks at connections
	fullTick     = 40                      // ticks between complaints about full caches

	answersPerSecond = 1000 // that the switch sends; what is more is lost, and asked again

	// least is for how long an address may be used at the least: caches hand out answers in their last second.
	least = 5 * time.Second

	waiting = 512 // answers that the switch has sent and nobody has read
)

// Learner learns from answers.
type Learner struct {
	Config

	mu      sync.Mutex // guards what follows
	cache   *Cache
	unsaved bool
	counts  counts
}

// New is a learner that goes on with what the one before it has learned, which the rules are told at once: what the switch has by it
// stays.
func New(ctx context.Context, c Config) *Learner {
	c.MinTTL = max(c.MinTTL, least)
	cache, err := Open(c.File, c.Limits)
	if err != nil {
		klog.FromContext(ctx).Error(err, "What Pods were told of domain names is not known any more: their rules are about it when they ask again")
	}
	l := &Learner{Config: c, cache: cache}
	l.Rules.Resolved(l.told(slices.Collect(cache.Pods())))
	return l
}

// Run learns until ctx is done.
func (l *Learner) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	report := func(err error) { logger.Error(err, "Answers about domain names are not heard; connecting again") }
	return ofconn.Run(ctx, l.Address, ofconn.Config{Report: report, MaxBackoff: time.Second}, l.serve)
}

// told is what Pods have been told; nothing of those that are unknown.
func (l *Learner) told(pods []types.NamespacedName) map[types.NamespacedName][]policy.Resolution {
	all := make(map[types.NamespacedName][]policy.Resolution, len(pods))
	for _, pod := range pods {
		all[pod] = l.cache.Resolutions(pod)
	}
	return all
}

// session is one connection to the switch.
type session struct {
	*Learner
	conn    *ofconn.Conn
	limited bool
	leased  time.Time // when the lease was last renewed, the zero time while there is none
	streams streams
	ticks   int
	looked  time.Time // at connections
	full    uint64    // addresses that had been forgotten for want of room when that was logged
}

func (l *Learner) serve(ctx context.Context, conn *ofconn.Conn) error {
	s := &session{Learner: l, conn: conn, streams: make(streams)}
	if err := s.prepare(ctx); err != nil {
		return fmt.Errorf("ask for answers about domain names: %w", err)
	}
	defer s.giveBack(ctx)
	ctx, cancel := context.WithCancelCause(ctx)
	answers := make(chan openflow.PacketIn, waiting)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel(nil)
	wait.Go(func() { cancel(receive(ctx, conn, answers)) })
	changes, stop := l.Store.WatchAllButPods()
	defer stop()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		if err := s.lease(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changes:
		case <-ticker.C:
			s.pass(ctx)
		case first := <-answers:
			if err := s.answer(ctx, first, answers); err != nil {
				return err
			}
		}
	}
}

// receive puts packets that the switch sends where they are taken.
func receive(ctx context.Context, conn *ofconn.Conn, answers chan<- openflow.PacketIn) error {
	for event, err := range conn.Events(ctx) {
		if err != nil {
			return err
		}
		if p, ok := event.Message.(openflow.PacketIn); ok && len(p.Continuation) > 0 {
			select {
			case answers <- p:
			case <-ctx.Done():
			}
		}
	}
	return context.Cause(ctx)
}

// prepare makes the connection one that hears answers, and limits how many.
func (s *session) prepare(ctx context.Context) error {
	// Who is not its controller gets packets from Open vSwitch only after asking for some of their bytes.
	if err := s.conn.Send(ctx, openflow.SetControllerID(pipeline.NamesController), openflow.SetPacketInFormat(openflow.PacketInNicira2),
		openflow.Config{Set: true, MissSendLen: 0xffff}); err != nil {
		return err
	}
	limit := openflow.MeterMod{Command: openflow.MeterAdd, Meter: openflow.Meter{
		ID: pipeline.NamesMeter, Flags: openflow.MeterPktps | openflow.MeterBurst,
		Bands: []openflow.MeterBand{{Type: openflow.BandDrop, Rate: answersPerSecond, Burst: answersPerSecond}},
	}}
	err := s.conn.Send(ctx, limit)
	if errors.Is(err, openflow.ErrMeterExists) {
		limit.Command = openflow.MeterModify
		err = s.conn.Send(ctx, limit)
	}
	if s.limited = err == nil; !s.limited {
		klog.FromContext(ctx).Error(err, "Answers about domain names are heard without a limit")
	}
	return nil
}

// lease has answers wait for the agent, if there are Pods whose answers matter.
func (s *session) lease(ctx context.Context) error {
	switch now := time.Now(); {
	case !isHeard(s.Store):
		if s.leased.IsZero() {
			return nil
		}
		s.leased = time.Time{}
		return s.conn.Send(ctx, openflow.FlowMod{Command: openflow.DeleteStrict, Flow: pipeline.NamesLease(s.limited)})
	case now.Sub(s.leased) < tick:
		return nil
	default:
		if now.Sub(s.leased) >= pipeline.NamesLeaseSeconds*time.Second {
			clear(s.streams) // something may have gone on without being heard
		}
		return s.renew(ctx)
	}
}

func (s *session) renew(ctx context.Context) error {
	s.leased = time.Now()
	return s.conn.Send(ctx, openflow.FlowMod{Flow: pipeline.NamesLease(s.limited)})
}

// isHeard says whether there is a Pod whose answers matter.
func isHeard(store *state.Store) bool {
	now, _ := store.Snapshot()
	if now.Policies == nil {
		return false
	}
	for _, p := range now.Policies.Pods {
		if p.Names {
			return true
		}
	}
	return false
}

// giveBack keeps what was learned and has answers go on without the agent, which is about to end.
func (s *session) giveBack(ctx context.Context) {
	s.mu.Lock()
	s.save(ctx)
	s.mu.Unlock()
	if s.leased.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	_ = s.conn.Send(ctx, openflow.FlowMod{Command: openflow.DeleteStrict, Flow: pipeline.NamesLease(s.limited)}) // it ends anyway
}

// answer learns from all answers that there are, and lets them go on: at once what brings no news, the rest when its addresses are in
// the switch.
func (s *session) answer(ctx context.Context, first openflow.PacketIn, more <-chan openflow.PacketIn) error {
	var now, then []openflow.Message
	news := make(map[types.NamespacedName]bool)
	pods := podsByPort(s.Store)
	for p, ok := first, true; ok; p, ok = next(more) {
		pod, isNews, release := s.learn(p, pods)
		switch {
		case !release:
		case isNews:
			news[pod] = true
			then = append(then, p.Resume())
		case len(then) > 0:
			then = append(then, p.Resume()) // parts of an answer stay in order
		default:
			now = append(now, p.Resume())
		}
	}
	if err := s.release(ctx, now); err != nil || len(then) == 0 {
		return err
	}
	s.tell(ctx, news)
	return s.release(ctx, then)
}

func next(more <-chan openflow.PacketIn) (p openflow.PacketIn, ok bool) {
	select {
	case p = <-more:
		return p, true
	default:
		return p, false
	}
}

// release lets packets go on. One that the switch does not take back is lost, as packets may be.
func (s *session) release(ctx context.Context, packets []openflow.Message) error {
	if len(packets) == 0 {
		return nil
	}
	err := s.conn.Send(ctx, packets...)
	var refused *ofconn.RefusedError
	if errors.As(err, &refused) {
		klog.FromContext(ctx).Error(err, "The switch does not let an answer about domain names go on")
		return nil
	}
	return err
}

// learn learns from one packet. It says whether there is something to tell the rules, and whether the packet may go on at all.
func (s *session) learn(p openflow.PacketIn, pods map[openflow.Port]types.NamespacedName) (pod types.NamespacedName, isNews, release bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	port, _ := pipeline.PortOfAnswer(p)
	pod, known := pods[port]
	g, ok := readSegment(p.Data)
	if !ok || !known {
		s.counts.unread++
		return pod, false, true
	}
	messages, release := [][]byte{g.payload}, true
	if g.protocol == openflow.ProtoTCP {
		messages, release = s.streams.take(time.Now(), g)
	}
	for _, m := range messages {
		a, err := ReadAnswer(m)
		if s.counts.heard++; err != nil {
			s.counts.unread++
		}
		if len(a.Addresses) > 0 && s.Rules.Wants(pod, a.Name) {
			isNews = s.cache.Learn(time.Now(), pod, a) || isNews
			s.unsaved = true
		}
	}
	return pod, isNews, release
}

// podsByPort are the Pods of the Node.
func podsByPort(store *state.Store) map[openflow.Port]types.NamespacedName {
	now, _ := store.Snapshot()
	all := make(map[openflow.Port]types.NamespacedName, len(now.Pods))
	for _, p := range now.Pods {
		if p.Segment == 0 && p.Name.Name != "" {
			all[p.Port] = types.NamespacedName{Namespace: p.Name.Namespace, Name: p.Name.Name}
		}
	}
	return all
}

// tell tells the rules what Pods know, and returns when the switch has what follows. On disk it is before it is in the switch, so that
// an agent that is started again takes nothing back.
func (s *session) tell(ctx context.Context, news map[types.NamespacedName]bool) {
	s.mu.Lock()
	s.save(ctx)
	told := s.told(slices.Collect(maps.Keys(news)))
	s.mu.Unlock()
	version := s.Rules.Resolved(told)
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	err := s.Flush(ctx, version, pipeline.Owner{})
	if err == nil {
		err = settle(ctx, s.RunDir, func() error { return s.renew(ctx) })
	}
	if err != nil {
		s.mu.Lock()
		s.counts.late++
		s.mu.Unlock()
		klog.FromContext(ctx).Error(err, "An answer about domain names goes on before its addresses are in the switch")
	}
}

// save writes what has changed. The caller has the lock.
func (l *Learner) save(ctx context.Context) {
	if !l.unsaved {
		return
	}
	if err := l.cache.Save(l.File); err != nil {
		klog.FromContext(ctx).Error(err, "Could not keep what Pods are told of domain names: the next agent will not know it")
		return
	}
	l.unsaved = false
}

// pass is what has to be done from time to time.
func (s *session) pass(ctx context.Context) {
	s.ticks++
	s.mu.Lock()
	changed := s.cache.Lapse(time.Now())
	select {
	case <-s.Store.Synced():
		pods := make(map[types.NamespacedName]bool)
		for _, pod := range podsByPort(s.Store) {
			pods[pod] = true
		}
		changed = append(changed, s.cache.Keep(func(pod types.NamespacedName) bool { return pods[pod] })...)
	default:
	}
	if time.Since(s.looked) >= lookInterval && s.cache.Lapsed() {
		s.looked = time.Now()
		changed = append(changed, s.forget(ctx)...)
	}
	if s.ticks%fullTick == 0 && s.cache.Evicted > s.full {
		klog.FromContext(ctx).Info("Pods are told of more addresses of domain names than are kept; those that lapse first are forgotten",
			"forgotten", s.cache.Evicted-s.full, "kept", s.cache.Len(), "limitPerPod", s.cache.PerPod, "limit", s.cache.PerNode)
		s.full = s.cache.Evicted
	}
	s.unsaved = s.unsaved || len(changed) > 0
	s.save(ctx)
	told := s.told(changed)
	s.mu.Unlock()
	if len(told) > 0 {
		s.Rules.Resolved(told)
	}
}

// forget forgets addresses that have lapsed and that nobody talks to.
func (l *Learner) forget(ctx context.Context) (changed []types.NamespacedName) {
	open, err := connections(ctx, l.RunDir, l.Datapath)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Could not see who still talks to addresses of domain names that have lapsed")
		return nil
	}
	now, _ := l.Store.Snapshot()
	ips := make(map[types.NamespacedName][]netip.Addr)
	for _, p := range now.Pods {
		name := types.NamespacedName{Namespace: p.Name.Namespace, Name: p.Name.Name}
		ips[name] = append(ips[name], p.IPs...)
	}
	return l.cache.Forget(func(pod types.NamespacedName, address netip.Addr) bool {
		for _, ip := range ips[pod] {
			if open[ends{ip, address}] {
				return true
			}
		}
		return false
	})
}
