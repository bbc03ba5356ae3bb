package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/test/s1"
)

const cluster = "cl1"

var nodes = []string{"cl1-master", "cl1-node1", victim}

// Scene is the lab with Pods on all Nodes.
type Scene struct {
	s1.Lab
	receivers, bystanders map[string]s1.Pod // by Node
	powerOff              time.Time         // of the victim, whose Pods then are to start again; zero if they have
}

// Play brings the lab up and installs everything.
func (s *Scene) Play(ctx context.Context) error {
	if err := s.Up(ctx, "test/faults/lab.yaml", func(string) {}); err != nil {
		return err
	}
	for _, line := range []string{
		"apply -f antrea-mc.yml",
		"-n kube-system rollout status daemonset/antrea-agent --timeout=180s",
		"-n kube-system rollout status deployment/antrea-controller --timeout=180s",
		"wait --for=condition=Available apiservice/v1alpha1.system.antrea.io --timeout=120s",
		"apply -f test/faults/pods.yaml",
		"-n demo rollout status daemonset/web-0 --timeout=180s",
		"-n demo rollout status daemonset/web-1 --timeout=180s",
	} {
		if _, err := s.Kubectl(ctx, cluster, strings.Fields(line)...); err != nil {
			return err
		}
	}
	return s.findPods(ctx)
}

func (s *Scene) findPods(ctx context.Context) error {
	s.receivers, s.bystanders = map[string]s1.Pod{}, map[string]s1.Pod{}
	for label, found := range map[string]map[string]s1.Pod{"number=0": s.receivers, "number=1": s.bystanders} {
		out, err := s.Kubectl(ctx, cluster, "get", "pods", "-n", "demo", "-l", label, "-o",
			`jsonpath={range .items[*]}{.spec.nodeName} {.metadata.name} {.status.podIP}{"\n"}{end}`)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			f := strings.Fields(line)
			if len(f) != 3 {
				return fmt.Errorf("pod without an address: %q", line)
			}
			ip, err := netip.ParseAddr(f[2])
			if err != nil {
				return err
			}
			found[f[0]] = s1.Pod{Cluster: cluster, Node: f[0], Name: f[1], IP: ip}
		}
		if len(found) != len(nodes) {
			return fmt.Errorf("pods with %s: %v", label, found)
		}
	}
	return nil
}

// Wait waits until all is as it should be.
func (s *Scene) Wait(ctx context.Context, limit time.Duration) (took time.Duration, err error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		if err = s.Check(ctx); err == nil {
			return time.Since(start), nil
		}
		select {
		case <-ctx.Done():
			return time.Since(start), fmt.Errorf("not all is well after %s: %w", limit, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Check proves that every Pod and every Node reaches every Pod, that every switch holds what its agent wants, and that each Pod has one port
// and no address is held twice.
func (s *Scene) Check(ctx context.Context) error {
	if err := s.started(ctx); err != nil {
		return err
	}
	if _, err := s.Antctl(ctx, cluster, "verify", "flows"); err != nil {
		return err
	}
	if err := s.checkInterfaces(ctx); err != nil {
		return err
	}
	var all []s1.Pod
	for _, n := range nodes {
		all = append(all, s.receivers[n], s.bystanders[n])
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, from := range all {
		var others strings.Builder
		for _, to := range all {
			if to != from {
				fmt.Fprintf(&others, "probe ping -count 1 %s && ", to.IP)
			}
		}
		group.Go(func() error {
			out, err := s.Pod(ctx, from, "sh", "-c", others.String()+"true")
			if n := strings.Count(out, `"Received":1`); err == nil && n != len(all)-1 {
				err = fmt.Errorf("%s has reached %d of %d others: %s", from, n, len(all)-1, out)
			}
			return err
		})
	}
	for _, n := range nodes {
		for _, to := range nodes {
			group.Go(func() error {
				_, err := s.Exec(ctx, n, "ping", "-nc1", "-W1", s.receivers[to].IP.String())
				return err
			})
		}
	}
	return group.Wait()
}

// started tells whether the Pods of a Node that has lost power run again, and finds their addresses.
func (s *Scene) started(ctx context.Context) error {
	if s.powerOff.IsZero() {
		return nil
	}
	out, err := s.Kubectl(ctx, cluster, "get", "pods", "-n", "demo", "--field-selector=spec.nodeName="+victim, "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[0].state.running.startedAt}{"\n"}{end}`)
	if err != nil {
		return err
	}
	for line := range strings.Lines(out) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if at, err := time.Parse(time.RFC3339, text); err != nil || at.Before(s.powerOff) {
			return fmt.Errorf("%s does not run yet: started %q, the Node lost power at %s", name, text, s.powerOff.UTC().Format(time.RFC3339))
		}
	}
	if err := s.findPods(ctx); err != nil {
		return err
	}
	s.powerOff = time.Time{}
	return nil
}

// checkInterfaces compares what the switches know of Pods with the Pods that there are.
func (s *Scene) checkInterfaces(ctx context.Context) error {
	out, err := s.Antctl(ctx, cluster, "get", "podinterfaces", "-o", "json")
	if err != nil {
		return err
	}
	var lists struct {
		Items []systemv1alpha1.PodInterfaceList
	}
	if err := json.Unmarshal([]byte(out), &lists); err != nil {
		return err
	}
	pods, err := s.Kubectl(ctx, cluster, "get", "pods", "-A", "-o",
		`jsonpath={range .items[?(@.status.phase=="Running")]}{.spec.hostNetwork} {.metadata.namespace}/{.metadata.name}{"\n"}{end}`)
	if err != nil {
		return err
	}
	want := map[string]bool{}
	for line := range strings.Lines(pods) {
		if f := strings.Fields(line); len(f) == 1 { // not on the host's network
			want[f[0]] = true
		}
	}
	holder := map[string]string{}
	var errs []error
	for _, list := range lists.Items {
		for _, p := range list.Items {
			name := p.PodNamespace + "/" + p.PodName
			if !want[name] || p.OFPort == 0 {
				errs = append(errs, fmt.Errorf("node %s: port %s of %s, number %d, is left over", list.Node, p.PortName, name, p.OFPort))
			}
			delete(want, name)
			for _, ip := range p.IPs {
				if other := holder[ip]; other != "" {
					errs = append(errs, fmt.Errorf("%s and %s have the address %s", other, name, ip))
				}
				holder[ip] = name
			}
		}
	}
	if len(want) > 0 {
		errs = append(errs, fmt.Errorf("no port for %v", want))
	}
	return errors.Join(errs...)
}

// strangers counts packets that the bystander of a Node gets and that are not for it, for some time.
func (s *Scene) strangers(ctx context.Context, node string, length time.Duration) (int, error) {
	out, err := s.Antctl(ctx, cluster, "get", "podinterfaces", "--node", node, "-o", "json")
	if err != nil {
		return 0, err
	}
	var lists struct {
		Items []systemv1alpha1.PodInterfaceList
	}
	if err := json.Unmarshal([]byte(out), &lists); err != nil {
		return 0, err
	}
	bystander := s.bystanders[node]
	for _, list := range lists.Items {
		for _, p := range list.Items {
			if p.PodName == bystander.Name {
				out, err := s.Exec(ctx, node, "sh", "-c", fmt.Sprintf("timeout %d tcpdump -i %s -Q out -nn -l ip and not dst host %s 2>/dev/null; true",
					int(length.Seconds()), p.PortName, bystander.IP))
				return strings.Count(out, " IP "), err
			}
		}
	}
	return 0, fmt.Errorf("no port of %s", bystander)
}
