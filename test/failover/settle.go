package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Settle waits until every gateway of both clusters carries traffic and every session, between clusters and inside, is up, twice
// in a row. It asks as a person would: with antctl.
func (s *Scene) Settle(ctx context.Context, limit time.Duration) (took time.Duration, err error) {
	start := time.Now()
	good := 0
	for wrong := ""; ; {
		if wrong, err = s.wrong(ctx); err == nil && wrong == "" {
			if good++; good == 2 {
				return time.Since(start), nil
			}
		} else {
			good = 0
		}
		if time.Since(start) > limit {
			if err == nil {
				err = errors.New(wrong)
			}
			return time.Since(start), fmt.Errorf("after %s not all is well: %w", limit, err)
		}
		select {
		case <-ctx.Done():
			return time.Since(start), ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// wrong says what is not as it should be; empty if all is well.
func (s *Scene) wrong(ctx context.Context) (string, error) {
	all := make([][]string, 2*len(Clusters))
	var group errgroup.Group
	for i, c := range Clusters {
		group.Go(func() (err error) {
			all[2*i], err = s.wrongGateways(ctx, c)
			return err
		})
		group.Go(func() (err error) {
			all[2*i+1], err = s.wrongConnections(ctx, c)
			return err
		})
	}
	err := group.Wait()
	return strings.Join(slices.Concat(all...), ", "), err
}

func (s *Scene) wrongGateways(ctx context.Context, c string) (all []string, err error) {
	var gateways struct {
		Items []struct{ Name, State, Reason string }
	}
	if err := s.ask(ctx, c, &gateways, "gateways"); err != nil {
		return nil, err
	}
	if len(gateways.Items) != len(Gateways[c]) {
		all = append(all, fmt.Sprintf("%s has %d gateways", c, len(gateways.Items)))
	}
	for _, g := range gateways.Items {
		if g.State != "Active" {
			all = append(all, fmt.Sprintf("%s is %s %s", g.Name, g.State, g.Reason))
		}
	}
	return all, nil
}

func (s *Scene) wrongConnections(ctx context.Context, c string) (all []string, err error) {
	for _, args := range [][]string{{"connections"}, {"connections", "--inside"}} {
		var connections struct {
			Items []struct{ Node, Name, State string }
		}
		if err := s.ask(ctx, c, &connections, args...); err != nil {
			return nil, err
		}
		up := 0
		for _, k := range connections.Items {
			if k.State == "Up" {
				up++
			} else {
				all = append(all, fmt.Sprintf("%s sees %s %s", k.Node, k.Name, k.State))
			}
		}
		if want := len(Gateways[c]) * len(Gateways[other(c)]); len(args) == 1 && up != want {
			all = append(all, fmt.Sprintf("%d of %d connections of %s are up", up, want, c))
		}
	}
	return all, nil
}

func (s *Scene) ask(ctx context.Context, cluster string, v any, what ...string) error {
	out, err := s.Antctl(ctx, cluster, append(append([]string{"mc", "show"}, what...), "-o", "json")...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		return fmt.Errorf("antctl mc show %v: %w", what, err)
	}
	return nil
}
