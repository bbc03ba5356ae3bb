package policies

import (
	"fmt"
	"sync"

	"k8s.io/client-go/tools/cache"
)

// events are what watches have told, in order, until somebody takes them.
type events struct {
	mu      sync.Mutex
	pending []event
	more    chan struct{} // has a value if something is pending
}

type event struct {
	object  any
	deleted bool
}

func newEvents() *events { return &events{more: make(chan struct{}, 1)} }

func (e *events) put(object any, deleted bool) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	e.mu.Lock()
	e.pending = append(e.pending, event{object, deleted})
	e.mu.Unlock()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// take returns all that is pending.
func (e *events) take() []event {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.pending
	e.pending = nil
	return taken
}

// follow puts everything that an informer tells. The result says when the first list has been told.
func (e *events) follow(informer cache.SharedIndexInformer) (told cache.InformerSynced, err error) {
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { e.put(object, false) },
		UpdateFunc: func(_, object any) { e.put(object, false) },
		DeleteFunc: func(object any) { e.put(object, true) },
	})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	return registration.HasSynced, nil
}
