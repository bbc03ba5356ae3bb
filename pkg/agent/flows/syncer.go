package flows

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// Config is what a [Syncer] needs.
type Config struct {
	Address string // of the bridge's OpenFlow socket, as in "unix:/var/run/openvswitch/br-int.mgmt"
	Store   *state.Store
	// BundleSize is the largest number of flows that go in one atomic bundle; 0 is any. The userspace datapath stops
	// packets while it takes a bundle, 0.1 s for 60 000 flows.
	BundleSize int
	// AuditInterval is the time between two comparisons of the whole switch, more or less; 0 is never.
	AuditInterval time.Duration
	// RemoveForeign deletes flows that somebody else has put into the switch.
	RemoveForeign bool
	// Repaired, if set, is told what an audit has put right.
	Repaired func(Difference)
	// Ready, if set, is called whenever all flows are in after the switch was connected. The switch was fresh if it had none.
	Ready   func(ctx context.Context, fresh bool) error
	Metrics *Metrics
}

// Syncer makes the switch match the store.
type Syncer struct {
	cfg    Config
	audits chan auditRequest

	// Only the goroutine of Run uses these.
	wanted *wanted
	seen   pipeline.State // what wanted was compiled from
	have   contents
	// fresh: the switch had no flows of ours, and Ready does not know yet.
	fresh bool
	// limited: the switch has taken the meter.
	limited bool
	// perTable counts the flows in have.
	perTable map[openflow.TableID]int

	count atomic.Int64 // of flows in have
	wants atomic.Int64 // of flows in wanted

	mu       sync.Mutex
	conn     *ofconn.Conn
	synced   bool // on this connection
	applied  state.Version
	refused  map[subject]refusal
	progress chan struct{} // closed at the next change of the above
}

// reconnectInterval is the longest pause between attempts to connect; the switch is on the same machine.
const reconnectInterval = 500 * time.Millisecond

// refusal is a flow or group that the switch does not take.
type refusal struct {
	owners []pipeline.Owner
	err    error
}

// New is a syncer for one bridge.
func New(cfg Config) *Syncer {
	return &Syncer{
		cfg: cfg, audits: make(chan auditRequest), wanted: newWanted(),
		refused: make(map[subject]refusal), progress: make(chan struct{}),
	}
}

// Run syncs until ctx is done. It leaves the switch as it is.
func (s *Syncer) Run(ctx context.Context) error {
	logger := klog.FromContext(ctx)
	report := func(err error) { logger.Error(err, "OpenFlow connection ended; connecting again") }
	return ofconn.Run(ctx, s.cfg.Address, ofconn.Config{MaxBackoff: reconnectInterval, Report: report}, s.serve)
}

// serve syncs over one connection.
func (s *Syncer) serve(ctx context.Context, conn *ofconn.Conn) error {
	logger := klog.FromContext(ctx)
	s.note(func() { s.conn, s.synced = conn, false })
	defer s.note(func() { s.conn, s.synced = nil, false })
	logger.V(2).Info("Connected to the switch", "address", s.cfg.Address)

	changes, stop := s.cfg.Store.Watch()
	defer stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-conn.Done():
		return conn.Err()
	case <-s.cfg.Store.Synced():
	}
	err := limitTold(ctx, conn)
	if s.limited = err == nil; !s.limited {
		logger.Error(err, "What policies refuse is told without a limit")
	}
	drift, err := s.full(ctx, conn)
	if err != nil {
		return fmt.Errorf("first sync: %w", err)
	}
	logger.Info("Flows are in sync", "added", len(drift.Added), "modified", len(drift.Modified), "deleted", len(drift.Deleted),
		"total", len(s.have.flows), "groups", len(drift.GroupsSet)+len(drift.GroupsDeleted))
	s.cfg.Metrics.fullSync(drift)
	if s.cfg.Ready != nil {
		if err := s.cfg.Ready(ctx, s.fresh); err != nil {
			return err
		}
		s.fresh = false
	}
	s.note(func() { s.synced = true })
	return s.follow(ctx, conn, changes)
}

// follow keeps the switch in sync as the state changes.
func (s *Syncer) follow(ctx context.Context, conn *ofconn.Conn, changes <-chan struct{}) error {
	audit, next := s.auditTimer()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-conn.Done():
			return conn.Err()
		case <-changes:
			if err := s.incremental(ctx, conn); err != nil {
				return err
			}
		case <-audit:
			if _, err := s.audit(ctx, conn, true); err != nil {
				return err
			}
			audit = next()
		case request := <-s.audits:
			drift, err := s.audit(ctx, conn, request.repair)
			request.reply <- auditReply{drift, err}
			if err != nil {
				return err
			}
		}
	}
}

// full dumps the switch and sends whatever differs from the state.
func (s *Syncer) full(ctx context.Context, conn *ofconn.Conn) (Difference, error) {
	snapshot, version := s.cfg.Store.Snapshot()
	s.compile(ctx, snapshot)
	have, err := dump(ctx, conn)
	if err != nil {
		return Difference{}, err
	}
	s.have, s.perTable = have, make(map[openflow.TableID]int)
	known := false
	for key, f := range have.flows {
		s.perTable[key.Table]++
		known = known || ours(f)
	}
	s.fresh = s.fresh || !known
	s.note(func() { clear(s.refused) })
	diff := s.difference(have)
	if err := s.send(ctx, conn, diff); err != nil {
		return Difference{}, err
	}
	s.note(func() { s.applied = version })
	return diff, nil
}

// incremental sends what a change of the state changes.
func (s *Syncer) incremental(ctx context.Context, conn *ofconn.Conn) error {
	snapshot, version := s.cfg.Store.Snapshot()
	concerned := s.compile(ctx, snapshot)
	var diff Difference
	for key := range concerned.flows {
		want, wanted, _ := s.wanted.flow(key)
		have, had := s.have.flows[key]
		diff.compare(want, wanted, have, had)
	}
	for id := range concerned.groups {
		want, wanted := s.wanted.groups[id]
		have, had := s.have.groups[id]
		diff.compareGroup(want.group, wanted, have, had)
	}
	diff.sort()
	s.note(func() {
		for key := range concerned.flows {
			delete(s.refused, subject{flow: key})
		}
		for id := range concerned.groups {
			delete(s.refused, subject{group: id})
		}
	})
	if err := s.send(ctx, conn, diff); err != nil {
		return err
	}
	if diff.Len() > 0 {
		klog.FromContext(ctx).V(4).Info("Flows follow the state", "added", len(diff.Added), "modified", len(diff.Modified),
			"deleted", len(diff.Deleted))
	}
	s.note(func() { s.applied = version })
	return nil
}

// compile brings wanted up to a state and returns what this concerns.
func (s *Syncer) compile(ctx context.Context, snapshot pipeline.State) concerned {
	concerned := nothingConcerned()
	whole := false
	for _, owner := range touched(s.seen, snapshot) {
		s.wanted.set(pipeline.CompileOwner(snapshot, owner), concerned)
		whole = whole || owner.Kind != pipeline.KindPod && owner.Kind < pipeline.KindService
	}
	s.seen = snapshot
	s.wants.Store(int64(len(s.wanted.claims)))
	if whole {
		if _, err := pipeline.Compile(snapshot); err != nil {
			klog.FromContext(ctx).Error(err, "Not everything that the state asks for can be had")
		}
	}
	return concerned
}

// send makes the switch take a difference, and the copy with it. A flow that the switch refuses is left out and remembered;
// it does not keep the others out.
func (s *Syncer) send(ctx context.Context, conn *ofconn.Conn, diff Difference) error {
	changes := diff.changes()
	last := len(changes) - len(diff.GroupsDeleted)
	if err := s.sendBundles(ctx, conn, changes[:last]); err != nil {
		return err
	}
	if slices.ContainsFunc(diff.GroupsDeleted, func(g openflow.Group) bool { return g.ID&pipeline.GroupMagicMask == pipeline.GroupMagic }) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(linger):
		}
	}
	if err := s.sendBundles(ctx, conn, changes[last:]); err != nil {
		return err
	}
	s.cfg.Metrics.holds(len(s.have.flows), s.perTable)
	s.count.Store(int64(len(s.have.flows)))
	return nil
}

// linger is how long groups that choose a gateway stay after the last flow that sends to them. A group makes the datapath look at a
// packet twice, and what is between the two when the group goes is lost.
const linger = 200 * time.Millisecond

func (s *Syncer) sendBundles(ctx context.Context, conn *ofconn.Conn, changes []change) error {
	size := s.cfg.BundleSize
	if size <= 0 {
		size = max(len(changes), 1)
	}
	for chunk := range slices.Chunk(changes, size) {
		if err := s.sendBundle(ctx, conn, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s *Syncer) sendBundle(ctx context.Context, conn *ofconn.Conn, changes []change) error {
	for len(changes) > 0 {
		start := time.Now()
		err := conn.Bundle(ctx, mods(changes))
		if err == nil {
			s.took(changes)
			s.cfg.Metrics.sent(changes, time.Since(start))
			return nil
		}
		var refused *ofconn.BundleError
		if !errors.As(err, &refused) || refused.Index < 0 || refused.Index >= len(changes) {
			return fmt.Errorf("bundle of %d flows: %w", len(changes), err) // outcome unknown: the next connection dumps
		}
		bad := changes[refused.Index]
		klog.FromContext(ctx).Error(err, "The switch refuses a change; going on without it", "change", bad.mod().String())
		s.cfg.Metrics.refused(bad.operation)
		s.remember(bad.subject(), err)
		changes = slices.Concat(changes[:refused.Index], changes[refused.Index+1:])
	}
	return nil
}

// took makes changes in the copy of the switch.
func (s *Syncer) took(changes []change) {
	for _, c := range changes {
		if c.group != nil {
			s.have.groups[c.group.ID] = *c.group
			if c.operation == opDelete {
				delete(s.have.groups, c.group.ID)
			}
			continue
		}
		switch key := c.flow.Key(); c.operation {
		case opAdd:
			s.have.flows[key] = c.flow
			s.perTable[key.Table]++
		case opModify:
			s.have.flows[key] = c.flow
		case opDelete:
			delete(s.have.flows, key)
			s.perTable[key.Table]--
		}
	}
}

// remember notes a refused flow or group and who wants it.
func (s *Syncer) remember(of subject, err error) {
	var owners []pipeline.Owner
	for _, c := range s.wanted.claims[of.flow] {
		owners = append(owners, c.owner)
	}
	if g, ok := s.wanted.groups[of.group]; ok {
		owners = append(owners, g.owner)
	}
	s.note(func() { s.refused[of] = refusal{owners, err} })
}

// switchTable is where Open vSwitch keeps flows of its own (TBL_INTERNAL). It takes none of anybody else.
const switchTable openflow.TableID = 254

// dump is everything that the switch holds for its controllers.
func dump(ctx context.Context, conn *ofconn.Conn) (contents, error) {
	have := contents{make(map[openflow.FlowKey]openflow.Flow), make(map[uint32]openflow.Group)}
	for table := range switchTable { // one by one, so that the switch does other work in between
		if err := collect(have.flows, conn.DumpFlows(ctx, openflow.FlowQuery{Table: table})); err != nil {
			return contents{}, fmt.Errorf("dump table %d: %w", table, err)
		}
	}
	for g, err := range conn.DumpGroups(ctx) {
		if err != nil {
			return contents{}, err
		}
		have.groups[g.ID] = g
	}
	return have, nil
}

func collect(into map[openflow.FlowKey]openflow.Flow, flows iter.Seq2[openflow.FlowStats, error]) error {
	for f, err := range flows {
		if err != nil {
			return err
		}
		if !pipeline.IsNamesLease(f.Flow) { // somebody else's, who looks after it
			into[f.Key()] = f.Flow
		}
	}
	return nil
}

// note changes what is shared with other goroutines and wakes those who wait for it.
func (s *Syncer) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.progress)
	s.progress = make(chan struct{})
}

// Flush returns when the switch holds what the store asked for in that version, or with the switch's error if it refused a
// flow of the owner.
func (s *Syncer) Flush(ctx context.Context, version state.Version, owner pipeline.Owner) error {
	for {
		s.mu.Lock()
		done := s.synced && s.applied >= version
		var err error
		if done {
			err = s.refusalOf(owner)
		}
		progress := s.progress
		s.mu.Unlock()
		if done {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("flows of %s are not in the switch: %w", owner, errors.Join(s.Err(), context.Cause(ctx)))
		case <-progress:
		}
	}
}

func (s *Syncer) refusalOf(owner pipeline.Owner) error {
	var errs []error
	for _, r := range s.refused {
		if slices.Contains(r.owners, owner) {
			errs = append(errs, r.err)
		}
	}
	return errors.Join(errs...)
}

// Err is nil when the switch is connected and holds all flows, or says what is missing.
func (s *Syncer) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch pending := s.cfg.Store.Pending(); {
	case s.conn == nil:
		return fmt.Errorf("no OpenFlow connection to %s", s.cfg.Address)
	case len(pending) > 0:
		return fmt.Errorf("waiting for %v", pending)
	case !s.synced:
		return errors.New("the first sync of the flows is not done")
	}
	return nil
}

// Count is the number of flows that the switch held after the last change.
func (s *Syncer) Count() int { return int(s.count.Load()) }

// Wanted is the number of flows that the switch was to hold after the last change.
func (s *Syncer) Wanted() int { return int(s.wants.Load()) }

// Conn is the connection to the switch, or an error while there is none.
func (s *Syncer) Conn() (*ofconn.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil, fmt.Errorf("no OpenFlow connection to %s", s.cfg.Address)
	}
	return s.conn, nil
}
