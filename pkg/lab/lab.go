// Package lab runs whole Kubernetes clusters on one machine: nodes are namespaces on a routed underlay, each with its own
// kubelet and containerd, and each cluster has a real control plane.
//
// Start at [Up] and [Lab]. description.go is the file a user writes, plan.go what follows from it. build.go, images.go and
// store.go fill the cache, suite.go with Kubernetes' own tests; pki.go, controlplane.go and kubelet.go say which programs
// run with which files; underlay.go is the network; up.go, node.go and down.go are the lives of a lab and of its nodes, faults.go what can be done to them.
//
// A lab is one process tree: process 1 of a PID namespace (package boot) holds everything, so that taking a lab down is
// one kill, whatever state it is in. Nothing is found by name and nothing is kept in the machine's network namespace but
// one listener per cluster on 127.0.0.1.
package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/antrea-mc/antrea-mc/pkg/lab/cgroup"
	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// Lab is a lab that is up, or was.
type Lab struct {
	Name     string
	Plan     Plan
	Progress *Progress

	bin   string // Kubernetes' programs
	cache Cache
	dirs  dirs
	init  *supervisor.Client // of the lab's process 1
}

// state is what a lab remembers of how it was made, in its folder.
type state struct {
	Description Description
	Bin         string
}

// ErrNoLab means that there is no lab of that name.
var ErrNoLab = errors.New("there is no such lab")

// Open finds a lab by name.
func Open(c Cache, name string) (*Lab, error) {
	l, err := newLab(c, name, Plan{})
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(l.dirs.state())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lab %q: %w; antrea-lab --lab %s up FILE makes one", name, ErrNoLab, name)
	}
	if err != nil {
		return nil, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: %w", l.dirs.state(), err)
	}
	l.Plan, l.bin = NewPlan(s.Description), s.Bin
	return l, nil
}

func newLab(c Cache, name string, p Plan) (*Lab, error) {
	d, err := newDirs(c, name)
	if err != nil {
		return nil, err
	}
	return &Lab{Name: name, Plan: p, cache: c, dirs: d, init: supervisor.NewClient(d.socket())}, nil
}

// Kubeconfig is the administrator's kubeconfig of a cluster. It works from the machine while the lab is up.
func (l *Lab) Kubeconfig(cluster string) (string, error) {
	if _, err := l.Plan.Cluster(cluster); err != nil {
		return "", err
	}
	return l.dirs.kubeconfig(cluster), nil
}

// Program is the path of one of Kubernetes' programs, such as kubectl.
func (l *Lab) Program(name string) string { return l.bin + "/" + name }

// KubectlCache is where kubectl may remember what the lab's API servers offer; it goes with the lab.
func (l *Lab) KubectlCache() string { return l.dirs.path("kubectl-cache") }

// client talks to the API server of a cluster.
func (l *Lab) client(cluster string) (*kubernetes.Clientset, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", l.dirs.kubeconfig(cluster))
	if err != nil {
		return nil, err
	}
	cfg.QPS, cfg.Burst = 200, 400
	return kubernetes.NewForConfig(cfg)
}

// node is the client of a node's process 1.
func (l *Lab) node(name string) *supervisor.Client {
	return supervisor.NewClient(l.dirs.nodeSocket(name))
}

// NodePID is the process 1 of a node as the machine sees it.
func (l *Lab) NodePID(name string) (int, error) {
	if _, _, err := l.Plan.Node(name); err != nil {
		return 0, err
	}
	pid, err := l.node(name).PID()
	if supervisor.Down(err) {
		return 0, fmt.Errorf("node %s is down; antrea-lab --lab %s start %s starts it", name, l.Name, name)
	}
	return pid, err
}

// group is the cgroup of the whole lab, of its process 1 (node "") or of a node.
func (l *Lab) group(part string) (cgroup.Group, error) {
	tree, err := cgroup.Find()
	path := "antrea-lab-" + l.Name
	if part != "" {
		path += "/" + part
	}
	return cgroup.Group{Tree: tree, Path: path}, err
}

// alive says whether the lab's process 1 runs.
func (l *Lab) alive(ctx context.Context) bool {
	_, err := l.init.Status(ctx)
	return err == nil
}
