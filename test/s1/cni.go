package s1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// cniRounds is how often CNIFigures attaches and detaches.
const cniRounds = 100

// CNIFigures has a Node attach and detach a network namespace many times, and tells how long ADD and DEL took the runtime
// and how much of what the agent spent on them was the switch's.
func (l Lab) CNIFigures(ctx context.Context, node string) (figures []Figure, err error) {
	program := filepath.Join(l.Out, "cniload")
	if _, err := run(ctx, append(os.Environ(), "CGO_ENABLED=0"), nil, "go", "build", "-o", program, "./test/cniload"); err != nil {
		return nil, err
	}
	const pod = "cniload" // which no scheduler takes
	cluster, _, _ := strings.Cut(node, "-")
	if _, err := l.Kubectl(ctx, cluster, "-n", "demo", "run", pod, "--image=none", "--restart=Never", "--overrides", `{"spec": {"schedulerName": "none"}}`); err != nil {
		return nil, err
	}
	defer func() {
		_, gone := l.Kubectl(ctx, cluster, "-n", "demo", "delete", "pod", pod)
		err = errors.Join(err, gone)
	}()
	before, err := l.Metrics(ctx, node)
	if err != nil {
		return nil, err
	}
	out, err := l.Exec(ctx, node, program, "-count", fmt.Sprint(cniRounds), "-pod", "demo/"+pod)
	if err != nil {
		return nil, err
	}
	after, err := l.Metrics(ctx, node)
	if err != nil {
		return nil, err
	}
	var took map[string]struct{ P50, P99 time.Duration }
	if err := json.Unmarshal([]byte(out), &took); err != nil {
		return nil, fmt.Errorf("output of cniload: %w: %q", err, out)
	}
	for _, verb := range []string{"ADD", "DEL"} {
		spent := func(metric string) float64 { return seconds(after[metric], verb) - seconds(before[metric], verb) }
		agent, ovs := spent("antrea_agent_cni_request_duration_seconds"), spent("antrea_agent_cni_network_duration_seconds")
		if agent <= 0 || ovs <= 0 {
			return nil, fmt.Errorf("metrics of the agent on %s did not count %s: %.3f s, %.3f s of them in the switch", node, verb, agent, ovs)
		}
		figures = append(figures, Figure{
			fmt.Sprintf("CNI %s on %s, %d times: p50 / p99", verb, node, cniRounds),
			fmt.Sprintf("%.1f / %.1f ms; in the agent %.1f ms, %.0f %% of that in OVS",
				ms(took[verb].P50), ms(took[verb].P99), 1000*agent/cniRounds, 100*ovs/agent),
		})
	}
	return figures, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
