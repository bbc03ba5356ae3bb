package member

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// session is the connection to the leader with this cluster's own credential. A new token is taken up while it runs; another
// leader address needs another session.
type session struct {
	client.Client          // for single requests
	at            endpoint // where the leader is
	own           string   // this cluster's namespace there
	imports       client.Reader
	synced        func() bool // whether imports is complete
	token         *atomic.Pointer[string]
	lastContact   time.Time // when everything went well last
	lastBeat      time.Time
	asked         time.Time // since when the leader has to look at a changed record; zero if it has not
	cancel        context.CancelFunc
	ended         sync.WaitGroup
}

// openSession starts to watch the leader; wake is called on every change there. The session ends with ctx or by close.
func openSession(ctx context.Context, scheme *runtime.Scheme, at endpoint, credential join.Credential, wake func()) (*session, error) {
	s := &session{at: at, own: credential.Namespace, token: new(atomic.Pointer[string])}
	s.token.Store(&credential.Token)
	var err error
	if s.Client, err = at.client(scheme, s.token); err != nil {
		return nil, err
	}
	c, err := cache.New(at.config(s.token), cache.Options{
		Scheme: scheme,
		Mapper: leaderMapper(),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.ResourceImport{}: {Namespaces: map[string]cache.Config{at.namespace: {}}},
			&v1alpha1.ResourceExport{}: {Namespaces: map[string]cache.Config{s.own: {}}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watch the leader at %s: %w", at.server, err)
	}
	changed := toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { wake() },
		UpdateFunc: func(any, any) { wake() },
		DeleteFunc: func(any) { wake() },
	}
	for _, o := range []client.Object{&v1alpha1.ResourceImport{}, &v1alpha1.ResourceExport{}} {
		informer, err := c.GetInformer(ctx, o, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch the leader at %s: %w", at.server, err)
		}
		registration, err := informer.AddEventHandler(changed)
		if err != nil {
			return nil, fmt.Errorf("watch the leader at %s: %w", at.server, err)
		}
		if _, ok := o.(*v1alpha1.ResourceImport); ok {
			s.synced = registration.HasSynced
		}
	}
	s.imports = c
	ctx, s.cancel = context.WithCancel(ctx)
	s.ended.Go(func() { _ = c.Start(ctx) }) // ends with ctx only
	s.ended.Go(func() {
		if toolscache.WaitForCacheSync(ctx.Done(), s.synced) {
			wake()
		}
	})
	return s, nil
}

func (s *session) close() {
	s.cancel()
	s.ended.Wait()
}

// renew gets the next token with the one that still holds.
func (s *session) renew(ctx context.Context, now time.Time) (join.Credential, error) {
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: s.own, Name: join.MemberName}}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To(int64(join.CredentialLifetime.Seconds()))}}
	if err := s.SubResource("token").Create(ctx, sa, request); err != nil {
		return join.Credential{}, fmt.Errorf("renew the credential at the leader: %w", err)
	}
	s.token.Store(&request.Status.Token)
	return join.Credential{Namespace: s.own, Token: request.Status.Token, Issued: now, Expires: request.Status.ExpirationTimestamp.Time}, nil
}

// sessionHolder has the one session, if any.
type sessionHolder struct {
	mu      sync.Mutex
	current *session
}

// get returns the session with a leader, and opens another when leader or namespace have changed. It lives as long as ctx,
// which a controller gives to all its reconciles.
func (h *sessionHolder) get(ctx context.Context, scheme *runtime.Scheme, at endpoint, credential join.Credential, wake func()) (*session, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.current; s != nil && s.at == at && s.own == credential.Namespace {
		s.token.Store(&credential.Token)
		return s, nil
	}
	h.endLocked()
	s, err := openSession(ctx, scheme, at, credential, wake)
	if err == nil {
		h.current = s
	}
	return s, err
}

// end closes the session.
func (h *sessionHolder) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.endLocked()
}

func (h *sessionHolder) endLocked() {
	if h.current != nil {
		h.current.close()
		h.current = nil
	}
}
