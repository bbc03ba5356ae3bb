package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/lab/boot"
	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// startNode starts a node's process 1 and plugs it into the underlay. Nothing runs on it yet.
func (l *Lab) startNode(ctx context.Context, n NodePlan) error {
	group, err := l.group(n.Name)
	if err != nil {
		return err
	}
	if err := group.Create(); err != nil {
		return err
	}
	spec := boot.Node{Hostname: n.Name, Group: group, Dir: l.dirs.node(n.Name), Binds: map[string]string{"bin": l.bin}}
	if l.Plan.Lane() == FastLane {
		spec.Binds["fast"], spec.Binds[unpackedDir] = l.dirs.fast(), filepath.Join(l.cache.Dir, unpackedDir)
	}
	if n.ControlPlane {
		spec.Binds["pki"], spec.Binds["etcd"] = l.dirs.pki(n.Cluster), l.dirs.etcd()
	}
	file := filepath.Join(spec.Dir, "init.json")
	if err := (boot.Spec{Node: &spec}).Write(file); err != nil {
		return err
	}
	err = l.init.Start(ctx, supervisor.Service{
		Name: n.Name, Args: boot.Args(file), Cloneflags: boot.CloneFlags, Log: l.dirs.nodeLog(n.Name, "init"),
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=/root"}, Dir: "/",
	})
	if err != nil {
		return fmt.Errorf("start node %s: %w", n.Name, err)
	}
	var pid int
	err = l.await(ctx, n.Name, "init", "did not start", func() bool {
		pid, err = l.node(n.Name).PID()
		return err == nil
	})
	if err != nil {
		return err
	}
	lab, err := l.init.PID()
	if err != nil {
		return err
	}
	return plug(lab, pid, l.Plan.Underlays[n.Underlay], n)
}

// startControlPlane starts a cluster's API server on its node and, once it is ready, the controllers.
func (l *Lab) startControlPlane(ctx context.Context, c ClusterPlan) error {
	node := c.ControlPlane().Name
	init := l.node(node)
	if err := init.Start(ctx, apiServer(c)); err != nil {
		return err
	}
	client, err := l.client(c.Name)
	if err != nil {
		return err
	}
	err = l.await(ctx, node, svcAPI, "was not ready", func() bool {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
	})
	if err != nil {
		return err
	}
	l.Progress.Say("%s: API server is ready", c.Name)
	for _, s := range controllers(c) {
		if err := init.Start(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// startRuntime starts containerd and kubelet on a node, or the driver of the fast lane, and waits until it has reported.
func (l *Lab) startRuntime(ctx context.Context, c ClusterPlan, n NodePlan) error {
	services, err := runtimeServices(l.Plan, c, n)
	if err != nil {
		return err
	}
	began := time.Now()
	for _, s := range services {
		if err := l.node(n.Name).Start(ctx, s); err != nil {
			return err
		}
	}
	client, err := l.client(c.Name)
	if err != nil {
		return err
	}
	reporter := svcKubelet
	if l.Plan.Lane() == FastLane {
		reporter = svcFast
	}
	err = l.await(ctx, n.Name, reporter, "did not report", func() bool { return reported(ctx, client, n.Name, began) })
	if err != nil {
		return err
	}
	l.Progress.Say("%s: node %s with %s registered", c.Name, n.Name, n.PodCIDRs)
	return nil
}

// reported says whether a node has renewed its lease since some time and has told its conditions.
func reported(ctx context.Context, client kubernetes.Interface, name string, since time.Time) bool {
	lease, err := client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(ctx, name, metav1.GetOptions{})
	if err != nil || lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(since) {
		return false
	}
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	return err == nil && condition(node, corev1.NodeReady) != nil
}

func condition(node *corev1.Node, t corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == t {
			return c
		}
	}
	return nil
}
