package antctl

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// nodesAtOnce is how many Nodes are asked at the same time.
const nodesAtOnce = 8

// allNodes are the names of the cluster's Nodes.
func allNodes(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list Nodes, or give --node: %w", err)
	}
	var names []string
	for _, n := range list.Items {
		names = append(names, n.Name)
	}
	return names, nil
}

// askNodes asks about every node, by its index, and returns each one's error: one that fails keeps no other back.
func askNodes(nodes []string, ask func(i int) error) []error {
	failed := make([]error, len(nodes))
	var group errgroup.Group
	group.SetLimit(nodesAtOnce)
	for i := range nodes {
		group.Go(func() error {
			failed[i] = ask(i)
			return nil
		})
	}
	_ = group.Wait()
	return failed
}

// sameOnce joins the Nodes' errors; one that all have in common is told once.
func sameOnce(what string, nodes []string, failed []error) error {
	if len(nodes) > 1 && !slices.ContainsFunc(failed, func(err error) bool { return err == nil || err.Error() != failed[0].Error() }) {
		return fmt.Errorf("%s of %d Nodes: %w", what, len(nodes), failed[0])
	}
	for i, err := range failed {
		if err != nil {
			failed[i] = fmt.Errorf("%s of Node %s: %w", what, nodes[i], err)
		}
	}
	return errors.Join(failed...)
}
