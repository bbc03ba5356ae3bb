package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is a cluster's certificate authority.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// pair is a certificate and its key in PEM.
type pair struct{ cert, key []byte }

// certificate says what a certificate is for.
type certificate struct {
	user   string
	groups []string
	hosts  []string // DNS names and IP addresses
}

const validity = 10 * 365 * 24 * time.Hour

func newAuthority(name string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	t, err := unsigned(certificate{user: name})
	if err != nil {
		return nil, err
	}
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage, t.ExtKeyUsage = x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature, nil
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("certificate authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// issue makes a key and a certificate for both ends of a TLS connection.
func (a *authority) issue(c certificate) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	t, err := unsigned(c)
	if err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return pair{}, fmt.Errorf("certificate of %s: %w", c.user, err)
	}
	keyPEM, err := encodeKey(key)
	return pair{cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), key: keyPEM}, err
}

func unsigned(c certificate) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: c.user, Organization: c.groups},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(validity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range c.hosts {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return t, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// serviceAccountKey makes the pair that signs and checks ServiceAccount tokens.
func serviceAccountKey() (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return pair{}, err
	}
	private, err := encodeKey(key)
	return pair{cert: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), key: private}, err
}

// Names of the files in a cluster's PKI folder, without .crt and .key.
const (
	pkiCA         = "ca"
	pkiAPI        = "apiserver"
	pkiAPIKubelet = "apiserver-kubelet-client"
	pkiFront      = "front-proxy-client"
	pkiSA         = "sa"
)

// writePKI makes the keys and certificates of a cluster: those of the control plane in d.pki, those of each node in its
// /etc/kubernetes, and the administrator's kubeconfig, which reaches the API server through the forwarder at server.
func writePKI(d dirs, c ClusterPlan, forwarder string) error {
	ca, err := newAuthority(c.Name + "-ca")
	if err != nil {
		return err
	}
	dir := d.pki(c.Name)
	caKey, err := encodeKey(ca.key)
	if err != nil {
		return err
	}
	sa, err := serviceAccountKey()
	if err != nil {
		return err
	}
	pairs := map[string]pair{pkiCA: {ca.pem, caKey}, pkiSA: sa}
	for name, cert := range map[string]certificate{
		pkiAPI: {user: "kube-apiserver", hosts: []string{
			c.API.Addr().String(), c.First.String(), "127.0.0.1", "localhost", "kubernetes", "kubernetes.default",
			"kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		}},
		pkiAPIKubelet: {user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}},
		pkiFront:      {user: "front-proxy-client"},
	} {
		if pairs[name], err = ca.issue(cert); err != nil {
			return err
		}
	}
	for name, p := range pairs {
		if err := writePair(filepath.Join(dir, name), p); err != nil {
			return err
		}
	}

	server := "https://" + c.API.String()
	configs := []struct {
		file, server string
		who          certificate
	}{
		{d.kubeconfig(c.Name), "https://" + forwarder, certificate{user: "admin", groups: []string{"system:masters"}}},
		{filepath.Join(dir, "kube-controller-manager.conf"), server, certificate{user: "system:kube-controller-manager"}},
		{filepath.Join(dir, "kube-scheduler.conf"), server, certificate{user: "system:kube-scheduler"}},
	}
	for _, n := range c.Nodes {
		etc := filepath.Join(d.node(n.Name), "etc", "kubernetes")
		hosts := []string{n.Name}
		for _, a := range n.Address {
			hosts = append(hosts, a.String())
		}
		serving, err := ca.issue(certificate{user: "system:node:" + n.Name, groups: []string{"system:nodes"}, hosts: hosts})
		if err != nil {
			return err
		}
		if err := writePair(filepath.Join(etc, "kubelet"), serving); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(etc, "ca.crt"), ca.pem, 0o644); err != nil {
			return err
		}
		configs = append(configs, []struct {
			file, server string
			who          certificate
		}{
			{filepath.Join(etc, "kubelet.conf"), server, certificate{user: "system:node:" + n.Name, groups: []string{"system:nodes"}}},
			{filepath.Join(etc, "kube-proxy.conf"), server, certificate{user: "system:kube-proxy"}},
		}...)
	}
	for _, k := range configs {
		p, err := ca.issue(k.who)
		if err != nil {
			return err
		}
		text, err := kubeconfig(c.Name, k.server, ca.pem, p)
		if err != nil {
			return err
		}
		if err := writeFile(k.file, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func writePair(stem string, p pair) error {
	if err := writeFile(stem+".crt", p.cert, 0o644); err != nil {
		return err
	}
	return writeFile(stem+".key", p.key, 0o600)
}

// writeFile writes a file and makes the folders above it.
func writeFile(name string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, mode)
}
