package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// plainFile is beside the records: the Pods of this Node that ask for no network of their own. They get the default network although
// the API server is away, after a boot of the Node too.
const plainFile = ".plain-pods"

const (
	// plainInterval is the least time between two writes of the file.
	plainInterval = time.Second
	// plainPatience is for the API server where it is not needed.
	plainPatience = 2 * time.Second
)

// plainPods is the content of the file: namespace/name of Pods, by UID.
type plainPods struct {
	file string

	mu   sync.Mutex
	pods map[string]string
}

// openPlain reads the file. One that cannot be read says nothing of any Pod.
func openPlain(dir string) *plainPods {
	p := &plainPods{file: filepath.Join(dir, plainFile)}
	text, err := os.ReadFile(p.file)
	if err != nil || json.Unmarshal(text, &p.pods) != nil {
		p.pods = nil
	}
	return p
}

// pod is a Pod of which the file says that it is plain.
func (p *plainPods) pod(id podID) (*corev1.Pod, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id.UID == "" || p.pods[id.UID] != id.String() {
		return nil, false
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: id.Namespace, Name: id.Name, UID: types.UID(id.UID)}}, true
}

// set makes the file say what is watched.
func (p *plainPods) set(watched []any) error {
	now := map[string]string{}
	for _, o := range watched {
		if pod, ok := o.(*corev1.Pod); ok && isPlain(pod) {
			now[uids(pod)[0]] = pod.Namespace + "/" + pod.Name
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pods != nil && maps.Equal(now, p.pods) {
		return nil
	}
	text, err := json.Marshal(now)
	if err == nil {
		err = replace(p.file, text)
	}
	if err == nil {
		p.pods = now
	}
	return err
}

// isPlain reports whether a Pod names no network itself.
func isPlain(pod *corev1.Pod) bool {
	return pod.Annotations[netplan.NetworksAnnotation] == "" && pod.Annotations[netplan.DefaultNetworkAnnotation] == ""
}

// keepPlain keeps the file up to date, once all Pods of the Node are known.
func (d *daemon) keepPlain(ctx context.Context) error {
	if !cache.WaitForCacheSync(ctx.Done(), d.api.pods.HasSynced) {
		return nil
	}
	for {
		if err := d.plain.set(d.api.pods.GetStore().List()); err != nil {
			klog.FromContext(ctx).Error(err, "Pods will wait for the API server after a boot")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(plainInterval):
		}
	}
}

// podFor is the Pod of an ADD: as it is watched, as the API server has it, or as it was when that could be asked.
func (d *daemon) podFor(ctx context.Context, id podID) (*corev1.Pod, error) {
	known, ok := d.plain.pod(id)
	if !ok {
		return d.api.pod(ctx, id)
	}
	asking, cancel := context.WithTimeout(ctx, plainPatience)
	defer cancel()
	pod, err := d.api.pod(asking, id)
	if err != nil && isAway(err) {
		klog.FromContext(ctx).Info("The API server is away; the Pod asked for no networks when it last answered", "pod", id, "err", err.Error())
		return known, nil
	}
	return pod, err
}

// isAway reports whether an error says that the API server cannot be asked, rather than what it answered.
func isAway(err error) bool {
	var told apierrors.APIStatus
	if errors.As(err, &told) {
		return told.Status().Code >= 500
	}
	return !errors.Is(err, errNoPod)
}

// tellNowOrLater tells the status of a new sandbox. That of a plain Pod, whom nobody else depends on, may be told when the API server is back.
func (d *daemon) tellNowOrLater(ctx context.Context, r *record, pod *corev1.Pod) error {
	mayWait := isPlain(pod) && !slices.ContainsFunc(r.Attachments, func(a attached) bool { return !a.Default && !a.Auxiliary })
	if !mayWait {
		return d.tellStatus(ctx, *r, pod)
	}
	asking, cancel := context.WithTimeout(ctx, plainPatience)
	defer cancel()
	err := d.tellStatus(asking, *r, pod)
	if err != nil && isAway(err) {
		r.Untold = true
		d.plugs.AddAfter(r.ContainerID, plainPatience)
		return nil
	}
	return err
}

// tellLater tells the status that could not be told at ADD. The caller has locked the sandbox.
func (d *daemon) tellLater(ctx context.Context, r record) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), plainPatience)
	defer cancel()
	pod, err := d.api.podNow(ctx, r.Pod)
	if err == nil {
		err = d.tellStatus(ctx, r, pod)
	}
	if err != nil && isAway(err) {
		d.plugs.AddAfter(r.ContainerID, plainPatience)
		return nil
	}
	r.Untold = false
	if errors.Is(err, errNoPod) {
		err = nil // DEL is on its way
	}
	return errors.Join(err, d.journal.Put(r))
}

// untold are the sandboxes of earlier processes whose status has not been told.
func (d *daemon) untold() {
	for _, r := range d.journal.All() {
		if r.Untold && r.State == done {
			d.plugs.Add(r.ContainerID)
		}
	}
}
