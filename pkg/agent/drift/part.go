// Package drift finds what others have changed of what the agent keeps in order on its Node, puts it right and tells of it.
//
// Start at [Part]: something that can be compared with what it should be, such as the ports of a bridge or the Node's own
// network. Who has such a part calls [Part.Reconcile] whenever something may have changed.
//
//   - part.go: comparing, correcting, and what of it is drift
//   - compare.go: comparisons that several parts have
//   - recorder.go: metrics, log and Event
//
// Flows are not compared here but by package flows, which tells the same [Recorder].
package drift

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Correction is something that is not as it should be, and what puts it right.
type Correction struct {
	Found []systemv1alpha1.Drift // one at least
	Do    func(ctx context.Context) error
}

// One is a correction of one thing. Want is empty if it is not to be there, have if it is missing.
func One(object systemv1alpha1.DriftObject, want, have string, do func(ctx context.Context) error) Correction {
	return Correction{Found: []systemv1alpha1.Drift{systemv1alpha1.NewDrift(object, want, have)}, Do: do}
}

// Comparison is what a comparison has found.
type Comparison struct {
	// Basis is all that the comparison depends on, other than what is compared. As long as it does not change, what is not as
	// it should be any more was changed by somebody else.
	Basis any
	// Corrections are done in this order, each whether or not those before could be.
	Corrections []Correction
}

// Part is a part of the Node that is kept as it should be. Its methods may be called from several goroutines.
type Part struct {
	// Compare tells what is not as it should be, as far as it could be found out: an error does not keep corrections from being
	// made. Unless it is asked for the whole it may leave out what takes long. It is never called twice at a time.
	Compare func(ctx context.Context, whole bool) (Comparison, error)
	// Repaired is told what somebody else had changed, after it was put right.
	Repaired func([]systemv1alpha1.Drift)

	mu      sync.Mutex
	settled any // the last basis with which nothing differed
	known   bool
}

// Reconcile compares and corrects, and returns what it has corrected.
func (p *Part) Reconcile(ctx context.Context, whole bool) ([]systemv1alpha1.Drift, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, done, err := p.reconcile(ctx, whole)
	return done, err
}

// Audit compares the whole, also corrects it if it is to, and returns what differed.
func (p *Part) Audit(ctx context.Context, repair bool) ([]systemv1alpha1.Drift, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if repair {
		found, _, err := p.reconcile(ctx, true)
		return found, err
	}
	c, err := p.Compare(ctx, true)
	return c.found(), err
}

func (p *Part) reconcile(ctx context.Context, whole bool) (found, done []systemv1alpha1.Drift, err error) {
	c, err := p.Compare(ctx, whole)
	found = c.found()
	done, failed := c.correct(ctx)
	err = errors.Join(err, failed)
	switch {
	case p.known && reflect.DeepEqual(c.Basis, p.settled):
		if len(done) > 0 {
			p.Repaired(done)
		}
		return found, done, err
	case err != nil || !whole:
		p.known = false
		return found, done, err
	case len(done) > 0: // what was corrected may have taken something else away: the kernel's routes go with their address
		c, err = p.Compare(ctx, true)
		more, failed := c.correct(ctx)
		found, done, err = append(found, c.found()...), append(done, more...), errors.Join(err, failed)
	}
	p.settled, p.known = c.Basis, err == nil
	return found, done, err
}

func (c Comparison) found() []systemv1alpha1.Drift {
	var all []systemv1alpha1.Drift
	for _, correction := range c.Corrections {
		all = append(all, correction.Found...)
	}
	return all
}

func (c Comparison) correct(ctx context.Context) (done []systemv1alpha1.Drift, err error) {
	var errs []error
	for _, correction := range c.Corrections {
		if err := correction.Do(ctx); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", correction.Found[0].Object, correction.Found[0].Text(), err))
			continue
		}
		done = append(done, correction.Found...)
	}
	return done, errors.Join(errs...)
}
