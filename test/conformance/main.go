// Command conformance runs Kubernetes' own network tests, without those that skipped.yaml lists, against a lab without kube-proxy,
// prints what became of them and takes the lab down. It exits with 1 if one fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/lab"
	"github.com/antrea-mc/antrea-mc/test/s1"
	"github.com/antrea-mc/antrea-mc/test/s2"
)

const (
	cluster     = "k8s"
	description = "test/conformance/lab.yaml"
	allFocus    = `\[sig-network\]`
)

func main() {
	name := flag.String("lab", "conformance", "name of the lab")
	focus := flag.String("focus", allFocus, "run only specs whose names match this")
	procs := flag.Int("procs", 4, "how many specs run at a time")
	keep := flag.Bool("keep", false, "use the lab if it runs, and leave it running")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := conformance(ctx, *name, *focus, *procs, *keep)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func conformance(ctx context.Context, name, focus string, procs int, keep bool) (err error) {
	meant, err := regexp.Compile(focus)
	if err != nil {
		return err
	}
	skips, err := readSkips("test/conformance/skipped.yaml")
	if err != nil {
		return err
	}
	suite, err := buildSuite(ctx)
	if err != nil {
		return err
	}
	out, err := filepath.Abs("out/conformance")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	l := s1.Lab{Bin: "bin", Name: name, Out: out, Clusters: []string{cluster}}
	if _, err := l.Kubectl(ctx, cluster, "get", "nodes"); !keep || err != nil {
		if err := up(ctx, l, suite); err != nil {
			return err
		}
	}
	if !keep {
		defer func() { err = errors.Join(err, l.Down(context.Background())) }()
	}
	specs, err := runSuite(ctx, l, suite, focus, skips, procs)
	if err != nil {
		return err
	}
	s := summarize(specs, meant, skips, focus == allFocus)
	s.print(os.Stdout)
	if !s.good() {
		return fmt.Errorf("not as it should be; everything is in %s", out)
	}
	return nil
}

func readSkips(file string) ([]Skip, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var skips []Skip
	if err := yaml.UnmarshalStrict(text, &skips); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for i := range skips {
		if skips[i].expr, err = regexp.Compile(skips[i].Match); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return skips, nil
}

func buildSuite(ctx context.Context) (lab.Suite, error) {
	cache, err := lab.OpenCache()
	if err != nil {
		return lab.Suite{}, err
	}
	source, err := lab.FindSource()
	if err != nil {
		return lab.Suite{}, err
	}
	b := &lab.Builder{Cache: cache, Source: source, Progress: lab.NewProgress(os.Stdout)}
	bin, err := b.Binaries(ctx)
	if err != nil {
		return lab.Suite{}, err
	}
	return b.Suite(ctx, bin)
}

// up brings the lab up with the CNI and the images of the suite. Workers are in three zones, as the suite wants them, and the master
// is tainted, as masters are: Kubernetes leaves it out where it counts the Nodes of a zone.
func up(ctx context.Context, l s1.Lab, suite lab.Suite) error {
	if err := l.Up(ctx, description, func(chunk string) { fmt.Print(chunk) }); err != nil {
		return err
	}
	if _, err := l.Tool(ctx, append([]string{"load-image"}, suite.Images...)...); err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	steps := s2.Install(func(name string) string { return filepath.Join(dir, name) })
	steps = append(steps, s1.Step{Command: "kubectl taint node k8s-master node-role.kubernetes.io/control-plane:NoSchedule"})
	for i, nodes := range []string{"k8s-worker-1 k8s-worker-2", "k8s-worker-3 k8s-worker-4", "k8s-worker-5 k8s-worker-6"} {
		steps = append(steps, s1.Step{Command: fmt.Sprintf("kubectl label node %s topology.kubernetes.io/zone=zone-%d", nodes, i+1)})
	}
	return s1.Act{Steps: steps}.Play(ctx, l, func(step s1.Step, out string) {
		fmt.Println("$ " + step.Command)
		fmt.Print(out)
	})
}

// runSuite runs the specs and returns what Ginkgo reports of all that it knows. That some fail is no error.
func runSuite(ctx context.Context, l s1.Lab, suite lab.Suite, focus string, skips []Skip, procs int) ([]spec, error) {
	kubeconfig, err := l.Tool(ctx, "kubeconfig", cluster)
	if err != nil {
		return nil, err
	}
	var matches []string
	for _, s := range skips {
		matches = append(matches, s.Match)
	}
	report := filepath.Join(l.Out, "report.json")
	if err := os.Remove(report); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	log, err := os.Create(filepath.Join(l.Out, "e2e.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.CommandContext(ctx, suite.Ginkgo, "--procs="+strconv.Itoa(procs), "--no-color", "--succinct", "--timeout=3h", "--json-report=report.json", "--output-dir="+l.Out,
		"--focus="+focus, "--skip="+strings.Join(matches, "|"), suite.Program, "--",
		"--kubeconfig="+strings.TrimSpace(kubeconfig), "--provider=skeleton", "--num-nodes=6", "--dump-logs-on-failure=false")
	cmd.Stdout, cmd.Stderr = log, log
	fmt.Println("the specs run; their log is", log.Name())
	failed := cmd.Run()
	text, err := os.ReadFile(report)
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	return readReport(text)
}
