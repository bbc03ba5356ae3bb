package policies

import (
	"context"
	"fmt"

	"github.com/antrea-mc/antrea-mc/pkg/agent/state"
)

// Await returns when the store has the policies of a Pod's port, with the version that has them. Until then flows let nothing
// through, so that no Pod is reachable before its policies are in force.
func Await(ctx context.Context, store *state.Store, port string) (state.Version, error) {
	changes, stop := store.Watch()
	defer stop()
	for {
		now, version := store.Snapshot()
		if now.Policies != nil {
			if _, ok := now.Policies.Pods[port]; ok {
				return version, nil
			}
		}
		select {
		case <-ctx.Done():
			pod := now.Pods[port].Name
			return 0, fmt.Errorf("policies of Pod %s/%s are not known: the API has not told of a Pod with that name and UID %q: %w",
				pod.Namespace, pod.Name, pod.UID, context.Cause(ctx))
		case <-changes:
		}
	}
}
