package s1

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Figure is something that was measured and is only printed.
type Figure struct{ What, Value string }

// Play types all steps, shows each with its output, and measures on the way: how long each join takes, and how long it
// is from the annotation of the last gateway to the first answer.
func (l Lab) Play(ctx context.Context, show func(Step, string)) ([]Figure, error) {
	manifest, err := filepath.Abs("antrea-mc.yml")
	if err != nil {
		return nil, err
	}
	pods, err := filepath.Abs("test/s1/pods.yaml")
	if err != nil {
		return nil, err
	}
	var figures []Figure
	config, err := filepath.Abs("test/s1/config.yaml")
	if err != nil {
		return nil, err
	}
	for _, s := range Steps(manifest, config, pods) {
		start := time.Now()
		if strings.Contains(s.Command, " annotate node "+GatewayNode("cl3")) {
			took, err := l.converge(ctx, s, show)
			if err != nil {
				return nil, err
			}
			figures = append(figures, took...)
			continue
		}
		out, err := l.Shell(ctx, s.Command)
		show(s, out)
		if err != nil {
			return nil, err
		}
		if strings.Contains(s.Command, " mc join ") {
			figures = append(figures, Figure{s.Title + ": mc join, until the leader has published its addresses", time.Since(start).Round(time.Millisecond).String()})
		}
	}
	return figures, l.settle(ctx)
}

// converge types the step that makes the third cluster's gateway while a Pod of the first asks one of the third every 10 ms, and
// tells how long it is from the start of the command until the first answer, and how much of that is the command.
func (l Lab) converge(ctx context.Context, s Step, show func(Step, string)) ([]Figure, error) {
	pods, err := l.Pods(ctx)
	if err != nil {
		return nil, err
	}
	from, to := PodOn(pods, "cl1-node2"), PodOn(pods, "cl3-node2")
	type answer struct {
		out string
		err error
	}
	answered := make(chan answer, 1)
	begin := time.Now()
	go func() {
		out, err := l.Pod(ctx, from, "bash", "-c", fmt.Sprintf("ping -n -D -i 0.01 -c 1000000 -w 60 %s | grep -m 1 'bytes from'", to.IP))
		answered <- answer{out, err}
	}()
	time.Sleep(time.Second) // kubectl exec
	out, err := l.Shell(ctx, "date +%s%N; "+s.Command+" && date +%s%N")
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	show(s, strings.Join(lines[1:len(lines)-1], "\n"))
	start, err1 := strconv.ParseInt(lines[0], 10, 64)
	end, err2 := strconv.ParseInt(lines[len(lines)-1], 10, 64)
	first := <-answered
	m := stamp.FindStringSubmatch(first.out)
	switch {
	case errors.Join(err1, err2) != nil:
		return nil, fmt.Errorf("date: %w", errors.Join(err1, err2))
	case first.err != nil:
		return nil, fmt.Errorf("%s does not reach %s: %w", from, to, first.err)
	case m == nil:
		return nil, fmt.Errorf("no time in %q", first.out)
	}
	seconds, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, err
	}
	through := time.UnixMicro(int64(seconds * 1e6))
	if took := through.Sub(time.Unix(0, start)); took > 0 && time.Unix(0, start).After(begin) {
		return []Figure{{"annotating cl3's gateway, until cl1-node2 reaches cl3-node2; the command itself",
			took.Round(time.Millisecond).String() + "; " + time.Duration(end-start).Round(time.Millisecond).String()}}, nil
	}
	return nil, fmt.Errorf("%s reached %s before cl3 had a gateway", from, to)
}

// stamp is the time that ping -D prints before an answer.
var stamp = regexp.MustCompile(`^\[(\d+\.\d+)\]`)

// Rejoin has cl3 leave and join again, and tells how long it is from typing the join until its Pods are reached.
func (l Lab) Rejoin(ctx context.Context) ([]Figure, error) {
	const gone = "for i in $(seq 100); do ovs-ofctl dump-flows br-int | grep -q nw_dst=10.244.32.0/20 || exit 0; sleep 0.1; done; exit 1"
	if _, err := l.Shell(ctx, "antctl --context cl3 mc leave -n kube-system --clusterset demo-clusterset"); err != nil {
		return nil, err
	}
	if _, err := l.Exec(ctx, "cl1-node1", "bash", "-c", gone); err != nil {
		return nil, fmt.Errorf("cl3 has left and cl1-node1 still has flows for it: %w", err)
	}
	start := time.Now()
	if _, err := l.Shell(ctx, "antctl --context cl3 mc join --clusterid "+ClusterIDs["cl3"]+" -n kube-system --config-file join-config.yml"); err != nil {
		return nil, err
	}
	if err := l.reach(ctx, "cl1-node2", "cl3-node2"); err != nil {
		return nil, err
	}
	took := time.Since(start).Round(time.Millisecond).String()
	return []Figure{{"cl3 joins again, until cl1-node2 reaches cl3-node2", took}}, l.settle(ctx)
}

// settle waits until the clusters reach each other; how well they do is what the checks are for.
func (l Lab) settle(ctx context.Context) error {
	for _, pair := range [][2]string{{"cl1-node2", "cl2-node2"}, {"cl2-node2", "cl3-node2"}, {"cl3-node2", "cl1-node2"}} {
		if err := l.reach(ctx, pair[0], pair[1]); err != nil {
			return err
		}
	}
	return nil
}

// reach waits until the Pod on one Node gets an answer from the Pod on another.
func (l Lab) reach(ctx context.Context, from, to string) error {
	pods, err := l.Pods(ctx)
	if err != nil {
		return err
	}
	return l.Reachable(ctx, PodOn(pods, from), PodOn(pods, to).IP, time.Minute)
}

// Result is the outcome of a Check.
type Result struct {
	Check
	Got string
	Err error
}

// Line is the result as a row of the demo's table.
func (r Result) Line() string {
	mark := "ok  "
	if r.Err != nil {
		mark = "FAIL"
	}
	return fmt.Sprintf("  %s  %-5s %-75s %s", mark, r.Point, r.What, r.Got)
}

// RunAll runs checks one after the other.
func RunAll(ctx context.Context, checks []Check, done func(Result)) []Result {
	var results []Result
	for _, c := range checks {
		got, err := c.Run(ctx)
		r := Result{c, got, err}
		done(r)
		results = append(results, r)
	}
	return results
}

// SourceNATAlways runs the second half of S1.8: with sourceNAT: Always on the gateway of cl1 the inner source is the
// gateway's address. The configuration is put back afterwards.
func (l Lab) SourceNATAlways(ctx context.Context, pods []Pod, done func(Result)) ([]Result, error) {
	if err := l.setSourceNAT(ctx, "Always"); err != nil {
		return nil, err
	}
	from, to := PodOn(pods, "cl1-node1"), PodOn(pods, "cl2-node2")
	check := Check{"S1.8", "captured with sourceNAT: Always: " + from.Node + " to " + to.Node, "192.168.150.102 > " + to.IP.String(), func(ctx context.Context) (string, error) {
		seen, err := l.CapturePing(ctx, from, to, "cl2-node2")
		if err != nil {
			return "", err
		}
		gateway := GatewayIPs["cl1"]
		requests, replies := Find(seen["cl2-node2"], gateway, to.IP, "echo request"), Find(seen["cl2-node2"], to.IP, gateway, "echo reply")
		got := fmt.Sprintf("%d requests %s > %s, %d replies", len(requests), gateway, to.IP, len(replies))
		if len(requests) == 0 || len(replies) == 0 {
			return got, fmt.Errorf("want both; seen: %+v", seen["cl2-node2"])
		}
		return got, nil
	}}
	results := RunAll(ctx, []Check{check}, done)
	return results, l.setSourceNAT(ctx, "Auto")
}

var sourceNAT = regexp.MustCompile(`(?m)^(\s*)#?\s*sourceNAT:.*$`)

// setSourceNAT changes antrea-agent.conf of cl1 and restarts the agent of its gateway.
func (l Lab) setSourceNAT(ctx context.Context, mode string) error {
	conf, err := l.Kubectl(ctx, "cl1", "get", "configmap", "-n", "kube-system", "antrea-config", "-o", `jsonpath={.data.antrea-agent\.conf}`)
	if err != nil {
		return err
	}
	if sourceNAT.MatchString(conf) {
		conf = sourceNAT.ReplaceAllString(conf, "${1}sourceNAT: "+mode)
	} else {
		conf = strings.Replace(conf, "multicluster:\n", "multicluster:\n  sourceNAT: "+mode+"\n", 1)
	}
	patch := `{"data":{"antrea-agent.conf":` + strconv.Quote(conf) + `}}`
	if _, err := l.Kubectl(ctx, "cl1", "patch", "configmap", "-n", "kube-system", "antrea-config", "--type=merge", "-p", patch); err != nil {
		return err
	}
	_, err = l.Shell(ctx, "kubectl --context cl1 -n kube-system delete pod -l component=antrea-agent --field-selector spec.nodeName=cl1-node1 --wait && kubectl --context cl1 -n kube-system rollout status daemonset/antrea-agent --timeout=120s")
	return err
}

// Figures are memory and flow counts of the running lab.
func (l Lab) Figures(ctx context.Context) ([]Figure, error) {
	var figures []Figure
	for _, p := range []struct{ node, process string }{{"cl1-node1", "antrea-agent"}, {"cl1-node1", "ovs-vswitchd"}} {
		out, err := l.Exec(ctx, p.node, "sh", "-c", `for p in $(pgrep -x `+p.process+`); do sed -n 's/VmRSS:\s*//p' /proc/$p/status; done`)
		if err != nil {
			return nil, err
		}
		figures = append(figures, Figure{"memory of " + p.process + " on " + p.node, strings.TrimSpace(out)})
	}
	for _, node := range []string{"cl1-node1", "cl1-node2"} {
		out, err := l.Exec(ctx, node, "sh", "-c", "ovs-ofctl dump-flows br-int | grep -c cookie; ovs-ofctl dump-flows br-int | grep -c -E '10\\.244\\.16\\.0/20|10\\.96\\.16\\.0/20|192\\.168\\.200\\.'")
		if err != nil {
			return nil, err
		}
		all, remote, _ := strings.Cut(strings.TrimSpace(out), "\n")
		figures = append(figures, Figure{"flows on " + node + " in all / that name cl2", all + " / " + remote})
	}
	for _, c := range Clusters {
		for _, node := range Nodes(c) {
			out, err := l.Exec(ctx, node, "sh", "-c", controllers)
			if err != nil {
				return nil, err
			}
			for line := range strings.Lines(out) {
				name, memory, _ := strings.Cut(strings.TrimSpace(line), ":")
				figures = append(figures, Figure{"memory of " + name + " on " + node, memory})
			}
		}
	}
	return figures, nil
}

// controllers prints a line for each controller on a node: its name, with its role if it has one, and its memory.
const controllers = `for p in $(pgrep -f '^/usr/local/bin/antrea-(mc-)?controller( |$)'); do
  set -- $(tr '\0' ' ' </proc/$p/cmdline)
  name=${1##*/}
  case ${2:-} in [a-z]*) name="$name $2" ;; esac
  echo "$name:$(sed -n 's/VmRSS:[[:space:]]*//p' /proc/$p/status)"
done`
