package s2

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// ControllerActs have antrea-controller tell agents what policies depend on, and then take it, and the API, away. They come after
// [Acts].
func ControllerActs(l s1.Lab, dir string) []s1.Act {
	file := func(name string) string { return dir + "/" + name }
	s := scenario{l}
	return []s1.Act{
		{Steps: []s1.Step{
			{Title: "have antrea-controller tell what policies depend on", Command: "kubectl -n kube-system patch configmap antrea-config --patch-file " + file("test/s2/controller.yaml")},
			{Command: "kubectl -n kube-system rollout restart daemonset/antrea-agent && kubectl -n kube-system rollout status daemonset/antrea-agent --timeout=180s"},
		}, Checks: append([]s1.Check{
			{Point: "S2.3", What: "controller: agents that hear it", Want: "3", Run: s.hear},
		}, PolicyChecks(l)...)},
		{Steps: []s1.Step{
			{Title: "without the controller", Command: "kubectl -n kube-system scale deployment/antrea-controller --replicas=0 && kubectl -n kube-system wait --for=delete pod -l component=antrea-controller --timeout=60s"},
		}, Checks: []s1.Check{
			{Point: "S2.3", What: "no controller: a new agent and an empty switch", Want: "policies from the copy on disk", Run: s.fromCopy},
			{Point: "S2.3", What: "no controller: frontend to backendsvc by name", Want: "backend1 backend2", Run: s.answers(s.pod("frontend"), "backendsvc", 80, 20, "backend1", "backend2")},
			{Point: "S2.3", What: "no controller: a third Pod to a backend", Want: "no answer", Run: s.silentPod(s.pod("other"), "backend1", 80)},
			{Point: "S2.3", What: "no API either, and a new agent", Want: "policies stay in force", Run: s.withoutAPI},
			{Point: "S2.3", What: "no controller for long: a new policy", Want: "in force", Run: s.withoutControllerForLong(file("test/s2/late.yaml"))},
		}},
		{Steps: []s1.Step{
			{Title: "with the controller again", Command: "kubectl -n kube-system scale deployment/antrea-controller --replicas=1 && kubectl -n kube-system rollout status deployment/antrea-controller --timeout=120s"},
			{Command: "kubectl delete networkpolicy late"},
		}, Checks: []s1.Check{
			{Point: "S2.3", What: "controller back: agents that hear it", Want: "3", Run: s.hear},
			{Point: "S2.3", What: "controller back: the policy is gone", Want: "frontend", Run: eventually(s.answersPod(s.pod("other"), "frontend"))},
		}},
	}
}

// eventually runs a check until it holds, for up to a minute and a half.
func eventually(run func(context.Context) (string, error)) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
		defer cancel()
		for {
			got, err := run(ctx)
			if err == nil {
				return got, nil
			}
			select {
			case <-ctx.Done():
				return got, err
			case <-time.After(500 * time.Millisecond):
			}
		}
	}
}

// hear wants all agents to hear the controller.
func (s scenario) hear(ctx context.Context) (string, error) {
	return eventually(func(ctx context.Context) (string, error) {
		out, err := s.Antctl(ctx, Cluster, "get", "agentinfos", "-o", "yaml")
		if err != nil {
			return out, err
		}
		heard := 0
		for _, condition := range strings.Split(out, "- ") {
			if strings.Contains(condition, "type: ControllerConnectionUp") && strings.Contains(condition, `status: "True"`) {
				heard++
			}
		}
		if heard != 3 {
			return "", fmt.Errorf("%d agents hear the controller", heard)
		}
		return "3", nil
	})(ctx)
}

const worker = "worker-01"

// newAgent ends the agent of a worker, goes on with a shell line, and waits for another one.
func (s scenario) newAgent(ctx context.Context, then string) error {
	before, err := s.Exec(ctx, worker, "pgrep", "-x", "antrea-agent")
	if err != nil {
		return err
	}
	if _, err := s.Exec(ctx, worker, "bash", "-c", "kill -KILL "+strings.TrimSpace(before)+then); err != nil {
		return err
	}
	_, err = eventually(func(ctx context.Context) (string, error) {
		now, err := s.Exec(ctx, worker, "pgrep", "-x", "antrea-agent")
		if err == nil && now == before {
			err = fmt.Errorf("process %s is still there", strings.TrimSpace(now))
		}
		return now, err
	})(ctx)
	return err
}

// standsIn wants the running agent to have begun to watch the whole cluster, or not to have.
func (s scenario) standsIn(ctx context.Context, want bool) error {
	out, err := s.Exec(ctx, worker, "bash", "-c",
		"cat $(ls -t /var/log/pods/kube-system_antrea-agent*/antrea-agent/*.log | head -1) | grep -c 'watching the whole cluster' || true")
	if err == nil && (strings.TrimSpace(out) != "0") != want {
		err = fmt.Errorf("the agent has said %s times that it watches the whole cluster", strings.TrimSpace(out))
	}
	return err
}

// fromCopy starts an agent with an empty switch.
func (s scenario) fromCopy(ctx context.Context) (string, error) {
	if err := s.newAgent(ctx, "; ovs-ofctl del-flows br-int"); err != nil {
		return "", err
	}
	_, err := eventually(func(ctx context.Context) (string, error) {
		out, err := s.Exec(ctx, worker, "ovs-ofctl", "dump-flows", "br-int", "table=26")
		if err == nil && !strings.Contains(out, "conjunction(") {
			err = fmt.Errorf("no rules in %s", out)
		}
		return out, err
	})(ctx)
	if err == nil {
		err = s.standsIn(ctx, false)
	}
	return "policies from the copy on disk", err
}

// inside runs a shell line in the network of a Pod on the worker, without asking the API.
func (s scenario) inside(name string) runner {
	const script = `for p in $(pgrep -x probe); do [ "$(nsenter -t $p -u hostname)" = "$0" ] && exec nsenter -t $p -n bash -c "$1"; done; exit 1`
	return func(ctx context.Context, line string) (string, error) {
		return s.Exec(ctx, worker, "bash", "-c", script, name, line)
	}
}

// withoutAPI stops the API server, starts another agent and tries what policies allow and what they do not.
func (s scenario) withoutAPI(ctx context.Context) (_ string, err error) {
	backend, err := s.podIP(ctx, "backend2")
	if err != nil {
		return "", err
	}
	if _, err := s.Tool(ctx, "kill", "s2-master", "apiserver", "-s", "STOP"); err != nil {
		return "", err
	}
	defer func() {
		if _, again := s.Tool(ctx, "kill", "s2-master", "apiserver", "-s", "CONT"); err == nil {
			err = again
		}
	}()
	if err := s.newAgent(ctx, ""); err != nil {
		return "", err
	}
	if got, err := s.answers(s.inside("frontend"), backend, 80, 5, "backend2")(ctx); err != nil {
		return got, err
	}
	if got, err := s.silent(s.inside("frontend"), backend, 81)(ctx); err != nil {
		return got, err
	}
	if got, err := s.silent(s.inside("backend1"), backend, 80)(ctx); err != nil {
		return got, err
	}
	return "policies stay in force", nil
}

// withoutControllerForLong waits until the agent watches the cluster itself, and makes a policy.
func (s scenario) withoutControllerForLong(policy string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		if _, err := eventually(func(ctx context.Context) (string, error) { return "", s.standsIn(ctx, true) })(ctx); err != nil {
			return "", err
		}
		if out, err := s.Shell(ctx, "kubectl apply -f "+policy); err != nil {
			return out, err
		}
		_, err := eventually(s.silentPod(s.pod("other"), "frontend", 80))(ctx)
		return "in force", err
	}
}
