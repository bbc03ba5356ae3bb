package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/proxy"
)

// HealthServer answers load balancers, each Service at a port of its own.
type HealthServer struct {
	once sync.Once
	wake chan struct{}

	mu      sync.Mutex
	answers map[int]proxy.Health // by port
}

func (s *HealthServer) init() { s.once.Do(func() { s.wake = make(chan struct{}, 1) }) }

// Set replaces what is answered.
func (s *HealthServer) Set(list []proxy.Health) {
	s.init()
	answers := make(map[int]proxy.Health)
	for _, h := range list {
		answers[h.Port] = h
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers = answers
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run serves until ctx is done. A port that is taken is tried again.
func (s *HealthServer) Run(ctx context.Context) error {
	s.init()
	servers := make(map[int]*http.Server)
	defer func() {
		for _, server := range servers {
			_ = server.Close()
		}
	}()
	for {
		retry := s.listen(ctx, servers)
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-retry:
		}
	}
}

// listen makes the servers those that there should be; the channel tells when to try again, if one could not be had.
func (s *HealthServer) listen(ctx context.Context, servers map[int]*http.Server) (retry <-chan time.Time) {
	s.mu.Lock()
	answers := s.answers
	s.mu.Unlock()
	for port, server := range servers {
		if _, ok := answers[port]; !ok {
			_ = server.Close()
			delete(servers, port)
		}
	}
	for port, h := range answers {
		if servers[port] != nil {
			continue
		}
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf(":%d", port))
		if err != nil {
			klog.FromContext(ctx).Error(err, "No answer for the load balancer of a Service", "service", h.Namespace+"/"+h.Name, "port", port)
			retry = time.After(retryInterval)
			continue
		}
		server := &http.Server{Handler: s.handler(port), ReadHeaderTimeout: 10 * time.Second}
		servers[port] = server
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				klog.FromContext(ctx).Error(err, "The answer to a load balancer ended", "port", port)
			}
		}()
	}
	return retry
}

// handler answers as load balancers expect it of a Node: 200 if it has endpoints, else 503.
func (s *HealthServer) handler(port int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		h := s.answers[port]
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if h.Local == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"service": map[string]string{"namespace": h.Namespace, "name": h.Name}, "localEndpoints": h.Local, "serviceProxyHealthy": true,
		})
	}
}
