package s1

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/antrea-mc/antrea-mc/pkg/lab"
)

// Lab runs commands in a lab through the programs that a person would use.
type Lab struct {
	Bin  string // folder of antrea-lab and antctl
	Name string // as in antrea-lab --lab NAME
	Out  string // folder for join files and captures
	// Clusters are those of the lab's description; those of S1 if there are none.
	Clusters []string
}

// tool is antrea-lab with its --lab flag.
func (l Lab) tool(args ...string) []string {
	return append([]string{filepath.Join(l.Bin, "antrea-lab"), "--lab", l.Name}, args...)
}

// Tool runs antrea-lab on the lab.
func (l Lab) Tool(ctx context.Context, args ...string) (string, error) {
	return run(ctx, nil, nil, l.tool(args...)...)
}

// Up brings the lab of a description file up; progress goes to w.
func (l Lab) Up(ctx context.Context, file string, stream func(string)) error {
	_, err := run(ctx, nil, stream, l.tool("up", file)...)
	return err
}

// Down takes the lab down.
func (l Lab) Down(ctx context.Context) error {
	_, err := run(ctx, nil, nil, l.tool("down")...)
	return err
}

// Exec runs a command in all namespaces of a node and returns what it printed.
func (l Lab) Exec(ctx context.Context, node string, cmd ...string) (string, error) {
	return run(ctx, nil, nil, l.tool(append([]string{"exec", node, "--"}, cmd...)...)...)
}

// Kubectl runs kubectl against a cluster.
func (l Lab) Kubectl(ctx context.Context, cluster string, args ...string) (string, error) {
	return run(ctx, nil, nil, l.tool(append([]string{"kubectl", cluster}, args...)...)...)
}

// Antctl runs antctl against a cluster, from outside of it, as a person would.
func (l Lab) Antctl(ctx context.Context, cluster string, args ...string) (string, error) {
	kubeconfig, err := run(ctx, nil, nil, l.tool("kubeconfig", cluster)...)
	if err != nil {
		return "", err
	}
	return run(ctx, nil, nil, append([]string{filepath.Join(l.Bin, "antctl"), "--kubeconfig", strings.TrimSpace(kubeconfig)}, args...)...)
}

// Pod runs a command in a Pod of namespace demo.
func (l Lab) Pod(ctx context.Context, p Pod, cmd ...string) (string, error) {
	return l.Kubectl(ctx, p.Cluster, append([]string{"exec", "-n", "demo", p.Name, "--"}, cmd...)...)
}

// Shell runs a line as a person would type it: antctl and antrea-lab are on the PATH, and `kubectl --context CLUSTER` and
// `antctl --context CLUSTER` reach the clusters.
func (l Lab) Shell(ctx context.Context, line string) (string, error) {
	kubeconfigs, err := l.kubeconfigs(ctx)
	if err != nil {
		return "", err
	}
	bin, err := filepath.Abs(l.Bin)
	if err != nil {
		return "", err
	}
	kubernetes, err := run(ctx, nil, nil, l.tool("build")...) // prints the folder of kubectl
	if err != nil {
		return "", err
	}
	env := append(os.Environ(), "PATH="+bin+":"+strings.TrimSpace(kubernetes)+":"+os.Getenv("PATH"),
		"KUBECONFIG="+kubeconfigs, "KUBECACHEDIR="+filepath.Join(l.Out, "kube-cache"), "NO_COLOR=1")
	return run(ctx, env, nil, "bash", "-c", "cd "+l.Out+" && "+line)
}

// BuildTime is how long it took to build what is in the cache.
func (l Lab) BuildTime(ctx context.Context) string {
	dir, err := run(ctx, nil, nil, l.tool("build")...) // prints the folder
	if err != nil {
		return err.Error()
	}
	took, err := os.ReadFile(filepath.Join(strings.TrimSpace(dir), lab.BuildTimeFile))
	if errors.Is(err, os.ErrNotExist) {
		return "not known: an earlier version has filled the cache"
	}
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(took))
}

func (l Lab) kubeconfigs(ctx context.Context) (string, error) {
	var files []string
	clusters := l.Clusters
	if len(clusters) == 0 {
		clusters = Clusters
	}
	for _, c := range clusters {
		f, err := run(ctx, nil, nil, l.tool("kubeconfig", c)...)
		if err != nil {
			return "", err
		}
		files = append(files, strings.TrimSpace(f))
	}
	return strings.Join(files, ":"), nil
}

// run runs a command; an error carries the end of what the command printed.
func run(ctx context.Context, env []string, stream func(string), argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	var out, both bytes.Buffer
	var mu sync.Mutex // the command's two outputs are copied by a goroutine each
	collect := func(to ...*bytes.Buffer) io.Writer {
		return writer(func(p []byte) {
			mu.Lock()
			defer mu.Unlock()
			for _, b := range to {
				b.Write(p)
			}
			if stream != nil {
				stream(string(p))
			}
		})
	}
	cmd.Stdout, cmd.Stderr = collect(&out, &both), collect(&both)
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(both.String())
		if len(text) > 2000 {
			text = "…" + text[len(text)-2000:]
		}
		return out.String(), fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, text)
	}
	return out.String(), nil
}

// writer is a function as an io.Writer that takes everything.
type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}
