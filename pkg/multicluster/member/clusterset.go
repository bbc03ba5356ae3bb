package member

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

const (
	// finalizer keeps the ClusterSet until this cluster has left.
	finalizer = "multicluster.antrea.io/member"
	// soon is when to try again what the leader has not done yet.
	soon = 500 * time.Millisecond
	// grace is how long the leader may be out of reach before that is called so.
	grace = 30 * time.Second
	// farewell is how long a cluster that leaves tries to tell the leader.
	farewell = 30 * time.Second
)

// clusterSetReconciler is this cluster's membership: it joins, publishes, imports and leaves.
type clusterSetReconciler struct {
	client     client.Client
	live       client.Reader
	events     events.EventRecorder
	scheme     *runtime.Scheme
	namespace  string
	config     *configSource
	discovery  *discovery
	identities *identities
	handshake  *handshake
	clock      clock.PassiveClock
	metrics    *metrics
	wake       chan event.GenericEvent // something changed at the leader
	sessions   sessionHolder
}

func (r *clusterSetReconciler) setup(mgr ctrl.Manager) error {
	all := handler.EnqueueRequestsFromMapFunc(r.requests)
	b := ctrl.NewControllerManagedBy(mgr).Named("clusterset").
		For(&v1alpha2.ClusterSet{}).
		Watches(&v1alpha1.Gateway{}, all).
		Watches(&v1alpha1.ClusterInfoImport{}, all).
		Watches(&corev1.Node{}, all, builder.WithPredicates(nodeChanged)).
		Watches(&corev1.ConfigMap{}, all).
		WatchesRawSource(source.Channel(r.wake, all))
	if r.discovery.serviceCIDRs {
		b = b.Watches(&networkingv1.ServiceCIDR{}, all)
	}
	if err := b.Complete(r); err != nil {
		return err
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		r.sessions.end()
		return nil
	}))
}

// requests are all ClusterSets of this namespace; there should be one.
func (r *clusterSetReconciler) requests(ctx context.Context, _ client.Object) []reconcile.Request {
	var list v1alpha2.ClusterSetList
	if err := r.client.List(ctx, &list, client.InNamespace(r.namespace)); err != nil {
		return nil
	}
	requests := make([]reconcile.Request, len(list.Items))
	for i := range list.Items {
		requests[i] = reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])}
	}
	return requests
}

// poke asks for another look, and never blocks.
func (r *clusterSetReconciler) poke() {
	select {
	case r.wake <- event.GenericEvent{Object: &v1alpha2.ClusterSet{}}:
	default: // one is on its way
	}
}

// Reconcile brings the membership one step further.
func (r *clusterSetReconciler) Reconcile(ctx context.Context, req ctrl.Request) (reconcile.Result, error) {
	var set v1alpha2.ClusterSet
	if err := r.client.Get(ctx, req.NamespacedName, &set); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	first, err := r.isFirst(ctx, &set)
	switch {
	case err != nil:
		return reconcile.Result{}, err
	case !first:
		return reconcile.Result{}, r.ignore(ctx, &set)
	case !set.DeletionTimestamp.IsZero():
		return r.leave(ctx, &set)
	}
	if controllerutil.AddFinalizer(&set, finalizer) {
		if err := r.client.Update(ctx, &set); err != nil {
			return reconcile.Result{}, fmt.Errorf("hold ClusterSet %q: %w", set.Name, err)
		}
	}
	state, again, err := r.sync(ctx, &set)
	if err != nil {
		return reconcile.Result{}, err
	}
	r.metrics.setMembership(state)
	before := set.DeepCopy()
	state.write(&set, r.clock.Now())
	if !equality.Semantic.DeepEqual(before.Status, set.Status) {
		r.report(ctx, before, &set)
		if err := r.client.Status().Patch(ctx, &set, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
			return reconcile.Result{}, fmt.Errorf("write the status of ClusterSet %q: %w", set.Name, err)
		}
	}
	return reconcile.Result{RequeueAfter: again}, nil
}

// isFirst says whether this is the oldest ClusterSet of the namespace: a cluster can be in one only.
func (r *clusterSetReconciler) isFirst(ctx context.Context, set *v1alpha2.ClusterSet) (bool, error) {
	var list v1alpha2.ClusterSetList
	if err := r.client.List(ctx, &list, client.InNamespace(r.namespace)); err != nil {
		return false, fmt.Errorf("list ClusterSets: %w", err)
	}
	for i := range list.Items {
		other := &list.Items[i]
		if cmp.Or(other.CreationTimestamp.Compare(set.CreationTimestamp.Time), cmp.Compare(other.Name, set.Name)) < 0 {
			return false, nil
		}
	}
	return true, nil
}

// sync does what can be done now. The leader's trouble goes into the state, trouble with this cluster's own API is returned.
func (r *clusterSetReconciler) sync(ctx context.Context, set *v1alpha2.ClusterSet) (*state, time.Duration, error) {
	st := &state{}
	id, err := r.identities.ensure(ctx, membershipOf(set))
	if err != nil {
		return nil, 0, err
	}
	at, joinToken, err := r.endpoint(ctx, set, id)
	if err != nil {
		return nil, 0, err
	}
	if id.credential == nil {
		if st.connection = r.join(ctx, set, at, id, joinToken); st.connection != nil {
			return st, soon, nil
		}
	}
	s, err := r.sessions.get(ctx, r.scheme, at, *id.credential, r.poke)
	if err != nil {
		st.connection = err
		return st, heartbeat, nil
	}
	if err := r.talk(ctx, s, set, id, st); err != nil {
		return nil, 0, err
	}
	if apierrors.IsUnauthorized(st.connection) {
		// The leader may have made a new credential, or thrown this cluster out.
		refused := id.credential.Token
		st.connection = r.join(ctx, set, at, id, joinToken)
		if st.connection == nil && id.credential.Token == refused {
			st.connection = &join.Refusal{Reason: ReasonTokenRefused, Message: "the leader does not know this cluster's credential any more: join again"}
		}
		r.sessions.end()
		return st, grace / 6, nil
	}
	st.lastContact = s.lastContact
	if st.connection != nil {
		return st, grace / 6, nil
	}
	return st, heartbeat, nil
}

// talk exchanges everything with the leader once. What the leader has to do with goes into st.
func (r *clusterSetReconciler) talk(ctx context.Context, s *session, set *v1alpha2.ClusterSet, id *identity, st *state) error {
	now := r.clock.Now()
	if now.Sub(s.lastBeat) >= heartbeat-heartbeat/5 {
		if st.connection = s.beat(ctx, id.membership.ClusterID, now); st.connection != nil {
			return nil
		}
		s.lastBeat = now
	}
	if now.After(id.credential.Renewal()) {
		renewed, err := s.renew(ctx, now)
		if err != nil {
			st.connection = err
			return nil
		}
		id.credential = &renewed
		if err := r.identities.save(ctx, id); err != nil {
			return err
		}
	}
	conf, err := r.config.get(ctx)
	if st.config = err; err == nil {
		f, err := r.discovery.find(ctx)
		if err != nil {
			return err
		}
		accepted, err := s.publish(ctx, clusterInfo(string(set.Spec.ClusterID), f, conf))
		if err != nil {
			st.connection = err
			return nil
		}
		if !s.pending(accepted, now) {
			st.accepted = accepted
			if err := writePublished(ctx, r.client, f.gateways, accepted); err != nil {
				return err
			}
		}
	}
	s.lastContact = now
	if !s.synced() {
		return nil
	}
	var published v1alpha1.ResourceImportList
	if err := s.imports.List(ctx, &published); err != nil {
		return fmt.Errorf("list the records of the other clusters: %w", err)
	}
	want := wantedImports(string(set.Spec.ClusterID), r.namespace, published.Items)
	st.imported, st.imports = true, len(want)
	return applyImports(ctx, r.client, r.namespace, want)
}

// endpoint is where the leader is, and the token that asks to join it, if there is one.
func (r *clusterSetReconciler) endpoint(ctx context.Context, set *v1alpha2.ClusterSet, id *identity) (endpoint, string, error) {
	leader := set.Spec.Leaders[0]
	at := endpoint{server: leader.Server, ca: string(id.ca), namespace: set.Spec.Namespace}
	name := cmp.Or(leader.Secret, JoinSecret)
	var secret corev1.Secret
	err := r.live.Get(ctx, client.ObjectKey{Namespace: r.namespace, Name: name}, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return at, "", nil
	case apierrors.IsForbidden(err):
		return at, "", fmt.Errorf("read Secret %s: this controller may read %s only: name that in spec.leaders, or use `antctl mc join`: %w", name, JoinSecret, err)
	case err != nil:
		return at, "", fmt.Errorf("read Secret %s/%s: %w", r.namespace, name, err)
	}
	if ca := secret.Data[corev1.ServiceAccountRootCAKey]; len(ca) > 0 {
		at.ca = string(ca)
	}
	return at, string(secret.Data[corev1.ServiceAccountTokenKey]), nil
}

// join makes one step towards a credential.
func (r *clusterSetReconciler) join(ctx context.Context, set *v1alpha2.ClusterSet, at endpoint, id *identity, joinToken string) error {
	if err := r.handshake.run(ctx, at, id, string(set.Spec.Leaders[0].ClusterID), joinToken); err != nil {
		return err
	}
	return r.identities.save(ctx, id)
}

// EventLeftSilently is the reason of the event that says so when the leader could not be told that this cluster left.
const EventLeftSilently = "LeftSilently"

// leave tells the leader, takes back what was imported, and lets the ClusterSet go. When the leader cannot be told, the key is
// kept, so that this cluster can take its place again.
func (r *clusterSetReconciler) leave(ctx context.Context, set *v1alpha2.ClusterSet) (reconcile.Result, error) {
	if !controllerutil.ContainsFinalizer(set, finalizer) {
		return reconcile.Result{}, nil
	}
	told, err := r.tell(ctx, set)
	if !told && r.clock.Since(set.DeletionTimestamp.Time) < farewell {
		if err != nil {
			ctrl.LoggerFrom(ctx).Info("The leader cannot be told that this cluster leaves", "reason", err.Error())
		}
		return reconcile.Result{RequeueAfter: soon}, nil
	}
	r.sessions.end()
	if err := applyImports(ctx, r.client, r.namespace, nil); err != nil {
		return reconcile.Result{}, err
	}
	if told {
		if err := r.identities.remove(ctx); err != nil {
			return reconcile.Result{}, err
		}
	} else {
		r.events.Eventf(set, nil, corev1.EventTypeWarning, EventLeftSilently, "Leave", "the leader at %s could not be told that cluster %q left: remove its MemberClusterAnnounce there", set.Spec.Leaders[0].Server, set.Spec.ClusterID)
	}
	controllerutil.RemoveFinalizer(set, finalizer)
	return reconcile.Result{}, client.IgnoreNotFound(r.client.Update(ctx, set))
}

// tell lets go of the Lease at the leader and says whether the leader has understood.
func (r *clusterSetReconciler) tell(ctx context.Context, set *v1alpha2.ClusterSet) (bool, error) {
	id, err := r.identities.load(ctx, membershipOf(set))
	if id == nil || err != nil {
		return id == nil && err == nil, err
	}
	at, joinToken, err := r.endpoint(ctx, set, id)
	if err != nil {
		return false, err
	}
	if id.credential == nil {
		// It may have been granted without this cluster having seen it. It must not be asked for now.
		_, err := r.handshake.look(ctx, at, id, joinToken)
		refusal := (*join.Refusal)(nil)
		switch {
		case apierrors.IsNotFound(err), errors.As(err, &refusal) && refusal.Reason != reasonJoining:
			return true, nil
		case err != nil:
			return false, err
		}
	}
	s, err := r.sessions.get(ctx, r.scheme, at, *id.credential, r.poke)
	if err != nil {
		return false, err
	}
	return s.release(ctx, r.clock.Now())
}
