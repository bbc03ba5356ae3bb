package daemon

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// jitter keeps the Nodes of a cluster from doing the same at the same time.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

// auditAll looks at every address in the API. Those of this Node get a record, if they have none; those of Nodes that are no more
// are freed, if their Pods are gone too; those without a Node, which Whereabouts wrote, if no Pod has had that name twice in a row:
// unowned is what was so the last time. It is to be called again soon if Pods of a Node that is gone are still in the API: nobody
// on this Node hears when they go.
func (d *daemon) auditAll(ctx context.Context, unowned map[string]bool) (next map[string]bool, soon bool, err error) {
	a := audit{daemon: d, nodes: map[string]bool{}, pods: map[[2]string]bool{}, claims: map[string]bool{}, before: unowned, unowned: map[string]bool{}, seen: map[belonging]bool{}}
	before := d.belongings.known()
	if err = d.Store.Audit(ctx, a.decide); err == nil { // with an error, not everything was seen
		for _, lost := range missing(before, a.seen) {
			err = errors.Join(err, d.putBack(ctx, lost))
		}
	}
	err = errors.Join(err, d.Store.HandBack(ctx, d.NodeName, a.nodeGone))
	return a.unowned, a.soon, errors.Join(err, a.err)
}

// audit remembers what the API server said, for the time that one takes.
type audit struct {
	*daemon
	nodes           map[string]bool    // those that are certainly no more
	pods            map[[2]string]bool // by name and UID
	claims          map[string]bool    // whether addresses stay for them
	before, unowned map[string]bool
	seen            map[belonging]bool
	soon            bool // an address waits for a Pod to go
	err             error
}

func (a *audit) decide(ctx context.Context, h store.Holding) store.Verdict {
	pod := a.daemon.pods.get(h.PodRef)
	switch {
	case h.ContainerID == "" && h.Claim != "":
		if wanted, known := a.wanted(ctx, h.Claim); known && !wanted {
			a.freed(ctx, h, "claim is gone")
			return store.Verdict{Free: true}
		}
	case h.Node == a.NodeName && !h.Reservation:
		one := belonging{keyOf(cni.Attachment{ContainerID: h.ContainerID, IfName: h.IfName}), h.Owner, h.Pool, h.Addr}
		a.seen[one] = true
		a.belongings.note(one)
		a.err = errors.Join(a.err, a.adopt(ctx, h, h.Owner))
	case h.Node == a.NodeName:
		// A record is older than the reservation, and all that the pools have got one before.
		if _, ok := a.journal.Get(keyOf(cni.Attachment{ContainerID: h.ContainerID, IfName: h.IfName})); !ok && a.err == nil {
			return a.end(ctx, h, "released")
		}
	case h.Node != "":
		if !a.nodeGone(ctx, h.Node) {
			return store.Verdict{}
		}
		if a.podGone(ctx, h) {
			return a.end(ctx, h, "Node and Pod are gone")
		}
		a.soon = true
	case pod == nil:
		if key := h.Object + " " + h.Addr.String() + " " + h.ContainerID; a.podGone(ctx, h) {
			if a.unowned[key] = true; a.before[key] {
				a.freed(ctx, h, "no such Pod")
				return store.Verdict{Free: true}
			}
		}
	case h.PodUID == "" && !h.Reservation && reports(pod, h.Addr):
		owner := h.Owner
		owner.PodUID, owner.Node = uids(pod)[0], a.NodeName
		if err := a.adopt(ctx, h, owner); err != nil {
			a.err = errors.Join(a.err, err)
			return store.Verdict{}
		}
		klog.FromContext(ctx).Info("Took an address over from Whereabouts", "address", h.Addr, "pod", h.PodRef, "uid", owner.PodUID)
		return store.Verdict{Owner: &owner}
	}
	return store.Verdict{}
}

// end frees an address whose sandbox is certainly gone, or keeps it for its claim.
func (a *audit) end(ctx context.Context, h store.Holding, why string) store.Verdict {
	if h.Claim != "" {
		wanted, known := a.wanted(ctx, h.Claim)
		if !known {
			return store.Verdict{}
		}
		if wanted {
			kept := h.Kept()
			klog.FromContext(ctx).Info("Keeping an address for its claim", "object", h.Object, "address", h.Addr, "claim", h.Claim, "because", why)
			return store.Verdict{Owner: &kept}
		}
	}
	a.freed(ctx, h, why)
	return store.Verdict{Free: true}
}

// wanted reports whether addresses stay for a claim, as far as that is known.
func (a *audit) wanted(ctx context.Context, claim string) (wanted, known bool) {
	if wanted, known = a.claims[claim]; known {
		return wanted, true
	}
	wanted, err := a.daemon.wanted(ctx, claim)
	if err != nil {
		a.err = errors.Join(a.err, err)
		return false, false
	}
	a.claims[claim] = wanted
	return wanted, true
}

func (a *audit) freed(ctx context.Context, h store.Holding, why string) {
	a.counts.freed.WithLabelValues(why).Inc()
	klog.FromContext(ctx).Info("Freeing an address", "object", h.Object, "address", h.Addr, "pod", h.PodRef, "node", h.Node, "container", h.ContainerID, "because", why)
}

// adopt makes a record of an address of this Node that has none. Its sandbox may run, of that nothing is known but the boot.
func (a *audit) adopt(ctx context.Context, h store.Holding, owner store.Owner) error {
	at := cni.Attachment{ContainerID: h.ContainerID, IfName: h.IfName}
	if h.ContainerID == "" {
		return nil
	}
	defer a.journal.Lock(keyOf(at))()
	r, ok := a.journal.Get(keyOf(at))
	if ok && slices.Contains(r.Place.Pools, h.Pool) {
		return nil
	}
	if !ok {
		namespace, name, _ := strings.Cut(h.PodRef, "/")
		r = record{ContainerID: at.ContainerID, IfName: at.IfName, Boot: a.boot, Pod: whereabouts.Pod{Namespace: namespace, Name: name, UID: owner.PodUID}}
		r.Place.NetworkName, r.Place.Reserve = h.NetworkName, true
	}
	r.Place.Pools = append(slices.Clone(r.Place.Pools), h.Pool)
	// It may have been released since it was read.
	held, err := a.Store.Held(ctx, owner, store.Place{Pools: []store.PoolKey{h.Pool}})
	if err != nil || !slices.Contains(held, h.Addr) {
		return err
	}
	return a.journal.Put(r)
}

// podGone reports whether the Pod is certainly gone.
func (a *audit) podGone(ctx context.Context, h store.Holding) bool {
	key := [2]string{h.PodRef, h.PodUID}
	gone, known := a.pods[key]
	if !known {
		var err error
		if gone, err = a.daemon.pods.gone(ctx, h.PodRef, h.PodUID); err != nil {
			a.err = errors.Join(a.err, err)
		}
		a.pods[key] = gone
	}
	return gone
}

// nodeGone reports whether the Node is certainly off: it was deleted, or an operator has said that it is out of service.
func (a *audit) nodeGone(ctx context.Context, name string) bool {
	gone, known := a.nodes[name]
	if !known {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		node, err := a.Client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			gone = true
		case err != nil:
			a.err = errors.Join(a.err, err)
		default:
			gone = slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == corev1.TaintNodeOutOfService })
		}
		a.nodes[name] = gone
	}
	return gone
}

// watchNodes wakes the audit when a Node is deleted.
func (d *daemon) watchNodes(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(d.Client, 0, informers.WithTransform(func(o any) (any, error) {
		if node, ok := o.(*corev1.Node); ok {
			return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion}}, nil
		}
		return o, nil
	}))
	_, err := factory.Core().V1().Nodes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(any) { wake(d.audit) }})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}
