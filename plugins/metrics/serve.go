// Package metrics serves the metrics of the plugins' daemons, and keeps their labels few. It registers nothing by itself: each
// daemon says what it counts.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry has what the process itself tells.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Serve answers /metrics at an address until ctx ends. Without an address it only waits.
func Serve(ctx context.Context, address string, registry *prometheus.Registry) error {
	if address == "" {
		<-ctx.Done()
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Other is the label of all that came after the first so many.
const Other = "other"

// Few is the values of a label: the first so many are told apart. The zero value is ready.
type Few struct {
	mu    sync.Mutex
	known map[string]bool
}

// most is how many values a label has beside Other.
const most = 200

// Label is the value itself, or Other if there are too many.
func (f *Few) Label(value string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.known[value]:
		return value
	case len(f.known) >= most:
		return Other
	case f.known == nil:
		f.known = map[string]bool{}
	}
	f.known[value] = true
	return value
}
