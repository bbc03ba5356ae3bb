package lab

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/lab/boot"
	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// Names of the images that the lab makes itself.
const (
	ImagePause   = "lab.local/pause:1"
	ImageToolbox = "lab.local/toolbox:1"
	ImageCoreDNS = "lab.local/coredns:1"
)

const containerdSocket = "/run/containerd/containerd.sock"

// containerdConfig uses default paths, so that a manifest's usual hostPaths fit. restrict_oom_score_adj: root may lack
// CAP_SYS_RESOURCE, then no score can be lowered.
const containerdConfig = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "` + containerdSocket + `"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "` + ImagePause + `"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"
`

// kubeletConfig: cgroup v1 must be allowed in so many words; disk and memory are the machine's, so nothing is evicted
// and no image removed for their sake. A container that is killed again and again comes back within two seconds: tests do
// kill them. KubeletInUserNamespace forgives settings that only the whole machine has.
func kubeletConfig(c ClusterPlan) string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: "%s"
authentication:
  x509: {clientCAFile: /etc/kubernetes/ca.crt}
  anonymous: {enabled: false}
  webhook: {enabled: true}
authorization: {mode: Webhook}
tlsCertFile: /etc/kubernetes/kubelet.crt
tlsPrivateKeyFile: /etc/kubernetes/kubelet.key
containerRuntimeEndpoint: unix://%s
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
clusterDNS: ["%s"]
clusterDomain: cluster.local
resolvConf: /etc/resolv.conf
evictionHard: {memory.available: "50Mi", nodefs.available: "1%%", imagefs.available: "1%%", nodefs.inodesFree: "1%%"}
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
featureGates: {KubeletInUserNamespace: true}
oomScoreAdj: 0
maxPods: 250
syncFrequency: 10s
crashLoopBackOff: {maxContainerRestartPeriod: 2s}
nodeStatusUpdateFrequency: 5s
`, unspecified(c.API.Addr()), containerdSocket, c.DNS)
}

// nodeFiles are the files in a node's /etc beside its keys.
func nodeFiles(c ClusterPlan, n NodePlan) map[string]string {
	return map[string]string{
		"hostname":                   n.Name + "\n",
		"hosts":                      hosts(n),
		"resolv.conf":                "# the underlay has no name server\n",
		"kubernetes/containerd.toml": containerdConfig,
		"kubernetes/kubelet.yaml":    kubeletConfig(c),
	}
}

func hosts(n NodePlan) string {
	text := "127.0.0.1 localhost\n::1 localhost\n"
	for _, a := range n.Address {
		text += fmt.Sprintf("%s %s\n", a, n.Name)
	}
	return text
}

// unspecified is where a server listens that is to be reached by a.
func unspecified(a netip.Addr) netip.Addr {
	if a.Is6() {
		return netip.IPv6Unspecified()
	}
	return netip.IPv4Unspecified()
}

// runtimeServices are what makes a machine a node: containerd and kubelet, or the driver of the fast lane; and kube-proxy
// where it is wanted.
func runtimeServices(p Plan, c ClusterPlan, n NodePlan) ([]supervisor.Service, error) {
	var all []supervisor.Service
	if p.Lane() == FastLane {
		all = append(all, nodeService(svcFast, "/proc/self/exe", childFastNode, "/etc/kubernetes/"+fastNodeFile))
	} else {
		containerd, err := exec.LookPath(svcContainerd)
		if err != nil {
			return nil, err
		}
		kubelet := nodeService(svcKubelet, filepath.Join(inNodeBin, svcKubelet),
			"--config=/etc/kubernetes/kubelet.yaml", "--kubeconfig=/etc/kubernetes/kubelet.conf",
			"--hostname-override="+n.Name, "--node-ip="+n.Address.String(), "--v=2")
		kubelet.WaitFor = containerdSocket
		all = append(all, nodeService(svcContainerd, containerd, "-c", "/etc/kubernetes/containerd.toml"), kubelet)
	}
	if *p.KubeProxy {
		all = append(all, nodeService(svcProxy, filepath.Join(inNodeBin, svcProxy),
			"--proxy-mode=nftables", "--hostname-override="+n.Name, "--cluster-cidr="+c.PodCIDR.String(),
			// The machine's conntrack limits cannot be changed from a network namespace.
			"--conntrack-max-per-core=0", "--conntrack-min=0", "--kubeconfig=/etc/kubernetes/kube-proxy.conf"))
	}
	return all, nil
}

// writeNode lays out a node's folder: its /etc, /var and /opt as a freshly installed machine has them, and no more. The
// image store is added by [Store.Clone].
func writeNode(d dirs, c ClusterPlan, n NodePlan) error {
	dir := d.node(n.Name)
	for _, p := range []string{
		"log", "opt/cni/bin", "var/lib/kubelet", "var/lib/cni", "var/log/pods", "var/log/containers", "var/cache", "etc/cni/net.d",
	} {
		if err := os.MkdirAll(filepath.Join(dir, p), 0o755); err != nil {
			return err
		}
	}
	tmp := filepath.Join(dir, boot.DirVar, "tmp")
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o1777); err != nil {
		return err
	}
	for link, to := range map[string]string{"run": "/run", "lock": "/run/lock"} {
		if err := os.Symlink(to, filepath.Join(dir, boot.DirVar, link)); err != nil {
			return err
		}
	}
	if err := writeFastNode(filepath.Join(dir, boot.DirEtc, "kubernetes", fastNodeFile), c, n); err != nil {
		return err
	}
	for name, text := range nodeFiles(c, n) {
		if err := writeFile(filepath.Join(dir, boot.DirEtc, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	// What the machine itself has in these folders is not the node's.
	for _, name := range []string{"cni", "kubernetes", "openvswitch"} {
		etc := filepath.Join(dir, boot.DirEtc, name)
		if err := os.MkdirAll(etc, 0o755); err != nil {
			return err
		}
		if err := unix.Setxattr(etc, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
			return fmt.Errorf("hide the machine's /etc/%s from node %s: %w", name, n.Name, err)
		}
	}
	return nil
}
