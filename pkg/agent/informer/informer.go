// Package informer turns the events of client-go informers into one wake-up, for sources that then look at all objects.
package informer

import (
	"fmt"

	"k8s.io/client-go/tools/cache"
)

// Notify makes sure that changed has a value after every event of the informer. changed needs a buffer of one.
func Notify(informer cache.SharedIndexInformer, changed chan<- struct{}) error {
	send := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { send() },
		UpdateFunc: func(any, any) { send() },
		DeleteFunc: func(any) { send() },
	})
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return nil
}
