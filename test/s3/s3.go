// Package s3 is scenario S3: Pods with a second network, in a cluster of two Nodes.
//
// Start at [Acts]: each is commands that a person types, and checks of what must then be true, against a lab of package s1. make
// demo-multus prints all of it, and the test asserts the same checks.
package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// Names of NetworkAttachmentDefinitions.
const macvlan, segment = "macvlan-conf", "segment"

// cluster is the name of the cluster in the lab's description.
const cluster = "cl1"

// Description is the file that describes the lab.
const Description = "test/s3/lab.yaml"

// Open is a lab of that name, run by the programs in bin, with files in out.
func Open(name string) (s1.Lab, error) {
	out, err := filepath.Abs("out")
	return s1.Lab{Bin: "bin", Name: name, Out: out, Clusters: []string{cluster}}, err
}

// Acts are the parts in their order. dir is the repository.
func Acts(l s1.Lab, dir string) []s1.Act {
	s := scenario{l}
	tool, install := "antrea-lab --lab "+l.Name, install(l.Name, dir)
	file := func(name string) string { return filepath.Join(dir, name) }
	start := func(pods ...string) string {
		apply, wait := "kubectl apply", "kubectl wait --for=condition=Ready --timeout=180s"
		for _, pod := range pods {
			apply += " -f " + file("test/s3/"+pod+".yaml")
			wait += " pod/" + pod
		}
		return apply + " && " + wait
	}
	return []s1.Act{
		{
			Steps: []s1.Step{
				{Title: "macvlan, as the packages of a Node have it", Command: install[0]},
				{Title: "install the network with its segments, whereabouts and multus", Command: install[1]},
				{Command: install[2]},
				{Command: install[3]},
				{Title: "a macvlan network on the underlay", Command: "cat " + file("test/s3/network.yaml") + " && kubectl apply -f " + file("test/s3/network.yaml")},
				{Title: "pod0 and pod1 on one Node, one after the other", Command: start("pod0") + " && " + start("pod1")},
				{Title: "pod2 on the other", Command: start("pod2")},
				{Command: "kubectl get pods -o wide"},
				{Title: "what pod0 has", Command: "kubectl exec pod0 -- ip -brief addr"},
				{Command: `kubectl get pod pod0 -o jsonpath='{.metadata.annotations.k8s\.v1\.cni\.cncf\.io/network-status}'`},
				{Title: "it reaches the others over net1", Command: "kubectl exec pod0 -- ping -c 2 192.168.20.11 && kubectl exec pod0 -- ping -c 2 192.168.20.12"},
				{Title: "who has what", Command: "kubectl -n kube-system get ippools,overlappingrangeipreservations"},
			},
			Checks: []s1.Check{
				is("S3.3", "addresses, lowest first over both Nodes", "192.168.20.10 192.168.20.11 192.168.20.12", s.addresses(macvlan, "pod0", "pod1", "pod2")),
				is("S3.3", "interfaces of pod0", "lo eth0 net1", s.interfaces("pod0")),
				is("S3.4", "pod0 to pod1 over net1", "5 of 5 answered, ttl=64", s.ping("pod0", "192.168.20.11")),
				is("S3.4", "pod0 to pod2 over net1", "5 of 5 answered, ttl=64", s.ping("pod0", "192.168.20.12")),
				is("S3.4", "pod0 to the eth0 of pod2", "5 of 5 answered", s.pingEth0("pod0", "pod2")),
			},
		}, {
			Steps: []s1.Step{
				{Title: "a Pod that goes frees its address", Command: "kubectl delete pod pod1"},
				{Title: "pod3 gets it, on the other Node", Command: start("pod3")},
			},
			Checks: []s1.Check{is("S3.4", "address of pod3", "192.168.20.11", s.addresses(macvlan, "pod3"))},
		}, {
			Steps: []s1.Step{
				{Title: "a segment of Open vSwitch, over the tunnel between the Nodes", Command: "cat " + file("test/s3/segment.yaml") + " && kubectl apply -f " + file("test/s3/segment.yaml")},
				{Title: "pod4 on one Node, then pod5 on the other", Command: start("pod4") + " && " + start("pod5")},
				{Command: "kubectl exec pod4 -- ip -brief addr"},
			},
			Checks: []s1.Check{
				is("S3.3", "addresses in the segment", "192.168.30.1 192.168.30.2", s.addresses(segment, "pod4", "pod5")),
				is("S3.4", "pod4 to pod5 over the segment", "5 of 5 answered, ttl=64", s.until("5 of 5 answered, ttl=64", s.ping("pod4", "192.168.30.2"))),
				is("S3.4", "pod5 to pod4 over the segment", "5 of 5 answered, ttl=64", s.ping("pod5", "192.168.30.1")),
				is("S3.4", "port of net1 of pod4 on br-int", "1", s.ports("cl1-master", "pod4")),
			},
		}, {
			Steps: []s1.Step{
				{Title: "cl1-node1 loses its power and is deleted: its Pods' addresses are free", Command: tool + " kill cl1-node1 node && kubectl delete node cl1-node1"},
				{Command: "kubectl delete pod pod2 pod3 pod5 --force --ignore-not-found"},
			},
			Checks: []s1.Check{
				is("S3.4", "addresses in use", "192.168.20.10", s.until("192.168.20.10", s.used("192.168.20."))),
				is("S3.4", "addresses in use in the segment", "192.168.30.1", s.until("192.168.30.1", s.used("192.168.30."))),
			},
		},
	}
}

// install are the commands that install everything in a lab.
func install(lab, dir string) []string {
	file := func(name string) string { return filepath.Join(dir, name) }
	return []string{
		"for n in cl1-master cl1-node1; do antrea-lab --lab " + lab + " exec $n -- cp /usr/lib/cni/macvlan /opt/cni/bin/ || exit 1; done",
		"sed 's/^      Multicluster: true/&\\n      SecondaryNetwork: true/' " + file("antrea-mc.yml") +
			" | kubectl apply -f - -f " + file("antrea-mc-whereabouts.yml") + " -f " + file("antrea-mc-multus.yml"),
		"for d in antrea-agent whereabouts multus; do kubectl -n kube-system rollout status daemonset/$d --timeout=300s || exit 1; done",
		"kubectl wait --for=condition=Ready node --all --timeout=120s",
	}
}

// is wants an answer to be exactly that.
func is(point, what, want string, ask func(context.Context) (string, error)) s1.Check {
	return s1.Check{Point: point, What: what, Want: want, Run: func(ctx context.Context) (string, error) {
		got, err := ask(ctx)
		if err == nil && got != want {
			err = fmt.Errorf("it is %s", got)
		}
		return got, err
	}}
}

// scenario is what the checks need to know of a lab.
type scenario struct{ s1.Lab }

// attached is an interface of a Pod's status.
type attached struct {
	Name      string         `json:"name"`
	Interface string         `json:"interface"`
	IPs       []string       `json:"ips"`
	MAC       string         `json:"mac"`
	Default   bool           `json:"default"`
	DNS       map[string]any `json:"dns"`
}

// addresses are those that the Pods' status says for net1, which has to be of that network.
func (s scenario) addresses(network string, pods ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var all []string
		for _, pod := range pods {
			text, err := s.Kubectl(ctx, cluster, "get", "pod", pod, "-o", `jsonpath={.metadata.annotations.k8s\.v1\.cni\.cncf\.io/network-status}`)
			if err != nil {
				return "", err
			}
			var have []attached
			if err := json.Unmarshal([]byte(text), &have); err != nil {
				return "", fmt.Errorf("status of %s: %w in %s", pod, err, text)
			}
			if len(have) != 2 || have[0].Interface != "eth0" || !have[0].Default || have[1].Name != "default/"+network || have[1].Interface != "net1" || have[1].Default {
				return "", fmt.Errorf("status of %s is %s", pod, text)
			}
			for _, a := range have {
				if len(a.IPs) != 1 || a.MAC == "" || a.DNS == nil {
					return "", fmt.Errorf("status of %s is %s", pod, text)
				}
			}
			all = append(all, have[1].IPs...)
		}
		return strings.Join(all, " "), nil
	}
}

func (s scenario) interfaces(pod string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := s.Kubectl(ctx, cluster, "exec", pod, "--", "ip", "-brief", "link")
		var names []string
		for line := range strings.Lines(out) {
			name, _, _ := strings.Cut(strings.Fields(line)[0], "@")
			names = append(names, name)
		}
		return strings.Join(names, " "), err
	}
}

// ping is the answers that a Pod gets, and their time to live: 64 is that of a neighbour.
func (s scenario) ping(from, to string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := s.Kubectl(ctx, cluster, "exec", from, "--", "ping", "-c", "5", "-i", "0.2", to)
		if err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
		p, err := s1.ParsePing(out)
		if err != nil {
			return "", err
		}
		text := fmt.Sprintf("%d of %d answered", p.Received, p.Sent)
		if p.OnlyTTL(64) {
			text += ", ttl=64"
		}
		return text, nil
	}
}

func (s scenario) pingEth0(from, to string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ip, err := s.Kubectl(ctx, cluster, "get", "pod", to, "-o", "jsonpath={.status.podIP}")
		if err != nil {
			return "", err
		}
		return s.ping(from, ip)(ctx)
	}
}

// ports is how many interfaces net1 of a Pod there are in OVS.
func (s scenario) ports(node, pod string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := s.Exec(ctx, node, "ovs-vsctl", "--bare", "--columns=name", "find", "port", "external_ids:pod-name="+pod, "external_ids:if-name=net1")
		return fmt.Sprint(len(strings.Fields(out))), err
	}
}

// used are the addresses that the pool of a /24 has, whose addresses begin so.
func (s scenario) used(prefix string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		text, err := s.Kubectl(ctx, cluster, "-n", "kube-system", "get", "ippool", prefix+"0-24", "-o", "json")
		if err != nil {
			return "", err
		}
		var pool struct {
			Spec struct{ Allocations map[string]any }
		}
		if err := json.Unmarshal([]byte(text), &pool); err != nil {
			return "", err
		}
		var all []string
		for offset := range pool.Spec.Allocations {
			all = append(all, prefix+offset)
		}
		slices.Sort(all)
		return strings.Join(all, " "), nil
	}
}

// until asks again until the answer is right, for as long as an audit of the addresses may take.
func (s scenario) until(want string, ask func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		for end := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
			got, err := ask(ctx)
			if err == nil && got == want || time.Now().After(end) || ctx.Err() != nil {
				return got, err
			}
		}
	}
}
