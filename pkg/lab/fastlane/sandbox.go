package fastlane

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/containernetworking/cni/libcni"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"github.com/antrea-mc/antrea-mc/pkg/lab/boot"
	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// sandbox is the namespaces of a Pod, held by its process 1, and its network. It is kept in a file, so that a driver that
// starts anew can take it apart.
type sandbox struct {
	ID        string
	Namespace string
	Name      string
	UID       string
	HostNet   bool
	Ports     []corev1.ContainerPort
	Addresses []netip.Addr
	Started   bool // its containers were started

	dir string
}

const sandboxFile = "sandbox.json"

func (s *sandbox) socket() string              { return filepath.Join(s.dir, "init.sock") }
func (s *sandbox) netns() string               { return "/run/netns/fast-" + s.ID[:16] }
func (s *sandbox) init() *supervisor.Client    { return supervisor.NewClient(s.socket()) }
func (s *sandbox) path(p ...string) string     { return filepath.Join(append([]string{s.dir}, p...)...) }
func (s *sandbox) log(container string) string { return s.path("log", container+".log") }

// newSandbox starts the process 1 of a Pod. It has no network yet.
func newSandbox(ctx context.Context, dir string, p *corev1.Pod) (*sandbox, error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	s := &sandbox{ID: fmt.Sprintf("%x", random), Namespace: p.Namespace, Name: p.Name, UID: string(p.UID), HostNet: p.Spec.HostNetwork, dir: dir}
	for _, c := range p.Spec.Containers {
		s.Ports = append(s.Ports, c.Ports...)
	}
	if err := os.MkdirAll(s.path("log"), 0o755); err != nil {
		return nil, err
	}
	if err := s.save(); err != nil {
		return nil, err
	}
	spec := &boot.Pod{Socket: s.socket(), Hostname: p.Name, HostNet: s.HostNet}
	if p.Spec.Hostname != "" {
		spec.Hostname = p.Spec.Hostname
	}
	file := s.path("init.json")
	if err := (boot.Spec{Pod: spec}).Write(file); err != nil {
		return nil, err
	}
	log, err := os.Create(s.log("_init"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := boot.Args(file)
	cmd := &exec.Cmd{
		Path: args[0], Args: args, Dir: "/", Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Cloneflags: boot.PodCloneFlags(s.HostNet)},
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the Pod's process 1: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		if _, err := s.init().Status(ctx); err == nil {
			break
		}
		select {
		case err := <-ended:
			text, _ := os.ReadFile(s.log("_init"))
			return nil, fmt.Errorf("the Pod's process 1 ended: %w: %s", err, text)
		case <-time.After(2 * time.Millisecond):
		}
	}
	if s.HostNet {
		return s, nil
	}
	return s, s.nameNetns(cmd.Process.Pid)
}

func (s *sandbox) save() error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(s.path(sandboxFile), text, 0o600)
}

// alive says whether the sandbox runs with all its containers started, so that a new driver can go on with it.
func (s *sandbox) alive(ctx context.Context) bool {
	_, err := s.init().Status(ctx)
	return err == nil && s.Started
}

// nameNetns gives the network namespace a name in /run/netns, where runtimes keep theirs.
func (s *sandbox) nameNetns(pid int) error {
	f, err := os.OpenFile(s.netns(), os.O_CREATE|os.O_RDONLY, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	return unix.Mount(fmt.Sprintf("/proc/%d/ns/net", pid), s.netns(), "", unix.MS_BIND, "")
}

// openSandbox finds the sandbox in a folder, nil if there is none.
func openSandbox(dir string) (*sandbox, error) {
	text, err := os.ReadFile(filepath.Join(dir, sandboxFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &sandbox{dir: dir}
	return s, json.Unmarshal(text, s)
}

// destroy takes a sandbox apart: processes, network, files. What is gone already is no error.
func (s *sandbox) destroy(ctx context.Context, n network) error {
	if pid, err := s.init().PID(); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if !s.HostNet {
		if err := n.del(ctx, s); err != nil {
			return err
		}
		_ = unix.Unmount(s.netns(), unix.MNT_DETACH)
		if err := os.Remove(s.netns()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.RemoveAll(s.dir)
}

// network calls CNI plugins as a runtime does.
type network struct {
	cni     *libcni.CNIConfig
	confDir string
}

func newNetwork() network {
	return network{cni: libcni.NewCNIConfigWithCacheDir([]string{"/opt/cni/bin"}, "/var/lib/cni/fast", nil), confDir: "/etc/cni/net.d"}
}

// ready returns why Pods cannot have a network now.
func (n network) ready() error {
	_, err := n.conf()
	return err
}

// conf reads the first configuration of the folder anew each time, because agents replace it.
func (n network) conf() (*libcni.NetworkConfigList, error) {
	files, err := libcni.ConfFiles(n.confDir, []string{".conflist"})
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there is no CNI configuration in %s", n.confDir)
	}
	return libcni.ConfListFromFile(files[0])
}

func (s *sandbox) runtimeConf() *libcni.RuntimeConf {
	type portMapping struct {
		HostPort      int32  `json:"hostPort"`
		ContainerPort int32  `json:"containerPort"`
		Protocol      string `json:"protocol"`
		HostIP        string `json:"hostIP,omitempty"`
	}
	var ports []portMapping
	for _, p := range s.Ports {
		if p.HostPort != 0 {
			ports = append(ports, portMapping{p.HostPort, p.ContainerPort, string(p.Protocol), p.HostIP})
		}
	}
	return &libcni.RuntimeConf{
		ContainerID: s.ID, NetNS: s.netns(), IfName: "eth0",
		Args: [][2]string{
			{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", s.Namespace}, {"K8S_POD_NAME", s.Name},
			{"K8S_POD_INFRA_CONTAINER_ID", s.ID}, {"K8S_POD_UID", s.UID},
		},
		CapabilityArgs: map[string]any{"portMappings": ports},
	}
}

// add gives a sandbox its network and remembers its addresses.
func (n network) add(ctx context.Context, s *sandbox) error {
	list, err := n.conf()
	if err != nil {
		return err
	}
	r, err := n.cni.AddNetworkList(ctx, list, s.runtimeConf())
	if err != nil {
		return fmt.Errorf("CNI ADD: %w", err)
	}
	result, err := types100.GetResult(r)
	if err != nil {
		return err
	}
	for _, ip := range result.IPs {
		if a, ok := netip.AddrFromSlice(ip.Address.IP); ok {
			s.Addresses = append(s.Addresses, a.Unmap())
		}
	}
	return nil
}

// del takes the network away. Without a configuration there is nothing that could be asked.
func (n network) del(ctx context.Context, s *sandbox) error {
	list, err := n.conf()
	if err != nil {
		return nil
	}
	if err := n.cni.DelNetworkList(ctx, list, s.runtimeConf()); err != nil {
		return fmt.Errorf("CNI DEL: %w", err)
	}
	return nil
}
