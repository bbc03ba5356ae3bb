package cniserver

import (
	"context"
	"sync"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// attachmentLocks lets one request at a time work on an attachment. A runtime that gave up waiting for ADD sends DEL while ADD
// may still be running. The zero value is ready for use.
type attachmentLocks struct {
	mu   sync.Mutex
	held map[cni.Attachment]chan struct{} // closed when released
}

// lock waits until no other request works on a, and returns what releases it.
func (l *attachmentLocks) lock(ctx context.Context, a cni.Attachment) (unlock func(), err error) {
	for {
		l.mu.Lock()
		other, busy := l.held[a]
		if !busy {
			mine := make(chan struct{})
			if l.held == nil {
				l.held = map[cni.Attachment]chan struct{}{}
			}
			l.held[a] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, a)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, again(context.Cause(ctx))
		}
	}
}
