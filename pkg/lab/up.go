package lab

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/lab/boot"
)

// Up brings a lab up and returns when every API server answers and every node has registered. Without a CNI the nodes
// are not Ready yet. What is missing in the cache is made first.
func Up(ctx context.Context, b Builder, name string, d Description) (*Lab, error) {
	l, err := newLab(b.Cache, name, NewPlan(d))
	if err != nil {
		return nil, err
	}
	l.Progress = b.Progress
	release, err := b.Cache.lock(name)
	if err != nil {
		return nil, err
	}
	defer release()
	if l.alive(ctx) {
		if _, err := os.Stat(l.dirs.complete()); err == nil {
			return alreadyUp(b, name, d)
		}
		l.Progress.Say("lab %s did not come up completely: starting it anew", name)
	}
	if err := preflight(b.Cache); err != nil {
		return nil, err
	}
	if err := l.down(ctx); err != nil { // what a failed start or a machine that went down left of it
		return nil, err
	}
	if raised, err := newInotifyLimit(b.Cache).ensure(inotifyNeeds(d)); err != nil {
		return nil, err
	} else if raised {
		l.Progress.Say("raised the machine's limit of inotify instances; down restores it")
	}
	store, err := l.fromCache(ctx, b)
	if err != nil {
		return nil, err
	}
	if err := l.begin(ctx); err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, c := range l.Plan.Clusters {
		g.Go(func() error { return l.upCluster(gctx, c, store) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("%w\nThe lab is left as it is: its logs are in %s, antrea-lab --lab %s down removes it", err, l.dirs, name)
	}
	if err := b.Cache.prune(time.Now()); err != nil {
		return nil, err
	}
	if err := os.WriteFile(l.dirs.complete(), nil, 0o600); err != nil {
		return nil, err
	}
	l.Progress.Say("lab %s is up: %d clusters, %d nodes", name, len(l.Plan.Clusters), len(l.Plan.All()))
	return l, nil
}

func alreadyUp(b Builder, name string, d Description) (*Lab, error) {
	l, err := Open(b.Cache, name)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(l.Plan, NewPlan(d)) {
		return nil, fmt.Errorf("lab %q is up with another description; antrea-lab --lab %s down first, or choose another --lab", name, name)
	}
	l.Progress = b.Progress
	l.Progress.Say("lab %s is up already", name)
	return l, nil
}

// fromCache finds, or makes, what the lab needs from the cache: programs, and images in the form of its lane.
func (l *Lab) fromCache(ctx context.Context, b Builder) (Store, error) {
	var err error
	if l.bin, err = b.Binaries(ctx); err != nil {
		return Store{}, err
	}
	own, err := b.Images(ctx, l.bin)
	if err != nil {
		return Store{}, err
	}
	extra, err := imageFiles(l.Plan.Images, l.Progress)
	if err != nil {
		return Store{}, err
	}
	if l.Plan.Lane() == FastLane {
		if err := os.MkdirAll(l.dirs.fast(), 0o700); err != nil {
			return Store{}, err
		}
		return Store{}, b.Unpack(ctx, filepath.Join(l.dirs.fast(), imageIndex), append(own, extra...)...)
	}
	return b.Store(ctx, own, extra)
}

// begin writes the lab's files and starts its process 1, the underlay and etcd.
func (l *Lab) begin(ctx context.Context) error {
	for _, dir := range []string{l.dirs.path("log"), l.dirs.etcd(), l.dirs.path("nodes")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(state{Description: l.Plan.Description, Bin: l.bin}, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(l.dirs.state(), text, 0o600); err != nil {
		return err
	}
	spec := boot.Lab{Socket: l.dirs.socket()}
	var listeners []*os.File
	for _, c := range l.Plan.Clusters {
		f, address, err := listenLoopback()
		if err != nil {
			return err
		}
		defer f.Close()
		listeners = append(listeners, f)
		spec.Forwards = append(spec.Forwards, c.API.String())
		for _, n := range c.Nodes {
			if err := writeNode(l.dirs, c, n); err != nil {
				return err
			}
		}
		if err := writePKI(l.dirs, c, address); err != nil {
			return err
		}
	}
	if err := l.startInit(ctx, spec, listeners); err != nil {
		return err
	}
	pid, err := l.init.PID()
	if err != nil {
		return err
	}
	if err := buildUnderlay(pid, l.Plan.Underlays); err != nil {
		return err
	}
	return l.init.Start(ctx, etcdService(l.dirs, l.bin))
}

// listenLoopback opens a listener in the machine's network namespace; the lab's process 1 inherits it.
func listenLoopback() (*os.File, string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	return f, l.Addr().String(), err
}

// startInit starts the lab's process 1, which outlives this program.
func (l *Lab) startInit(ctx context.Context, spec boot.Lab, listeners []*os.File) error {
	var err error
	if spec.Group, err = l.group("_init"); err != nil {
		return err
	}
	if err := spec.Group.Create(); err != nil {
		return err
	}
	whole, err := l.group("")
	if err != nil {
		return err
	}
	if err := whole.Weigh(len(l.Plan.All())); err != nil {
		return err
	}
	file := l.dirs.path("init.json")
	if err := (boot.Spec{Lab: &spec}).Write(file); err != nil {
		return err
	}
	log, err := os.Create(l.dirs.log("init"))
	if err != nil {
		return err
	}
	defer log.Close()
	args := boot.Args(file)
	cmd := &exec.Cmd{
		Path: args[0], Args: args, Dir: "/", Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=/root"},
		Stdout: log, Stderr: log, ExtraFiles: listeners,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET},
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the lab's process 1: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !l.alive(ctx) {
		select {
		case err := <-ended:
			return &ComponentError{Component: "process 1 of the lab", What: fmt.Sprint(err), Log: l.dirs.log("init")}
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// upCluster brings one cluster up: API server first, controllers when it answers, then Nodes in order.
func (l *Lab) upCluster(ctx context.Context, c ClusterPlan, store Store) error {
	master := c.ControlPlane()
	if err := l.upNode(ctx, master, store); err != nil {
		return err
	}
	if err := l.startControlPlane(ctx, c); err != nil {
		return err
	}
	client, err := l.client(c.Name)
	if err != nil {
		return err
	}
	if err := l.register(ctx, client, c); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, n := range c.Nodes {
		g.Go(func() error {
			if n.Name != master.Name {
				if err := l.upNode(gctx, n, store); err != nil {
					return err
				}
			}
			return l.startRuntime(gctx, c, n)
		})
	}
	g.Go(func() error { return l.applyAddons(gctx, c) })
	return g.Wait()
}

// upNode starts a node with a fresh image store.
func (l *Lab) upNode(ctx context.Context, n NodePlan, store Store) error {
	if l.Plan.Lane() == Real {
		if err := store.Clone(ctx, filepath.Join(l.dirs.node(n.Name), boot.DirVar, "lib", "containerd")); err != nil {
			return fmt.Errorf("image store of %s: %w", n.Name, err)
		}
	}
	return l.startNode(ctx, n)
}

// register makes the Nodes, in the order of the description and each with its Pod CIDR: the controller manager would give
// them out in this order too, but skips one now and then when it repeats an update. Kubelets then find their Node and may
// start in any order.
func (l *Lab) register(ctx context.Context, client kubernetes.Interface, c ClusterPlan) error {
	for _, n := range c.Nodes {
		var cidrs []string
		for _, p := range n.PodCIDRs {
			cidrs = append(cidrs, p.String())
		}
		labels := map[string]string{corev1.LabelHostname: n.Name, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH}
		if n.ControlPlane {
			labels["node-role.kubernetes.io/control-plane"] = ""
		}
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels}, Spec: corev1.NodeSpec{PodCIDR: cidrs[0], PodCIDRs: cidrs}}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("register %s: %w", n.Name, err)
		}
	}
	return nil
}

//go:embed addons.yaml
var addons string

// applyAddons installs what every cluster has besides its control plane. The Pods of CoreDNS wait for the CNI.
func (l *Lab) applyAddons(ctx context.Context, c ClusterPlan) error {
	t, err := template.New("addons").Parse(addons)
	if err != nil {
		return err
	}
	var manifest bytes.Buffer
	if err := t.Execute(&manifest, map[string]any{"Name": c.Name, "PodCIDR": c.PodCIDR, "ServiceCIDR": c.ServiceCIDR, "Image": ImageCoreDNS, "ClusterIP": c.DNS}); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, l.Program("kubectl"), "--kubeconfig", l.dirs.kubeconfig(c.Name), "--cache-dir", l.KubectlCache(), "apply", "-f", "-")
	cmd.Stdin = &manifest
	if err := run(cmd); err != nil {
		return fmt.Errorf("install the add-ons in %s: %w", c.Name, err)
	}
	return nil
}

// patience is how long a component may take until it is said to have failed.
const patience = 2 * time.Minute

// enoughExits is how often a component may end before it has failed. One or two are common: containerd's socket is there
// a moment before kubelet can use it.
const enoughExits = 3

// await polls until done says so. It gives up when a component of the node or etcd keeps ending, and after some time with
// what is missing.
func (l *Lab) await(ctx context.Context, node, component, missing string, done func() bool) error {
	deadline := time.Now().Add(patience)
	for !done() {
		if err := l.failed(ctx, node); err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return &ComponentError{Component: component + " of " + node, What: fmt.Sprintf("%s within %s", missing, patience), Log: l.dirs.nodeLog(node, component)}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// failed reports the first component of the lab or of a node that does not stay up.
func (l *Lab) failed(ctx context.Context, node string) error {
	services, err := l.init.Status(ctx)
	if err != nil {
		return errors.Join(&ComponentError{Component: "process 1 of the lab", What: "does not answer", Log: l.dirs.log("init")}, err)
	}
	for _, s := range services {
		if s.Name == node && !s.Running && s.Exits > 0 || s.Name == svcEtcd && s.Exits >= enoughExits {
			return &ComponentError{Component: s.Name, What: s.Last, Log: s.Log}
		}
	}
	services, err = l.node(node).Status(ctx)
	if err != nil {
		return nil // it is still starting
	}
	for _, s := range services {
		if s.Exits >= enoughExits {
			return &ComponentError{Component: s.Name + " of " + node, What: s.Last, Log: l.dirs.nodeLog(node, s.Name)}
		}
	}
	return nil
}
