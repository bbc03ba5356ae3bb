package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Serve takes orders on a unix socket until ctx ends. Only root can connect.
func (s *Supervisor) Serve(ctx context.Context, socket string) error {
	_ = os.Remove(socket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listen for orders: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return err
	}
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stopped()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /services", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(s.Status())
	})
	mux.HandleFunc("POST /services", func(w http.ResponseWriter, r *http.Request) {
		var svc Service
		if err := json.NewDecoder(r.Body).Decode(&svc); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(w, s.Start(svc))
	})
	mux.HandleFunc("DELETE /services/{name}/{signal}", func(w http.ResponseWriter, r *http.Request) {
		if sig, ok := signalOf(w, r); ok {
			answer(w, s.Stop(r.Context(), r.PathValue("name"), sig))
		}
	})
	mux.HandleFunc("POST /services/{name}/{signal}", func(w http.ResponseWriter, r *http.Request) {
		if sig, ok := signalOf(w, r); ok {
			answer(w, s.Signal(r.PathValue("name"), sig))
		}
	})
	return mux
}

func signalOf(w http.ResponseWriter, r *http.Request) (syscall.Signal, bool) {
	sig, err := strconv.Atoi(r.PathValue("signal"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
	return syscall.Signal(sig), err == nil
}

func answer(w http.ResponseWriter, err error) {
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, ErrNoService):
		http.Error(w, err.Error(), http.StatusNotFound)
	default:
		http.Error(w, err.Error(), http.StatusConflict)
	}
}
