package fastlane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// pod is the life of one Pod: sandbox, network, init containers, containers, end.
type pod struct {
	driver *Driver
	spec   *corev1.Pod
	box    *sandbox
	// restarts are what the API knows of containers that ran in a former sandbox.
	restarts map[string]int32

	once  sync.Once
	ended chan struct{} // closed when it is to end
	grace time.Duration // then valid
}

func newPod(d *Driver, p *corev1.Pod) *pod {
	return &pod{driver: d, spec: p.DeepCopy(), ended: make(chan struct{})}
}

// end tells the Pod to end. Only the first call counts.
func (p *pod) end(grace int64) {
	p.once.Do(func() {
		p.grace = time.Duration(grace) * time.Second
		close(p.ended)
	})
}

const (
	retryDelay   = time.Second            // after something failed
	statusPeriod = 500 * time.Millisecond // between looks at the containers
)

// run is the life of the Pod. When ctx ends, the node does, and nothing is taken apart.
func (p *pod) run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	for {
		living, stop := context.WithCancel(ctx)
		go func() {
			select {
			case <-p.ended:
				stop()
			case <-living.Done():
			}
		}()
		err := p.live(living)
		stop()
		if ctx.Err() != nil {
			return
		}
		if p.isEnded() {
			break
		}
		if err == nil { // its containers are done
			<-p.ended
			break
		}
		logger.Error(err, "Pod cannot run, trying again")
		p.report(ctx, corev1.PodPending, err.Error(), nil)
		if err := p.takeApart(ctx); err != nil {
			logger.Error(err, "Taking the Pod apart failed")
		}
		select {
		case <-p.ended:
		case <-time.After(retryDelay):
		case <-ctx.Done():
			return
		}
		if p.isEnded() {
			break
		}
	}
	p.terminate(ctx)
	for {
		err := p.takeApart(ctx)
		if err == nil {
			break
		}
		logger.Error(err, "Taking the Pod apart failed, trying again")
		select {
		case <-time.After(retryDelay):
		case <-ctx.Done():
			return
		}
	}
	now := int64(0)
	opts := metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(p.spec.UID))}
	if err := p.driver.client.CoreV1().Pods(p.spec.Namespace).Delete(ctx, p.spec.Name, opts); err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		logger.Error(err, "Removing the Pod from the API failed")
	}
}

func (p *pod) isEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// live runs the Pod until its containers are done, which most never are. A Pod that runs already, because only the driver
// was started anew, is left alone.
func (p *pod) live(ctx context.Context) error {
	var err error
	if p.box, err = openSandbox(p.dir()); err != nil {
		return err
	}
	if p.box != nil && p.box.alive(ctx) {
		return p.watch(ctx)
	}
	if err := p.takeApart(ctx); err != nil {
		return err
	}
	p.restarts = map[string]int32{}
	for _, c := range p.spec.Status.ContainerStatuses {
		if c.Started != nil && *c.Started {
			p.restarts[c.Name] = c.RestartCount + 1
		}
	}
	if err := p.start(ctx); err != nil {
		return err
	}
	return p.watch(ctx)
}

// start starts the Pod in a new sandbox.
func (p *pod) start(ctx context.Context) error {
	var err error
	if p.box, err = newSandbox(ctx, p.dir(), p.spec); err != nil {
		return err
	}
	if !p.box.HostNet {
		if err := p.driver.cni.add(ctx, p.box); err != nil {
			return err
		}
	}
	volumes, err := p.volumes(ctx)
	if err != nil {
		return err
	}
	if err := p.writeNameFiles(); err != nil {
		return err
	}
	for _, c := range p.spec.Spec.InitContainers {
		if err := p.runToEnd(ctx, c, volumes); err != nil {
			return err
		}
	}
	for _, c := range p.spec.Spec.Containers {
		svc, err := p.service(ctx, c, volumes)
		if err != nil {
			return err
		}
		svc.Restart = p.spec.Spec.RestartPolicy == corev1.RestartPolicyAlways
		if err := p.box.init().Start(ctx, svc); err != nil {
			return fmt.Errorf("container %s: %w", c.Name, err)
		}
	}
	p.box.Started = true
	return p.box.save()
}

// runToEnd runs an init container.
func (p *pod) runToEnd(ctx context.Context, c corev1.Container, volumes map[string]string) error {
	svc, err := p.service(ctx, c, volumes)
	if err != nil {
		return err
	}
	if err := p.box.init().Start(ctx, svc); err != nil {
		return fmt.Errorf("init container %s: %w", c.Name, err)
	}
	for {
		s, err := p.status(ctx, c.Name)
		if err != nil {
			return err
		}
		if s.Exits > 0 {
			if s.Last != supervisor.Success {
				return fmt.Errorf("init container %s %s", c.Name, s.Last)
			}
			return nil
		}
		if err := sleep(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// watch reports the containers whenever they change, until all are done.
func (p *pod) watch(ctx context.Context) error {
	var last string
	for {
		all, err := p.box.init().Status(ctx)
		if err != nil {
			return err
		}
		if now := fmt.Sprint(all); now != last {
			phase := p.phase(all)
			p.report(ctx, phase, "", all)
			last = now
			if phase != corev1.PodRunning {
				return nil
			}
		}
		if err := sleep(ctx, statusPeriod); err != nil {
			return err
		}
	}
}

// phase is what the containers come to: a Pod is done when none of them runs or will run again.
func (p *pod) phase(all []supervisor.Status) corev1.PodPhase {
	if p.spec.Spec.RestartPolicy == corev1.RestartPolicyAlways {
		return corev1.PodRunning
	}
	phase := corev1.PodSucceeded
	for _, c := range p.spec.Spec.Containers {
		for _, s := range all {
			switch {
			case s.Name != c.Name:
			case s.Exits == 0:
				return corev1.PodRunning
			case s.Last != supervisor.Success:
				phase = corev1.PodFailed
			}
		}
	}
	return phase
}

// terminate asks the containers to end and waits for as long as the Pod grants.
func (p *pod) terminate(ctx context.Context) {
	if p.box == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.grace)
	defer cancel()
	var all sync.WaitGroup
	for _, c := range p.spec.Spec.Containers {
		all.Go(func() { _ = p.box.init().Stop(ctx, c.Name, syscall.SIGTERM) })
	}
	all.Wait()
}

func (p *pod) takeApart(ctx context.Context) error {
	box, err := openSandbox(p.dir())
	if err != nil || box == nil {
		return err
	}
	return box.destroy(ctx, p.driver.cni)
}

func (p *pod) dir() string { return filepath.Join(p.driver.Dir, string(p.spec.UID)) }

func (p *pod) status(ctx context.Context, container string) (supervisor.Status, error) {
	all, err := p.box.init().Status(ctx)
	if err != nil {
		return supervisor.Status{}, err
	}
	for _, s := range all {
		if s.Name == container {
			return s, nil
		}
	}
	return supervisor.Status{}, fmt.Errorf("container %s does not run", container)
}

// addresses are those of the Pod, as text.
func (p *pod) addresses() []string {
	if p.spec.Spec.HostNetwork {
		return []string{p.driver.Address.String()}
	}
	var all []string
	if p.box != nil {
		for _, a := range p.box.Addresses {
			all = append(all, a.String())
		}
	}
	return all
}

// old are the folders of Pods that were removed while no driver ran.
func (d *Driver) old(ctx context.Context) (folders []string, err error) {
	pods, err := d.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + d.Node})
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(d.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !slices.ContainsFunc(pods.Items, func(p corev1.Pod) bool { return string(p.UID) == e.Name() }) {
			folders = append(folders, filepath.Join(d.Dir, e.Name()))
		}
	}
	return folders, nil
}

// clear removes them. That may take until the CNI plugin's agent runs, which is a Pod itself.
func (d *Driver) clear(ctx context.Context, folders []string) {
	for len(folders) > 0 {
		folders = slices.DeleteFunc(folders, func(folder string) bool {
			box, err := openSandbox(folder)
			if err == nil && box != nil {
				err = box.destroy(ctx, d.cni)
			}
			if err != nil {
				klog.FromContext(ctx).Error(err, "Could not clear what was left of a removed Pod, trying again", "folder", folder)
			}
			return err == nil
		})
		if len(folders) > 0 && sleep(ctx, time.Second) != nil {
			return
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
