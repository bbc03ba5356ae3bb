package mc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

func newLeave(target *cluster.Flags) *cobra.Command {
	var namespace, clusterSet string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "leave",
		Short: "Take this cluster out of its ClusterSet",
		Long: `Take this cluster out of its ClusterSet. The leader and the other members forget it; nobody else is touched. To come back,
join again. The controller stays; undo its installation with
  antctl mc deploy membercluster --dry-run | kubectl delete -f -`,
		Example: `  antctl mc leave -n kube-system
  antctl mc leave -n kube-system --clusterset demo`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			set, err := a.oneClusterSet(cmd.Context(), Member, namespace, clusterSet)
			if err != nil {
				return err
			}
			if err := a.leave(cmd.Context(), set, timeout); err != nil {
				return err
			}
			a.say("cluster %s has left ClusterSet %s", set.Spec.ClusterID, set.Name)
			return nil
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "kube-system", "namespace of the member controller")
	cmd.Flags().StringVar(&clusterSet, "clusterset", "", "ID of the ClusterSet (default: the one that there is)")
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until this cluster has left")
	return cmd
}

// oneClusterSet is the ClusterSet of a namespace, which must have the name if one is given.
func (a *api) oneClusterSet(ctx context.Context, role Role, namespace, name string) (*v1alpha2.ClusterSet, error) {
	var list v1alpha2.ClusterSetList
	if err := a.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, notDeployed(err, role, namespace)
	}
	for i := range list.Items {
		if name == "" || list.Items[i].Name == name {
			return &list.Items[i], nil
		}
	}
	return nil, fmt.Errorf("namespace %s has no ClusterSet %s: see `antctl mc get clusterset -A`", namespace, name)
}

// leave deletes the ClusterSet, waits until the controller has let it go, and removes the join token.
func (a *api) leave(ctx context.Context, set *v1alpha2.ClusterSet, timeout time.Duration) error {
	if err := a.remove(ctx, Member, set, timeout); err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: set.Namespace, Name: member.JoinSecret}}
	if err := a.Delete(ctx, secret); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the join token: %w", err)
	}
	// Best effort: a departure that the leader could not be told is an event only.
	var events corev1.EventList
	if err := a.List(ctx, &events, client.InNamespace(set.Namespace), client.MatchingFields{"involvedObject.uid": string(set.UID)}); err == nil {
		for _, e := range events.Items {
			if e.Reason == member.EventLeftSilently {
				a.note("%s", e.Message)
			}
		}
	}
	return nil
}

// remove deletes a ClusterSet and waits until it is gone, which takes the controller.
func (a *api) remove(ctx context.Context, role Role, set *v1alpha2.ClusterSet, timeout time.Duration) error {
	if len(set.Finalizers) > 0 {
		if err := a.requireController(ctx, role, set.Namespace); err != nil {
			return err
		}
	}
	if err := a.Delete(ctx, set); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete ClusterSet %s: %w", set.Name, err)
	}
	err := a.waitFor(ctx, timeout, func(ctx context.Context) (string, error) {
		err := a.Get(ctx, client.ObjectKeyFromObject(set), &v1alpha2.ClusterSet{})
		if apierrors.IsNotFound(err) {
			return "", nil
		}
		return fmt.Sprintf("waiting until antrea-mc-controller in namespace %s has cleaned up", set.Namespace), err
	})
	if errors.Is(err, errTimeout) {
		return fmt.Errorf("%w: look at `kubectl logs -n %s deployment/%s`", err, set.Namespace, controllerName)
	}
	return err
}
