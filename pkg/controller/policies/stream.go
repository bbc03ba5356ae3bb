package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/endpoints/request"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/policy"
	"github.com/antrea-mc/antrea-mc/pkg/secureserver"
)

// writeTimeout is for one batch; an agent that does not read it comes again.
const writeTimeout = 30 * time.Second

// stream is one agent's. A new one of the same Node takes its place.
type stream struct {
	cancel context.CancelFunc
	done   chan struct{}
	ended  atomic.Pointer[time.Time] // nil: it goes on
}

// question is what an agent asks.
type question struct {
	node     string
	instance string // that it heard of last
	version  uint64
}

// read reads a question: a watch of policyobjects by the name of a Node.
func read(r *http.Request) (q question, err error) {
	values := r.URL.Query()
	selector, err := fields.ParseSelector(values.Get("fieldSelector"))
	if err != nil {
		return q, apierrors.NewBadRequest(err.Error())
	}
	node, ok := selector.RequiresExactMatch("metadata.name")
	if watch, _ := strconv.ParseBool(values.Get("watch")); !watch || !ok || node == "" {
		return q, apierrors.NewBadRequest("policyobjects can be watched, by the metadata.name of one Node, and nothing else")
	}
	q = question{node: node, instance: values.Get(systemv1alpha1.ParameterInstance)}
	if text := values.Get(systemv1alpha1.ParameterVersion); text != "" {
		if q.version, err = strconv.ParseUint(text, 10, 64); err != nil {
			return q, apierrors.NewBadRequest(fmt.Sprintf("%s: %v", systemv1alpha1.ParameterVersion, err))
		}
	}
	return q, nil
}

// mayAsk lets the Pods of a Node ask about it. The API server knows from their tokens which Node is theirs.
func mayAsk(ctx context.Context, node string) error {
	caller, ok := request.UserFrom(ctx)
	if !ok {
		return errors.New("request without a user")
	}
	if of := caller.GetExtra()[serviceaccount.NodeNameKey]; len(of) == 1 && of[0] == node {
		return nil
	}
	return apierrors.NewForbidden(systemv1alpha1.GroupVersion.WithResource(systemv1alpha1.PolicyObjects).GroupResource(), node,
		errors.New("only with the token of a Pod on that Node"))
}

// ServeHTTP implements [http.Handler]: it answers with one [policy.Batch] after the other, as long as the agent listens.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := read(r)
	if err == nil {
		err = mayAsk(r.Context(), q.node)
	}
	if err != nil {
		secureserver.WriteError(w, err)
		return
	}
	s.asked()
	select {
	case <-r.Context().Done():
		return
	case <-s.synced:
	}
	ctx, changes, end := s.begin(r.Context(), q.node)
	defer end()
	if q.instance != s.instance {
		q.version = 0
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // that of the server is for short questions
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	alive := time.NewTicker(systemv1alpha1.PolicyObjectsInterval)
	defer alive.Stop()
	for {
		b := s.since(q)
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		if encoder.Encode(b) != nil || control.Flush() != nil {
			return
		}
		q.version = b.Version
		select {
		case <-ctx.Done():
			return
		case <-changes:
		case <-alive.C:
		}
	}
}

// begin begins a stream, after the one that the Node may have had has ended.
func (s *Server) begin(ctx context.Context, node string) (_ context.Context, changes <-chan struct{}, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	now := &stream{cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	before := s.streams[node]
	s.streams[node] = now
	s.mu.Unlock()
	if before != nil {
		before.cancel()
		<-before.done
	}
	s.mu.Lock()
	changes = s.distributor.Serve(node)
	s.mu.Unlock()
	return ctx, changes, func() {
		cancel()
		at := time.Now()
		now.ended.Store(&at)
		close(now.done)
	}
}

func (s *Server) since(q question) policy.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.distributor.Since(q.node, q.version)
	b.Instance = s.instance
	return b
}
