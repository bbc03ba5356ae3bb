package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"k8s.io/klog/v2"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/policywatch"
)

const (
	patience      = 30 * time.Second // with a controller that is away
	patienceLeast = 3 * time.Second  // while something waits that only it could tell
	streamIdle    = 3 * systemv1alpha1.PolicyObjectsInterval
	streamRetry   = time.Second
)

// teller puts what the controller tells, and while it is away for long what watches of the whole cluster do.
type teller struct {
	Config
	put      func(policy.Batch)
	isWaited func() bool

	mu      sync.Mutex
	keeper  *keeper
	at      place     // up to where what was put last is of the controller
	alive   time.Time // when the controller told something
	err     error     // of the last stream
	logged  string
	instead *watching // nil while the controller is not missed
}

// watching is of the whole cluster.
type watching struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func newTeller(c Config, put func(policy.Batch), isWaited func() bool) *teller {
	if c.Patience == 0 {
		c.Patience = patience
	}
	c.Patience += rand.N(c.Patience / 2) //nolint:gosec // so that agents do not all begin at once
	return &teller{Config: c, put: put, isWaited: isWaited, err: errors.New("not asked yet")}
}

// run puts until ctx is done.
func (t *teller) run(ctx context.Context) {
	var wait sync.WaitGroup
	defer wait.Wait()
	keeper, last, ok := openCopy(ctx, t.Copy)
	t.keeper, t.alive = keeper, time.Now()
	if ok {
		t.at = place{last.Instance, last.Version}
		t.put(last)
	}
	wait.Go(func() { t.keeper.run(ctx) })
	wait.Go(func() { t.stand(ctx) })
	for ctx.Err() == nil {
		t.end(ctx, t.stream(ctx))
		select {
		case <-ctx.Done():
		case <-time.After(streamRetry + rand.N(streamRetry)): //nolint:gosec // as above
		}
	}
}

// end notes why a stream has ended, and says so if it is not for what the last one did.
func (t *teller) end(ctx context.Context, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err = err; ctx.Err() == nil && err.Error() != t.logged {
		t.logged = err.Error()
		klog.FromContext(ctx).Info("The controller does not tell what policies depend on; trying again", "err", err.Error())
	}
}

func (t *teller) problem() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

var (
	errSilent = errors.New("the controller has not told anything for some time")
	errApart  = errors.New("the controller told what is new since something else was told")
)

// stream puts what the controller tells until it does not any more.
func (t *teller) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(streamIdle, func() { cancel(errSilent) })
	defer idle.Stop()
	because := func(err error) error {
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return fmt.Errorf("stream of the controller: %w", err)
	}
	t.mu.Lock()
	at := t.at
	t.mu.Unlock()
	request := t.Client.Discovery().RESTClient().Get().
		AbsPath("/apis", systemv1alpha1.GroupVersion.Group, systemv1alpha1.GroupVersion.Version, systemv1alpha1.PolicyObjects).
		Param("watch", "true").Param("fieldSelector", "metadata.name="+t.Node)
	if at != (place{}) {
		request = request.Param(systemv1alpha1.ParameterInstance, at.instance).
			Param(systemv1alpha1.ParameterVersion, strconv.FormatUint(at.version, 10))
	}
	answer, err := request.Stream(ctx)
	if err != nil {
		return because(err)
	}
	defer answer.Close()
	for decoder := json.NewDecoder(answer); ; {
		var b policy.Batch
		if err := decoder.Decode(&b); err != nil {
			return because(err)
		}
		idle.Reset(streamIdle)
		if err := t.receive(ctx, b); err != nil {
			return err
		}
	}
}

// receive puts one batch of the controller's, and ends what was done instead of it.
func (t *teller) receive(ctx context.Context, b policy.Batch) error {
	t.mu.Lock()
	instead := t.instead
	t.instead, t.alive, t.logged, t.err = nil, time.Now(), "", nil
	t.mu.Unlock()
	if instead != nil {
		instead.cancel()
		<-instead.done
		klog.FromContext(ctx).Info("The controller is back: it tells what policies depend on")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !b.Whole && t.at.instance != b.Instance {
		return errApart
	}
	t.at = place{b.Instance, b.Version}
	if b.Whole || len(b.Objects)+len(b.Gone) > 0 {
		t.keeper.told.put(b)
		t.put(b)
	}
	return nil
}

// stand watches the whole cluster while the controller is away for too long.
func (t *teller) stand(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.standIn(ctx)
		}
	}
}

func (t *teller) standIn(ctx context.Context) {
	waited := t.isWaited()
	t.mu.Lock()
	defer t.mu.Unlock()
	away := time.Since(t.alive)
	if t.err == nil || t.instead != nil || away < t.Patience && (!waited || away < patienceLeast) {
		return
	}
	klog.FromContext(ctx).Info("The controller is away: watching the whole cluster for policies", "for", away.Round(time.Second).String(), "err", t.err.Error())
	ctx, cancel := context.WithCancel(ctx)
	now := &watching{cancel: cancel, done: make(chan struct{})}
	t.instead = now
	go func() {
		defer close(now.done)
		policywatch.Run(ctx, t.Client, t.Dynamic, t.putInstead)
	}()
}

// putInstead puts what watches of the whole cluster tell. The controller does not know of it, and its copy is older from here on.
func (t *teller) putInstead(b policy.Batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b.Whole {
		t.at = place{}
		t.keeper.told.put(policy.Batch{Whole: true})
	}
	t.put(b)
}
