// Package s2 is scenario S2: one cluster, and what its Nodes look like. Its Services are done by the switch; there is no
// kube-proxy.
//
// Start at [Acts]: each is commands that a person types, and checks of what must then be true, against a lab of package s1. The
// first is about Services (s2.go), the second about network policies (policies.go); [ControllerActs] have the controller tell agents about
// policies, and take it away (controller.go). make demo-cluster prints all of it, and the test
// asserts the same checks.
package s2

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// Cluster is the name of the cluster in the lab's description, Description the file that has it.
const (
	Cluster     = "s2"
	Description = "test/s2/lab.yaml"
)

// Open is a lab of that name, run by the programs in bin, with files in out.
func Open(name string) (s1.Lab, error) {
	out, err := filepath.Abs("out")
	return s1.Lab{Bin: "bin", Name: name, Out: out, Clusters: []string{Cluster}}, err
}

// Acts are the parts in their order. dir is the repository.
func Acts(l s1.Lab, dir string) []s1.Act {
	file := func(name string) string { return filepath.Join(dir, name) }
	return []s1.Act{{Steps: serviceSteps(file), Checks: ServiceChecks(l)}, {Steps: policySteps(file), Checks: PolicyChecks(l)}}
}

// Install is how the CNI comes into a cluster without kube-proxy.
func Install(file func(string) string) []s1.Step {
	return []s1.Step{
		{Title: "install the CNI", Command: "kubectl apply -f " + file("antrea-mc.yml")},
		{Title: "have it do the Services", Command: "kubectl -n kube-system patch configmap antrea-config --patch-file " + file("test/s2/config.yaml")},
		{Command: "kubectl -n kube-system rollout restart daemonset/antrea-agent"},
		{Command: "kubectl -n kube-system rollout status daemonset/antrea-agent --timeout=180s && kubectl wait --for=condition=Ready node --all --timeout=120s"},
		{Title: "DNS needs the Service of the API, and is one", Command: "kubectl -n kube-system rollout status deployment/coredns --timeout=180s"},
	}
}

// serviceSteps install the CNI and start the Pods of the scenario.
func serviceSteps(file func(string) string) []s1.Step {
	return append(Install(file), []s1.Step{
		{Title: "Pods and Services", Command: "kubectl apply -f " + file("test/s2/pods.yaml")},
		{Command: "kubectl wait --for=condition=Ready pod --all --timeout=120s && kubectl get pods,services -o wide"},
	}...)
}

// scenario is what the checks need to know of a lab.
type scenario struct{ s1.Lab }

// ServiceChecks are what must be true of Services, in an order in which each leaves what the next needs.
func ServiceChecks(l s1.Lab) []s1.Check {
	s := scenario{l}
	frontend, worker, master := s.pod("frontend"), s.node("worker-02"), s.node("s2-master")
	const first, second = "192.168.77.102", "192.168.77.103"
	return []s1.Check{
		{Point: "S2.1", What: "route to the other Node's Pods", Want: "via its first address", Run: s.contains("worker-01", "10.211.2.0/24 via 10.211.2.1 dev antrea-gw0", "ip", "route")},
		{Point: "S2.2", What: "ovs-vsctl show has antrea-tun0", Want: "geneve", Run: s.contains("worker-01", `options: {csum="true", key=flow, remote_ip=flow}`, "ovs-vsctl", "show")},
		{Point: "S2.3", What: "every Node is told of the endpoints", Want: "all", Run: s.told},
		{Point: "S2.3", What: "Pod to backendsvc by name, 20 times", Want: "backend1 backend2", Run: s.answers(frontend, "backendsvc", 80, 20, "backend1", "backend2")},
		{Point: "S2.3", What: "Node to backendsvc", Want: "backend1 backend2", Run: s.answersOf(worker, "backendsvc", 20, "backend1", "backend2")},
		{Point: "S2.3", What: "Pod to itself by its Service", Want: "frontend", Run: s.answers(frontend, "itself", 80, 5, "frontend")},
		{Point: "S2.3", What: "Pod to a Service that remembers its clients, 12 times", Want: "one backend", Run: s.sticky(frontend)},
		{Point: "S2.3", What: "NodePort of worker-01 from another Node", Want: "backend1 backend2", Run: s.answers(master, first, 30080, 20, "backend1", "backend2")},
		{Point: "S2.3", What: "NodePort of worker-01 from itself", Want: "backend1 backend2", Run: s.answers(s.node("worker-01"), first, 30080, 20, "backend1", "backend2")},
		{Point: "S2.3", What: "NodePort, Local, of worker-01: its backend alone, which sees the client", Want: "backend1 192.168.77.101", Run: s.source(master, first, 30081, "backend1 192.168.77.101")},
		{Point: "S2.3", What: "NodePort, Local, of worker-02", Want: "backend2 192.168.77.101", Run: s.source(master, second, 30081, "backend2 192.168.77.101")},
		{Point: "S2.3", What: "Pod to a Service without endpoints, TCP and UDP", Want: "refused", Run: s.refused(frontend)},
		{Point: "S2.3", What: "Node to a Service without endpoints, TCP and UDP", Want: "refused", Run: s.refused(worker)},
		{Point: "S2.3", What: "NodePort without endpoints", Want: "refused", Run: s.refusedAt(master, first, 30082)},
		{Point: "S2.3", What: "Pod to a port that a Service has not", Want: "refused", Run: s.refusedPort(frontend)},
		{Point: "S2.4", What: "antctl version", Want: "client and controller", Run: s.version},
	}
}

// runner runs a shell line somewhere.
type runner func(ctx context.Context, line string) (string, error)

func (s scenario) pod(name string) runner {
	return func(ctx context.Context, line string) (string, error) {
		return s.Kubectl(ctx, Cluster, "exec", name, "--", "bash", "-c", line)
	}
}

func (s scenario) node(name string) runner {
	return func(ctx context.Context, line string) (string, error) { return s.Exec(ctx, name, "bash", "-c", line) }
}

func (s scenario) contains(node, want string, command ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := s.Exec(ctx, node, command...)
		if err == nil && !strings.Contains(out, want) {
			err = fmt.Errorf("no %q in\n%s", want, out)
		}
		return want, err
	}
}

func (s scenario) clusterIP(ctx context.Context, service string) (string, error) {
	return s.Kubectl(ctx, Cluster, "get", "service", service, "-o", "jsonpath={.spec.clusterIP}")
}

// ask has a server asked who it is, some times, and returns its answers: name and the client's address, without port.
func ask(ctx context.Context, from runner, host string, port, times int) ([]string, error) {
	out, err := from(ctx, fmt.Sprintf("for i in $(seq %d); do exec 3<>/dev/tcp/%s/%d || exit 1; echo ping >&3; head -1 <&3; exec 3>&-; done", times, host, port))
	var answers []string
	for line := range strings.Lines(out) {
		answer, _, _ := strings.Cut(line, ":")
		answers = append(answers, answer)
	}
	return answers, err
}

// told waits until every Node knows of the endpoints: Kubernetes says that a Pod is ready before all Nodes have heard of it.
func (s scenario) told(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ip, err := s.clusterIP(ctx, "backendsvc")
	if err != nil {
		return "", err
	}
	for _, way := range []struct {
		from, to string
		port     int
	}{
		{"s2-master", ip, 80}, {"worker-01", ip, 80}, {"worker-02", ip, 80}, {"worker-01", "192.168.77.102", 30080},
		{"s2-master", "192.168.77.102", 30080}, {"s2-master", "192.168.77.102", 30081}, {"s2-master", "192.168.77.103", 30081},
	} {
		for {
			_, err := ask(ctx, s.node(way.from), way.to, way.port, 1)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return "", fmt.Errorf("%s to %s:%d: %w", way.from, way.to, way.port, err)
			}
		}
	}
	return "all", nil
}

// distinct are the first words of lines, each once.
func distinct(lines []string) map[string]bool {
	names := make(map[string]bool)
	for _, line := range lines {
		name, _, _ := strings.Cut(line, " ")
		names[name] = true
	}
	return names
}

func (s scenario) answers(from runner, host string, port, times int, servers ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		lines, err := ask(ctx, from, host, port, times)
		names := distinct(lines)
		for _, server := range servers {
			if err == nil && (!names[server] || len(names) != len(servers)) {
				err = fmt.Errorf("answers came from %v", names)
			}
		}
		return strings.Join(servers, " "), err
	}
}

// answersOf is answers by the cluster IP, for those who cannot ask for the name.
func (s scenario) answersOf(from runner, service string, times int, servers ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ip, err := s.clusterIP(ctx, service)
		if err != nil {
			return "", err
		}
		return s.answers(from, ip, 80, times, servers...)(ctx)
	}
}

func (s scenario) sticky(from runner) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		lines, err := ask(ctx, from, "backendsticky", 80, 12)
		if names := distinct(lines); err == nil && len(names) != 1 {
			err = fmt.Errorf("answers came from %v", names)
		}
		return "one backend", err
	}
}

// source wants every answer to be that one.
func (s scenario) source(from runner, host string, port int, want string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		lines, err := ask(ctx, from, host, port, 6)
		for _, line := range lines {
			if line != want {
				return line, fmt.Errorf("the answer is %q", line)
			}
		}
		return want, err
	}
}

// connect tries TCP and fails unless it is refused; timeout is what it prints if there is no answer.
const connect = `timeout 10 bash -c 'exec 3<>/dev/tcp/%s/%d' 2>&1 && echo connected || echo "status $?"`

func (s scenario) refusedAt(from runner, host string, port int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := from(ctx, fmt.Sprintf(connect, host, port))
		if err == nil && !strings.Contains(out, "Connection refused") {
			err = fmt.Errorf("not refused: %s", out)
		}
		return "refused", err
	}
}

func (s scenario) refusedPort(from runner) func(context.Context) (string, error) {
	return s.refusedAt(from, "backendsvc", 81)
}

// refused asks a Service without endpoints by TCP, and by UDP until the kernel tells that nobody is there; to a process of the Node
// itself it says that it may not send.
func (s scenario) refused(from runner) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ip, err := s.clusterIP(ctx, "nobody")
		if err != nil {
			return "", err
		}
		if out, err := s.refusedAt(from, ip, 80)(ctx); err != nil {
			return out, err
		}
		out, err := from(ctx, fmt.Sprintf("exec 3<>/dev/udp/%s/80; for i in $(seq 20); do echo x >&3 || break; sleep 0.5; done 2>&1", ip))
		if err == nil && !strings.Contains(out, "Connection refused") && !strings.Contains(out, "Operation not permitted") {
			err = fmt.Errorf("not refused: %s", out)
		}
		return "refused", err
	}
}

func (s scenario) version(ctx context.Context) (string, error) {
	out, err := s.Antctl(ctx, Cluster, "version")
	if err == nil && (!strings.Contains(out, "antctlVersion") || !strings.Contains(out, "controllerVersion")) {
		err = fmt.Errorf("antctl version prints %s", out)
	}
	return "client and controller", err
}
