// Package supervisor is a small init: process 1 of a PID namespace that runs services, starts them again, reaps what is
// orphaned and takes orders on a unix socket.
//
// Start at [Supervisor]; service.go is the life of one service, server.go and client.go the socket. A lab is one supervisor
// with its nodes as services, a node is another one with containerd and kubelet as services. Because each is process 1 of
// its own PID namespace, the kernel ends everything below it when it is killed: nothing has to be found by name.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Supervisor runs services. Only one may exist in a process, and that process must wait for no child itself.
type Supervisor struct {
	mu       sync.Mutex
	services map[string]*service
	children map[int]chan syscall.WaitStatus // by PID
}

// New returns a supervisor without services.
func New() *Supervisor {
	return &Supervisor{services: map[string]*service{}, children: map[int]chan syscall.WaitStatus{}}
}

// ErrNoService is returned for a name that no service has.
var ErrNoService = errors.New("no such service")

// ErrRunning is returned when a service of that name runs already.
var ErrRunning = errors.New("runs already")

// Start starts a service and keeps it running as it asks for. A service that ended may be started anew under its name.
func (s *Supervisor) Start(svc Service) error {
	if svc.Name == "" || len(svc.Args) == 0 {
		return errors.New("a service needs a name and a program")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.services[svc.Name]; old != nil && !isClosed(old.ended) {
		return fmt.Errorf("%s: %w", svc.Name, ErrRunning)
	}
	v := &service{Service: svc, stop: make(chan struct{}), ended: make(chan struct{})}
	v.status = Status{Name: svc.Name, Log: svc.Log}
	s.services[svc.Name] = v
	go s.keep(v)
	return nil
}

// Stop ends a service with a signal and waits until its process is gone. It is not started again.
func (s *Supervisor) Stop(ctx context.Context, name string, sig syscall.Signal) error {
	s.mu.Lock()
	v := s.services[name]
	if v == nil {
		s.mu.Unlock()
		return fmt.Errorf("%s: %w", name, ErrNoService)
	}
	if !isClosed(v.stop) {
		close(v.stop)
	}
	if v.status.PID != 0 {
		_ = syscall.Kill(v.status.PID, sig)
	}
	s.mu.Unlock()
	select {
	case <-v.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", name, ctx.Err())
	}
}

// Signal sends a signal to the process of a service.
func (s *Supervisor) Signal(name string, sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.services[name]
	if v == nil {
		return fmt.Errorf("%s: %w", name, ErrNoService)
	}
	if v.status.PID == 0 {
		return fmt.Errorf("%s does not run: %s", name, v.status.Last)
	}
	return syscall.Kill(v.status.PID, sig)
}

// Status lists the services by name.
func (s *Supervisor) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Status, 0, len(s.services))
	for _, v := range s.services {
		all = append(all, v.status)
	}
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Reap collects children that ended, orphans of the namespace included, until ctx ends.
func (s *Supervisor) Reap(ctx context.Context) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, syscall.SIGCHLD)
	defer signal.Stop(died)
	for {
		s.reapAll()
		select {
		case <-died:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Supervisor) reapAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if exited := s.children[pid]; exited != nil {
			delete(s.children, pid)
			exited <- ws
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
