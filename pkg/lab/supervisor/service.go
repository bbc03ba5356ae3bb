package supervisor

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// Service is a program that a supervisor runs.
type Service struct {
	Name string
	Args []string // Args[0] is the program's path
	Env  []string // in addition to the supervisor's own
	Dir  string
	Log  string // file that takes what it prints

	// WaitFor is a path that must exist before each start, "" for none.
	WaitFor string
	// Restart starts the program again soon after it ended, as an init system does.
	Restart bool
	// Cloneflags are namespaces of its own (CLONE_NEW…).
	Cloneflags uintptr
}

// Status is what a supervisor knows of a service.
type Status struct {
	Name    string
	Running bool
	PID     int    // in the supervisor's PID namespace; 0 where it does not run
	Exits   int    // how often it ended
	Last    string // how it ended last
	Since   time.Time
	Log     string
}

// restartDelay keeps a program that cannot start from taking the whole processor.
const restartDelay = 300 * time.Millisecond

// service is a Service and what became of it. Its fields are guarded by the supervisor's mutex.
type service struct {
	Service
	status Status
	exited chan syscall.WaitStatus // of the process that runs now
	stop   chan struct{}           // closed by Stop
	ended  chan struct{}           // closed when it will not be started again
}

// keep runs the service until it ends for good.
func (s *Supervisor) keep(v *service) {
	defer close(v.ended)
	for {
		if !awaitPath(v.WaitFor, v.stop) {
			return
		}
		exited, err := s.start(v)
		if err == nil {
			ws := <-exited
			s.record(v, describe(ws))
		} else {
			s.record(v, err.Error())
		}
		if !v.Restart {
			return
		}
		select {
		case <-v.stop:
			return
		case <-time.After(restartDelay):
		}
	}
}

// start starts the program once. The lock is held from before the fork until the PID is known, so that the reaper never
// sees the end of a child before its service.
func (s *Supervisor) start(v *service) (<-chan syscall.WaitStatus, error) {
	log, err := os.OpenFile(v.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()

	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-v.stop:
		return nil, fmt.Errorf("stopped before it started")
	default:
	}
	p, err := os.StartProcess(v.Args[0], v.Args, &os.ProcAttr{
		Dir: v.Dir, Env: append(os.Environ(), v.Env...), Files: []*os.File{null, log, log},
		Sys: &syscall.SysProcAttr{Setsid: true, Cloneflags: v.Cloneflags},
	})
	if err != nil {
		return nil, err
	}
	v.exited = make(chan syscall.WaitStatus, 1)
	s.children[p.Pid] = v.exited
	v.status.Running, v.status.PID, v.status.Since = true, p.Pid, time.Now()
	_ = p.Release() // reap waits for it
	return v.exited, nil
}

func (s *Supervisor) record(v *service, how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.status.Running, v.status.PID, v.status.Last, v.status.Since = false, 0, how, time.Now()
	v.status.Exits++
}

// Success is how [Status].Last describes the end of a program that did what it should.
const Success = "ended with status 0"

func describe(ws syscall.WaitStatus) string {
	if ws.Signaled() {
		return "killed by signal " + ws.Signal().String()
	}
	return fmt.Sprintf("ended with status %d", ws.ExitStatus())
}

// awaitPath waits until a path exists; it says false when stop came first.
func awaitPath(path string, stop <-chan struct{}) bool {
	for path != "" {
		if _, err := os.Stat(path); err == nil {
			return true
		}
		select {
		case <-stop:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}
