// Package secureserver serves HTTPS to callers that the Kubernetes API knows and has allowed.
//
// Start at [Run]. Who calls is found out by callers.go: a token that the API server reviews, a certificate of the cluster's
// CA, or the API server itself on behalf of a user. Whether he may is a SubjectAccessReview, so RBAC decides. onbehalf.go
// lets antrea-controller ask agents in the name of its own callers. certificate.go makes the certificates to serve with, and
// answer.go writes answers that kubectl and client-go understand.
package secureserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// Config is what a server needs. All fields but the marked ones are required.
type Config struct {
	Listener    net.Listener
	Certificate tls.Certificate
	Client      kubernetes.Interface // reviews callers
	Handler     http.Handler
	// Public are the paths that anyone may GET. May be empty.
	Public []string
	// Audiences are accepted in tokens beside the API server's own. May be empty.
	Audiences []string
	// OnBehalf names a resource; who may impersonate it may ask in the name of others. Nobody if empty.
	OnBehalf schema.GroupResource
}

// Run serves until ctx ends. The Kubernetes API may be out of reach meanwhile: then only public paths are answered.
func Run(ctx context.Context, c Config) error {
	callers, err := newCallers(c)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           c.guard(callers),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{c.Certificate}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // requests have no body
		IdleTimeout:       2 * time.Minute,  // callers that stay away; anyone may connect, for what is public
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // failed handshakes are their callers' business
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	klog.FromContext(ctx).Info("Serving HTTPS", "address", c.Listener.Addr())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return callers.run(ctx) })
	group.Go(func() error {
		if err := server.ServeTLS(c.Listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve HTTPS on %s: %w", c.Listener.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	return group.Wait()
}

// guard puts what is public in front of what is not.
func (c Config) guard(callers *callers) http.Handler {
	guarded := callers.guard(c.Handler)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && slices.Contains(c.Public, r.URL.Path) {
			c.Handler.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}
