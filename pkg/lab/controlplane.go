package lab

import (
	"fmt"
	"path/filepath"

	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// Where a node finds the lab's files, see package boot.
const (
	inNode     = "/run/lab"
	inNodeBin  = inNode + "/bin"
	inNodePKI  = inNode + "/pki"
	inNodeEtcd = inNode + "/etcd"
	inNodeLog  = inNode + "/node/log"
)

// Names of services, as status shows them.
const (
	svcEtcd       = "etcd"
	svcAPI        = "kube-apiserver"
	svcKCM        = "kube-controller-manager"
	svcScheduler  = "kube-scheduler"
	svcContainerd = "containerd"
	svcKubelet    = "kubelet"
	svcProxy      = "kube-proxy"
	svcFast       = "fast-node"
)

// inNodeEnv is what services in a node have in their environment beside PATH and HOME. The machine's /tmp is visible in a
// node, so they must not write there.
var inNodeEnv = []string{"TMPDIR=/var/tmp"}

// nodeService is a service of a node that is started again when it ends.
func nodeService(name, program string, args ...string) supervisor.Service {
	return supervisor.Service{
		Name: name, Args: append([]string{program}, args...), Env: inNodeEnv, Dir: "/",
		Log: filepath.Join(inNodeLog, name+".log"), Restart: true,
	}
}

// etcdService is the one etcd of a lab. It listens on a unix socket only.
func etcdService(d dirs, bin string) supervisor.Service {
	return supervisor.Service{
		Name: svcEtcd, Dir: d.etcd(), Log: d.log(svcEtcd), Restart: true,
		Args: []string{
			filepath.Join(bin, "etcd"), "--name=lab", "--data-dir=data",
			"--listen-client-urls=unix://etcd:0", "--advertise-client-urls=unix://etcd:0",
			"--listen-peer-urls=unix://peer:0", "--initial-advertise-peer-urls=unix://peer:0",
			"--initial-cluster=lab=unix://peer:0", "--unsafe-no-fsync", "--log-level=warn",
		},
	}
}

func apiServer(c ClusterPlan) supervisor.Service {
	crt := func(name string) string { return filepath.Join(inNodePKI, name+".crt") }
	key := func(name string) string { return filepath.Join(inNodePKI, name+".key") }
	address := c.API.Addr().String()
	return nodeService(svcAPI, filepath.Join(inNodeBin, svcAPI),
		"--etcd-servers=unix://"+inNodeEtcd+"/etcd:0", "--etcd-prefix=/"+c.Name,
		"--bind-address="+address, "--advertise-address="+address, fmt.Sprintf("--secure-port=%d", apiPort),
		"--tls-cert-file="+crt(pkiAPI), "--tls-private-key-file="+key(pkiAPI), "--client-ca-file="+crt(pkiCA),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+crt(pkiSA), "--service-account-signing-key-file="+key(pkiSA),
		"--kubelet-client-certificate="+crt(pkiAPIKubelet), "--kubelet-client-key="+key(pkiAPIKubelet),
		"--kubelet-certificate-authority="+crt(pkiCA), "--kubelet-preferred-address-types=InternalIP",
		"--requestheader-client-ca-file="+crt(pkiCA), "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+crt(pkiFront), "--proxy-client-key-file="+key(pkiFront), "--enable-aggregator-routing",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged",
		"--service-cluster-ip-range="+c.ServiceCIDR.String(), "--endpoint-reconciler-type=lease", "--shutdown-delay-duration=0s",
		"--profiling=false",
	)
}

// controllers are the services that only work once the API server has made its RBAC objects; before, they would end or,
// worse, hang.
func controllers(c ClusterPlan) []supervisor.Service {
	kubeconfig := func(name string) []string {
		f := filepath.Join(inNodePKI, name+".conf")
		return []string{"--kubeconfig=" + f, "--authentication-kubeconfig=" + f, "--authorization-kubeconfig=" + f, "--leader-elect=false", "--bind-address=127.0.0.1", "--profiling=false"}
	}
	kcm := append(kubeconfig(svcKCM),
		"--use-service-account-credentials", "--service-account-private-key-file="+inNodePKI+"/sa.key", "--root-ca-file="+inNodePKI+"/ca.crt",
		"--cluster-signing-cert-file="+inNodePKI+"/ca.crt", "--cluster-signing-key-file="+inNodePKI+"/ca.key",
		"--allocate-node-cidrs", "--cluster-cidr="+c.PodCIDR.String(), "--service-cluster-ip-range="+c.ServiceCIDR.String(),
		// With the default of 20 requests a second the first ServiceAccounts take six seconds.
		"--kube-api-qps=500", "--kube-api-burst=1000",
	)
	for _, p := range c.PodCIDR {
		family := "ipv4"
		if p.Addr().Is6() {
			family = "ipv6"
		}
		kcm = append(kcm, fmt.Sprintf("--node-cidr-mask-size-%s=%d", family, c.maskSize(p)))
	}
	return []supervisor.Service{
		nodeService(svcKCM, filepath.Join(inNodeBin, svcKCM), kcm...),
		nodeService(svcScheduler, filepath.Join(inNodeBin, svcScheduler), kubeconfig(svcScheduler)...),
	}
}
