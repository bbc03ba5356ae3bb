package lab

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestWritePKI(t *testing.T) {
	d, err := ParseDescription([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	dir := dirs(t.TempDir())
	c := NewPlan(d).Clusters[0]
	if err := writePKI(dir, c, "127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}

	admin, err := clientcmd.LoadFromFile(dir.kubeconfig("a"))
	if err != nil {
		t.Fatal(err)
	}
	if admin.CurrentContext != "a" || admin.Clusters["a"].Server != "https://127.0.0.1:1" {
		t.Errorf("administrator's kubeconfig: %+v", admin)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(admin.Clusters["a"].CertificateAuthorityData) {
		t.Fatal("no certificate authority")
	}
	verify := func(what string, p tls.Certificate, err error, host, user, group string) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		opts := x509.VerifyOptions{Roots: roots, DNSName: host, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if _, err := p.Leaf.Verify(opts); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if s := p.Leaf.Subject; s.CommonName != user || group != "" && (len(s.Organization) != 1 || s.Organization[0] != group) {
			t.Errorf("%s: %s", what, s)
		}
	}
	user := admin.AuthInfos["a"]
	p, err := tls.X509KeyPair(user.ClientCertificateData, user.ClientKeyData)
	verify("administrator", p, err, "", "admin", "system:masters")
	for _, host := range []string{"192.168.1.2", "10.2.0.1", "127.0.0.1", "kubernetes.default.svc"} {
		stem := filepath.Join(dir.pki("a"), pkiAPI)
		p, err := tls.LoadX509KeyPair(stem+".crt", stem+".key")
		verify("API server", p, err, host, "kube-apiserver", "")
	}
	for node, host := range map[string]string{"a-1": "192.168.1.2", "a-2": "a-2"} {
		stem := filepath.Join(dir.node(node), "etc/kubernetes/kubelet")
		p, err := tls.LoadX509KeyPair(stem+".crt", stem+".key")
		verify("kubelet", p, err, host, "system:node:"+node, "system:nodes")
	}
}
