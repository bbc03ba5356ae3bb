package flows

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
)

type auditRequest struct {
	repair bool
	reply  chan<- auditReply
}

type auditReply struct {
	drift Difference
	err   error
}

// Audit compares the whole switch with what it is to hold and returns what differed; it also puts that right, if it is to.
func (s *Syncer) Audit(ctx context.Context, repair bool) (Difference, error) {
	reply := make(chan auditReply, 1)
	select {
	case s.audits <- auditRequest{repair, reply}:
	case <-ctx.Done():
		return Difference{}, fmt.Errorf("audit: %w", errors.Join(s.Err(), context.Cause(ctx)))
	}
	select {
	case r := <-reply:
		return r.drift, r.err
	case <-ctx.Done():
		return Difference{}, fmt.Errorf("audit: %w", context.Cause(ctx))
	}
}

// auditTimer fires when an audit is due; next is for the one after. Nodes of a cluster do not audit all at once.
func (s *Syncer) auditTimer() (first <-chan time.Time, next func() <-chan time.Time) {
	interval := s.cfg.AuditInterval
	if interval <= 0 {
		return nil, nil
	}
	next = func() <-chan time.Time { return time.After(interval/2 + rand.N(interval)) }
	return next(), next
}

// audit dumps the switch again and tells what somebody else has changed, and repairs it.
func (s *Syncer) audit(ctx context.Context, conn *ofconn.Conn, repair bool) (Difference, error) {
	start := time.Now()
	if err := s.incremental(ctx, conn); err != nil {
		return Difference{}, err
	}
	var drift Difference
	var err error
	if repair {
		drift, err = s.full(ctx, conn)
		s.fresh = false // who took all flows away, if somebody did, has not started the switch again
	} else {
		drift, err = s.compare(ctx, conn)
	}
	if err != nil {
		return Difference{}, fmt.Errorf("audit: %w", err)
	}
	if drift.Meters, err = s.auditMeter(ctx, conn, repair); err != nil {
		return Difference{}, fmt.Errorf("audit: %w", err)
	}
	s.cfg.Metrics.audited(drift, time.Since(start))
	if repair && drift.Len() > 0 && s.cfg.Repaired != nil {
		s.cfg.Repaired(drift)
	}
	return drift, nil
}

// compare dumps the switch and changes nothing.
func (s *Syncer) compare(ctx context.Context, conn *ofconn.Conn) (Difference, error) {
	have, err := dump(ctx, conn)
	if err != nil {
		return Difference{}, err
	}
	return s.difference(have), nil
}

// difference is what separates contents from what is wanted.
func (s *Syncer) difference(have contents) Difference {
	want, _ := s.wanted.all()
	diff := difference(want, have)
	if s.cfg.RemoveForeign {
		diff.Deleted, diff.Foreign = append(diff.Deleted, diff.Foreign...), nil
		diff.sort()
	}
	return diff
}
