// Package uninstall takes antrea-mc out of a cluster and leaves its Nodes as they were.
//
// Start at [Run]. cleanup.go is the DaemonSet that undoes what was done to Nodes, objects.go deletes what the install manifest
// and `antctl mc deploy` have created. Every step may be repeated: whatever is gone already is fine, so a run that was interrupted is simply run again.
package uninstall

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Config is what Run needs.
type Config struct {
	Client  kubernetes.Interface
	Dynamic dynamic.Interface
	Timeout time.Duration // for each step that waits
	Out     io.Writer     // says what is done
}

// Plan says what Run would do.
func Plan(ctx context.Context, c Config) (string, error) {
	if err := c.refuseMember(ctx); err != nil {
		return "", err
	}
	nodes, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`This takes the network away from all Pods of %d Nodes:
  1. antrea-controller and the multi-cluster controllers are deleted.
  2. DaemonSet antrea-agent is deleted. In its place DaemonSet antrea-cleanup removes bridges, routes, nftables and CNI
     configuration from every Node, and is deleted in turn.
  3. Whatever else antrea-mc.yml and antctl mc deploy created is deleted: ConfigMaps, RBAC, CRDs. Namespaces stay.
Other Pods that are on the network keep running, without it, and only end when the next network is installed.
`, len(nodes.Items)), nil
}

// Run uninstalls.
func Run(ctx context.Context, c Config) error {
	if err := c.refuseMember(ctx); err != nil {
		return err
	}
	objects, err := c.objects(ctx)
	if err != nil {
		return err
	}
	first, rest := controllers(objects)
	if err := c.deleteAll(ctx, first); err != nil {
		return err
	}
	if err := c.cleanNodes(ctx); err != nil {
		return err
	}
	if err := c.clearAnnotations(ctx); err != nil {
		return err
	}
	if err := c.deleteAll(ctx, rest); err != nil {
		return err
	}
	fmt.Fprintln(c.Out, "antrea-mc is uninstalled")
	return nil
}

// clearAnnotations takes what the agents have written on their Nodes off again.
func (c Config) clearAnnotations(ctx context.Context) error {
	list, err := c.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, node := range list.Items {
		gone := map[string]any{}
		for _, key := range systemv1alpha1.NodeAnnotations() {
			if _, ok := node.Annotations[key]; ok {
				gone[key] = nil
			}
		}
		if len(gone) == 0 {
			continue
		}
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": gone}})
		if err != nil {
			return err
		}
		if _, err := c.Client.CoreV1().Nodes().Patch(ctx, node.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("annotations of Node %s: %w", node.Name, err)
		}
	}
	return nil
}

var clusterSets = schema.GroupVersionResource{Group: "multicluster.crd.antrea.io", Version: "v1alpha2", Resource: "clustersets"}

// refuseMember keeps the cluster from vanishing without a word to its ClusterSet.
func (c Config) refuseMember(ctx context.Context) error {
	sets, err := c.Dynamic.Resource(clusterSets).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) || meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return err
	}
	var names []string
	for _, s := range sets.Items {
		names = append(names, s.GetNamespace()+"/"+s.GetName())
	}
	if len(names) > 0 {
		return fmt.Errorf("this cluster is in ClusterSet %s: leave it first with antctl mc leave, or take it down with antctl mc destroy", strings.Join(names, ", "))
	}
	return nil
}

// cleanNodes replaces the agents by Pods that clean up, and waits for them.
func (c Config) cleanNodes(ctx context.Context) error {
	sets := c.Client.AppsV1().DaemonSets(namespace)
	cleanup, err := sets.Get(ctx, cleanupName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		var agent *appsv1.DaemonSet
		agent, err = sets.Get(ctx, agentName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			fmt.Fprintln(c.Out, "no DaemonSet antrea-agent: Nodes are left alone")
			return nil
		}
		if err != nil {
			return err
		}
		if cleanup, err = cleanupDaemonSet(agent); err != nil {
			return err
		}
		fmt.Fprintln(c.Out, "creating DaemonSet antrea-cleanup")
		cleanup, err = sets.Create(ctx, cleanup, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("DaemonSet %s: %w", cleanupName, err)
	}
	// After the clean-up was made, so that a run that is interrupted here can be taken up again.
	fmt.Fprintln(c.Out, "deleting DaemonSet antrea-agent")
	if err := c.deleteDaemonSet(ctx, agentName); err != nil {
		return err
	}
	if err := c.waitClean(ctx, cleanup); err != nil {
		return err
	}
	fmt.Fprintln(c.Out, "deleting DaemonSet antrea-cleanup")
	return c.deleteDaemonSet(ctx, cleanupName)
}

// deleteDaemonSet returns when its Pods are gone, too.
func (c Config) deleteDaemonSet(ctx context.Context, name string) error {
	policy := metav1.DeletePropagationForeground
	sets := c.Client.AppsV1().DaemonSets(namespace)
	if err := sets.Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("delete DaemonSet %s: %w", name, err)
	}
	return c.poll(ctx, func(ctx context.Context) (string, error) {
		pods, err := c.pods(ctx, name)
		if err != nil {
			return "", err
		}
		_, err = sets.Get(ctx, name, metav1.GetOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return "", err
		}
		if len(pods) == 0 && err != nil {
			return "", nil
		}
		return fmt.Sprintf("%d Pods of %s", len(pods), name), nil
	})
}

// waitClean waits until every Node that is to have a Pod of the clean-up has a ready one.
func (c Config) waitClean(ctx context.Context, cleanup *appsv1.DaemonSet) error {
	sets := c.Client.AppsV1().DaemonSets(namespace)
	return c.poll(ctx, func(ctx context.Context) (string, error) {
		set, err := sets.Get(ctx, cleanup.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		pods, err := c.pods(ctx, cleanup.Name)
		if err != nil {
			return "", err
		}
		want := int(set.Status.DesiredNumberScheduled)
		if set.Status.ObservedGeneration < set.Generation || len(pods) < want {
			return fmt.Sprintf("Pods on %d of %d Nodes", len(pods), want), nil
		}
		if dirty := unclean(pods); len(dirty) > 0 {
			return fmt.Sprintf("%d of %d Nodes clean, not %s", want-len(dirty), want, strings.Join(dirty, ", ")), nil
		}
		fmt.Fprintf(c.Out, "%d of %d Nodes clean\n", want, want)
		return "", nil
	})
}

func (c Config) pods(ctx context.Context, component string) ([]corev1.Pod, error) {
	list, err := c.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=antrea,component=" + component})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// poll asks until there is nothing to wait for any more, and says when the answer changes.
func (c Config) poll(ctx context.Context, waitingFor func(context.Context) (string, error)) error {
	said := ""
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, c.Timeout, true, func(ctx context.Context) (bool, error) {
		what, err := waitingFor(ctx)
		if err != nil || what == "" {
			return err == nil, err
		}
		if what != said {
			said = what
			fmt.Fprintf(c.Out, "  waiting: %s\n", what)
		}
		return false, nil
	})
	if wait.Interrupted(err) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("waited %s in vain: %s; mend or delete these and run antctl uninstall again", c.Timeout, said)
	}
	return err
}
