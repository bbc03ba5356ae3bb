package failover

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// Clusters and their gateways. The last gateway of each is never broken: Pods on it are ends of the streams, as are those of the
// ordinary Nodes, the masters.
var (
	Clusters = []string{"cl1", "cl2"}
	Gateways = map[string][]string{"cl1": {"cl1-node1", "cl1-node2", "cl1-node3"}, "cl2": {"cl2-node1", "cl2-node2"}}
	Victims  = map[string][]string{"cl1": {"cl1-node1", "cl1-node2"}, "cl2": {"cl2-node1"}}
)

// other is the cluster on the other side.
func other(cluster string) string {
	if cluster == "cl1" {
		return "cl2"
	}
	return "cl1"
}

// cluster is the one that a Node belongs to.
func cluster(node string) string { return node[:3] }

// address is that of a Node on the underlay, as lab.yaml has it.
func address(node string) string {
	net := map[string]string{"cl1": "192.168.150.", "cl2": "192.168.200."}[cluster(node)]
	number, err := strconv.Atoi(strings.TrimPrefix(node, cluster(node)+"-node"))
	if err != nil {
		number = 0 // the master
	}
	return net + strconv.Itoa(101+number)
}

// podsPerNode is how many Pods pods.yaml has on each Node.
const podsPerNode = 3

// Scene is the lab with everything installed and Pods on all Nodes.
type Scene struct {
	s1.Lab
	Say  func(format string, args ...any)
	Load Load
	pods map[string][podsPerNode]s1.Pod // by Node
	ways ways
}

// Play brings up the lab, forms the ClusterSet, makes the gateways and waits until all is well.
func (s *Scene) Play(ctx context.Context) error {
	start := time.Now()
	if err := s.Up(ctx, "test/failover/lab.yaml", func(string) {}); err != nil {
		return err
	}
	join := s.Out + "/join-config.yml"
	steps := [][]string{}
	kubectl := func(cluster string, line string) {
		steps = append(steps, append([]string{"kubectl", cluster}, strings.Fields(line)...))
	}
	antctl := func(cluster string, line string) {
		steps = append(steps, append([]string{"antctl", cluster}, strings.Fields(line)...))
	}
	for _, c := range Clusters {
		kubectl(c, "apply -f antrea-mc.yml")
	}
	antctl("cl1", "mc deploy leadercluster -n antrea-multicluster")
	for _, c := range Clusters {
		antctl(c, "mc deploy membercluster -n kube-system")
		kubectl(c, "-n kube-system rollout status daemonset/antrea-agent --timeout=180s")
		kubectl(c, "-n kube-system rollout status deployment/antrea-mc-controller --timeout=180s")
		kubectl(c, "-n kube-system rollout status deployment/antrea-controller --timeout=180s")
		kubectl(c, "apply -f test/failover/pods.yaml")
	}
	kubectl("cl1", "-n antrea-multicluster rollout status deployment/antrea-mc-controller --timeout=180s")
	antctl("cl1", "mc init --clusterset demo --clusterid one -n antrea-multicluster --create-token -j "+join)
	for i, c := range Clusters {
		antctl(c, "mc join --clusterid "+[]string{"one", "two"}[i]+" -n kube-system --config-file "+join)
		for _, g := range Gateways[c] {
			kubectl(c, "annotate node "+g+" multicluster.antrea.io/gateway=true")
		}
		for i := range podsPerNode {
			kubectl(c, fmt.Sprintf("-n demo rollout status daemonset/web-%d --timeout=180s", i))
		}
		kubectl(c, "wait --for=condition=Available apiservice/v1alpha1.system.antrea.io --timeout=120s")
	}
	for _, step := range steps {
		var err error
		if step[0] == "kubectl" {
			_, err = s.Kubectl(ctx, step[1], step[2:]...)
		} else {
			_, err = s.Antctl(ctx, step[1], step[2:]...)
		}
		if err != nil {
			return err
		}
	}
	s.Say("clusters are joined after %.1f s", time.Since(start).Seconds())
	return s.Adopt(ctx)
}

// Adopt takes up a lab that runs.
func (s *Scene) Adopt(ctx context.Context) error {
	if err := favor(s.Name); err != nil {
		s.Say("%v", err)
	}
	if err := s.findPods(ctx); err != nil {
		return err
	}
	took, err := s.Settle(ctx, 3*time.Minute)
	if err != nil {
		return err
	}
	s.Say("all gateways see each other, %.1f s later", took.Seconds())
	return s.survey(ctx)
}

// Translate has all gateways replace the source address of what they send to the other cluster, as a person would: by the
// ConfigMap, and a restart of the agents.
func (s *Scene) Translate(ctx context.Context) error {
	for _, c := range Clusters {
		conf, err := s.Kubectl(ctx, c, "-n", "kube-system", "get", "configmap", "antrea-config", "-o", `jsonpath={.data.antrea-agent\.conf}`)
		if err != nil {
			return err
		}
		patch, err := json.Marshal(map[string]any{"data": map[string]string{
			"antrea-agent.conf": strings.Replace(conf, "\nmulticluster:\n", "\nmulticluster:\n  sourceNAT: Always\n", 1),
		}})
		if err != nil {
			return err
		}
		for _, args := range [][]string{
			{"patch", "configmap", "antrea-config", "-p", string(patch)},
			{"rollout", "restart", "daemonset/antrea-agent"},
			{"rollout", "status", "daemonset/antrea-agent", "--timeout=300s"},
		} {
			if _, err := s.Kubectl(ctx, c, append([]string{"-n", "kube-system"}, args...)...); err != nil {
				return err
			}
		}
	}
	return s.Adopt(ctx)
}

func (s *Scene) findPods(ctx context.Context) error {
	for _, c := range Clusters {
		out, err := s.Kubectl(ctx, c, "get", "pods", "-n", "demo", "-l", "app=web", "-o", "json")
		if err != nil {
			return err
		}
		var list struct {
			Items []struct {
				Metadata struct {
					Name   string
					Labels struct{ Number string }
				}
				Spec   struct{ NodeName string }
				Status struct{ PodIP string }
			}
		}
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return fmt.Errorf("pods of %s: %w", c, err)
		}
		for _, i := range list.Items {
			p := s1.Pod{Cluster: c, Node: i.Spec.NodeName, Name: i.Metadata.Name}
			if i.Status.PodIP == "" {
				continue // on a Node that comes back
			}
			if err := p.IP.UnmarshalText([]byte(i.Status.PodIP)); err != nil {
				return fmt.Errorf("pod %s of %s: %w", p.Name, c, err)
			}
			number, err := strconv.Atoi(i.Metadata.Labels.Number)
			if err != nil || number < 0 || number >= podsPerNode {
				return fmt.Errorf("pod %s of %s has the number %q", p.Name, c, i.Metadata.Labels.Number)
			}
			pods := s.pods[p.Node]
			pods[number] = p
			s.pods[p.Node] = pods
		}
	}
	for _, stream := range Streams {
		for _, p := range s.pods[stream.To] {
			if !p.IP.IsValid() {
				return fmt.Errorf("not all Pods of node %s run: %v", stream.To, s.pods[stream.To])
			}
		}
	}
	return nil
}
