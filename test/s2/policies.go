package s2

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// policySteps put the policies in force.
func policySteps(file func(string) string) []s1.Step {
	return []s1.Step{
		{Title: "network policies", Command: "kubectl apply -f " + file("test/s2/policies.yaml")},
		{Command: "kubectl wait --for=condition=Ready pod/other --timeout=120s && kubectl get networkpolicies"},
	}
}

// PolicyChecks are what must be true once the policies are in force.
func PolicyChecks(l s1.Lab) []s1.Check {
	s := scenario{l}
	frontend, backend1, backend2, other := s.pod("frontend"), s.pod("backend1"), s.pod("backend2"), s.pod("other")
	master := s.node("s2-master")
	return []s1.Check{
		{Point: "S2.3", What: "policies: frontend to backendsvc by name, 20 times", Want: "backend1 backend2", Run: s.answers(frontend, "backendsvc", 80, 20, "backend1", "backend2")},
		{Point: "S2.3", What: "policies: frontend to another port of a backend", Want: "no answer", Run: s.silentPod(frontend, "backend2", 81)},
		{Point: "S2.3", What: "policies: frontend to a Pod that is no backend", Want: "no answer", Run: s.silentPod(frontend, "other", 80)},
		{Point: "S2.3", What: "policies: frontend to DNS by TCP", Want: "no answer", Run: s.silentService(frontend, "-n kube-system kube-dns", 53)},
		{Point: "S2.3", What: "policies: backend1 to frontend", Want: "no answer", Run: s.silentPod(backend1, "frontend", 80)},
		{Point: "S2.3", What: "policies: backend2 to backend1", Want: "no answer", Run: s.silentPod(backend2, "backend1", 80)},
		{Point: "S2.3", What: "policies: a third Pod to a backend", Want: "no answer", Run: s.silentPod(other, "backend1", 80)},
		{Point: "S2.3", What: "policies: a third Pod to backendsvc", Want: "no answer", Run: s.silentService(other, "backendsvc", 80)},
		{Point: "S2.3", What: "policies: a third Pod to frontend", Want: "frontend", Run: s.answersPod(other, "frontend")},
		{Point: "S2.3", What: "policies: another Node to a backend by NodePort", Want: "no answer", Run: s.silent(master, "192.168.77.102", 30080)},
		{Point: "S2.3", What: "policies: the Node of a backend to it", Want: "backend1", Run: s.answersPod(s.node("worker-01"), "backend1")},
		{Point: "S2.3", What: "antctl query networkpolicy, backend1 to frontend", Want: "denied by backendpolicy", Run: s.query},
	}
}

func (s scenario) podIP(ctx context.Context, name string) (string, error) {
	return s.Kubectl(ctx, Cluster, "get", "pod", name, "-o", "jsonpath={.status.podIP}")
}

// patience is how often a connection is tried that should get no answer: the policies have only just been made.
const patience = 10

// silent wants a connection to get no answer at all.
func (s scenario) silent(from runner, host string, port int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		var out string
		for range patience {
			var err error
			if out, err = from(ctx, fmt.Sprintf(strings.Replace(connect, "timeout 10", "timeout 2", 1), host, port)); err != nil {
				return out, err
			}
			if strings.Contains(out, "status 124") { // of timeout
				return "no answer", nil
			}
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
		return out, fmt.Errorf("there is an answer: %s", out)
	}
}

func (s scenario) silentPod(from runner, pod string, port int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ip, err := s.podIP(ctx, pod)
		if err != nil {
			return "", err
		}
		return s.silent(from, ip, port)(ctx)
	}
}

// silentService is silent for a Service, which may be given with its Namespace as kubectl takes it.
func (s scenario) silentService(from runner, service string, port int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		args := append([]string{"get", "service", "-o", "jsonpath={.spec.clusterIP}"}, strings.Fields(service)...)
		ip, err := s.Kubectl(ctx, Cluster, args...)
		if err != nil {
			return "", err
		}
		return s.silent(from, ip, port)(ctx)
	}
}

// answersPod wants a Pod to answer at its own address.
func (s scenario) answersPod(from runner, pod string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ip, err := s.podIP(ctx, pod)
		if err != nil {
			return "", err
		}
		return s.answers(from, ip, 80, 3, pod)(ctx)
	}
}

// query asks the same of the engine.
func (s scenario) query(ctx context.Context) (string, error) {
	out, err := s.Antctl(ctx, Cluster, "query", "networkpolicy", "--from", "default/backend1", "--to", "default/frontend", "--port", "80")
	if err == nil && (!strings.HasPrefix(out, "denied") || !strings.Contains(out, "default/backendpolicy")) {
		err = fmt.Errorf("it says %s", out)
	}
	return "denied by backendpolicy", err
}
