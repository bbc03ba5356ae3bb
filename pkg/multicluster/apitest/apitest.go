// Package apitest starts real API servers for tests: one etcd, and for each cluster a kube-apiserver with RBAC and admission
// and the few controllers of kube-controller-manager that clean up. [Start] skips the test where the binaries are missing:
// they are looked for in ANTREA_MC_KUBE_BIN, then in the lab's cache.
package apitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Cluster is an API server. Config is its administrator's.
type Cluster struct {
	Name       string
	Config     *rest.Config
	Kubeconfig string // a file

	api, etcd *program
}

// token is what administrators of all clusters are known by.
const token = "administrator"

// Start starts one API server for each name and ends them with the test.
func Start(t testing.TB, names ...string) []*Cluster {
	t.Helper()
	bin := binaries(t)
	dir := t.TempDir()
	etcd := FreePort(t)
	url, peer := fmt.Sprintf("http://127.0.0.1:%d", etcd), fmt.Sprintf("http://127.0.0.1:%d", FreePort(t))
	store := run(t, dir, "etcd", filepath.Join(bin, "etcd"), "--name=test", "--data-dir="+filepath.Join(dir, "etcd"),
		"--listen-client-urls="+url, "--advertise-client-urls="+url, "--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
		"--initial-cluster=test="+peer, "--unsafe-no-fsync", "--log-level=warn")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tokens.csv"), []byte(token+",administrator,administrator,system:masters\n"), 0o600))
	writeKey(t, filepath.Join(dir, "sa.key"))
	writeProxy(t, filepath.Join(dir, "proxy.key"), filepath.Join(dir, "proxy.crt"))
	clusters := make([]*Cluster, len(names))
	for i, name := range names {
		clusters[i] = startAPI(t, bin, filepath.Join(dir, name), name, url, i)
		clusters[i].etcd = store
	}
	for _, c := range clusters {
		c.waitReady(t)
		c.startControllers(t, bin)
	}
	return clusters
}

// Stop ends the API server, as if the cluster had become unreachable.
func (c *Cluster) Stop() { c.api.stop() }

// Freeze has the API server answer nobody, or lets it go on.
func (c *Cluster) Freeze(on bool) error {
	if on {
		return c.api.signal(syscall.SIGSTOP)
	}
	return c.api.signal(syscall.SIGCONT)
}

// Crash kills the API server, or etcd under it, and starts it again with what it had stored. It does not wait until it is ready.
func (c *Cluster) Crash(etcd bool) error {
	p := c.api
	if etcd {
		p = c.etcd
	}
	p.stop()
	return p.start()
}

func startAPI(t testing.TB, bin, dir, name, etcd string, i int) *Cluster {
	require.NoError(t, os.MkdirAll(dir, 0o755))
	port := FreePort(t)
	common := filepath.Dir(dir)
	api := run(t, dir, "kube-apiserver", filepath.Join(bin, "kube-apiserver"),
		"--etcd-servers="+etcd, "--etcd-prefix=/"+name, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		"--secure-port="+strconv.Itoa(port), "--cert-dir="+dir, "--token-auth-file="+filepath.Join(common, "tokens.csv"),
		"--service-account-issuer=https://"+name+".example", "--service-account-key-file="+filepath.Join(common, "sa.key"),
		"--service-account-signing-key-file="+filepath.Join(common, "sa.key"), "--authorization-mode=RBAC",
		"--requestheader-client-ca-file="+filepath.Join(common, "proxy.crt"), "--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group", "--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+filepath.Join(common, "proxy.crt"), "--proxy-client-key-file="+filepath.Join(common, "proxy.key"),
		fmt.Sprintf("--service-cluster-ip-range=10.%d.0.0/20", 96+i), "--endpoint-reconciler-type=none",
		"--disable-admission-plugins=ServiceAccount", "--allow-privileged", "--shutdown-delay-duration=0s")
	return &Cluster{
		Name:       name,
		Config:     &rest.Config{Host: fmt.Sprintf("https://127.0.0.1:%d", port), BearerToken: token, QPS: 1000, Burst: 1000, TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(dir, "apiserver.crt")}},
		Kubeconfig: filepath.Join(dir, "kubeconfig"),
		api:        api,
	}
}

// waitReady waits for the API server, which makes its certificate at start.
func (c *Cluster) waitReady(t testing.TB) {
	var err error
	require.Eventually(t, func() bool {
		var ca []byte
		if ca, err = os.ReadFile(c.Config.CAFile); err != nil {
			return false
		}
		config := rest.CopyConfig(c.Config)
		config.CAFile, config.CAData = "", ca
		var client *kubernetes.Clientset
		if client, err = kubernetes.NewForConfig(config); err != nil {
			return false
		}
		if _, err = client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context()); err != nil {
			return false
		}
		c.Config = config
		return true
	}, 5*time.Minute, 100*time.Millisecond, "API server of %s: %v", c.Name, err)
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[c.Name] = &clientcmdapi.Cluster{Server: c.Config.Host, CertificateAuthorityData: c.Config.CAData}
	kubeconfig.AuthInfos[c.Name] = &clientcmdapi.AuthInfo{Token: token}
	kubeconfig.Contexts[c.Name] = &clientcmdapi.Context{Cluster: c.Name, AuthInfo: c.Name}
	kubeconfig.CurrentContext = c.Name
	require.NoError(t, clientcmd.WriteToFile(*kubeconfig, c.Kubeconfig))
}

// startControllers runs what ends namespaces and collects what has no owner any more.
func (c *Cluster) startControllers(t testing.TB, bin string) {
	dir := filepath.Dir(c.Kubeconfig)
	run(t, dir, "kube-controller-manager", filepath.Join(bin, "kube-controller-manager"), "--kubeconfig="+c.Kubeconfig,
		"--controllers=namespace-controller,garbage-collector-controller,root-ca-certificate-publisher-controller",
		"--root-ca-file="+filepath.Join(dir, "apiserver.crt"), "--leader-elect=false", "--secure-port=0", "--namespace-sync-period=2s")
}

// program is a program that is killed, by its own process, with the test.
type program struct {
	dir  string
	argv []string
	log  bytes.Buffer
	stop func()
	// signal sends it a signal.
	signal func(os.Signal) error
}

func (p *program) start() error {
	// Programs end after the test's own clean-up, so not with t.Context().
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, &p.log, &p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		cancel()
		return err
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	p.stop = func() {
		cancel()
		<-done
	}
	p.signal = cmd.Process.Signal
	return nil
}

// run starts a program. When the test fails, the end of its log is shown.
func run(t testing.TB, dir, name string, argv ...string) *program {
	p := &program{dir: dir, argv: argv}
	require.NoError(t, p.start())
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
			t.Logf("end of the log of %s in %s:\n%s", name, filepath.Base(dir), strings.Join(lines[max(0, len(lines)-15):], "\n"))
		}
	})
	return p
}

// binaries is the folder with etcd, kube-apiserver and kube-controller-manager.
func binaries(t testing.TB) string {
	candidates := []string{os.Getenv("ANTREA_MC_KUBE_BIN")}
	cache := os.Getenv("ANTREA_MC_CACHE")
	if user, err := os.UserCacheDir(); cache == "" && err == nil {
		cache = filepath.Join(user, "antrea-mc")
	}
	built, _ := filepath.Glob(filepath.Join(cache, "bin", "kubernetes-*"))
	slices.Reverse(built)
	for _, dir := range append(candidates, built...) {
		missing := slices.ContainsFunc([]string{"etcd", "kube-apiserver", "kube-controller-manager"}, func(name string) bool {
			_, err := os.Stat(filepath.Join(dir, name))
			return err != nil
		})
		if dir != "" && !missing {
			return dir
		}
	}
	t.Skip("no etcd and kube-apiserver: run `antrea-lab build`, or name their folder in ANTREA_MC_KUBE_BIN")
	return ""
}

// FreePort is a TCP port that nobody listens at, and that the kernel gives to no connection: a program that ends can start again with it.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 16000 + mathrand.N(16000)
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free TCP port")
	return 0
}

// writeKey makes the key that signs tokens of ServiceAccounts.
func writeKey(t testing.TB, file string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	require.NoError(t, os.WriteFile(file, text, 0o600))
}

// writeProxy makes the certificate by which an API server is known to those that it hands requests on to.
func writeProxy(t testing.TB, keyFile, certFile string) {
	writeKey(t, keyFile)
	text, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	proxy := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "front-proxy"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, proxy, proxy, key.Public(), key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
}
