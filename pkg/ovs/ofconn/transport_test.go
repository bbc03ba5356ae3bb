package ofconn

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn/ofconntest"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// authority signs the certificates of a switch and its controller.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, "ca", &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes NAME.pem and NAME.key in the authority's directory.
func (a *authority) sign(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		name + ".pem": {Type: "CERTIFICATE", Bytes: der}, name + ".key": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(filepath.Join(a.dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// config is for one side of a connection, with a certificate for 127.0.0.1.
func (a *authority) config(t *testing.T, name string) *tls.Config {
	t.Helper()
	cert, key := a.sign(t, name, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	own := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	return &tls.Config{Certificates: []tls.Certificate{own}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestTransports(t *testing.T) {
	s, a := ofconntest.New(t), newAuthority(t)
	plain, secure := listen(t), listen(t)
	s.Serve(plain)
	s.Serve(tls.NewListener(secure, a.config(t, "switch")))
	known := Config{TLS: a.config(t, "controller")}
	stranger := Config{TLS: newAuthority(t).config(t, "controller")}
	for _, test := range []struct {
		name, addr string
		config     Config
		want       string // in the error
	}{
		{"unix", s.Addr(), Config{}, ""},
		{"tcp", "tcp:" + plain.Addr().String(), Config{}, ""},
		{"ssl", "ssl:" + secure.Addr().String(), known, ""},
		{"ssl without configuration", "ssl:" + secure.Addr().String(), Config{}, "needs Config.TLS"},
		{"ssl with another authority", "ssl:" + secure.Addr().String(), stranger, "unknown authority"},
		{"tcp to ssl", "tcp:" + secure.Addr().String(), Config{}, "wait for hello"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Dial(t.Context(), test.addr, test.config)
			if err != nil || test.want != "" {
				if test.want == "" || err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
				return
			}
			defer c.Close()
			if err := c.Bundle(t.Context(), manyMods); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRealController lets the switch connect to us, as it does to a controller, and hears what it says unasked.
func TestRealController(t *testing.T) {
	s, a := ovstest.Start(t, ovstest.Config{}), newAuthority(t)
	config := a.config(t, "controller")
	a.config(t, "switch")
	file := func(name string) string { return filepath.Join(a.dir, name) }
	s.Vsctl("set-ssl", file("switch.key"), file("switch.pem"), file("ca.pem"))
	for _, scheme := range []string{"tcp", "ssl"} {
		t.Run(scheme, func(t *testing.T) {
			bridge, listener := "br-"+scheme, listen(t)
			s.AddBridge(bridge)
			s.Vsctl("add-port", bridge, scheme+"1", "--", "set", "Interface", scheme+"1", "type=dummy", "ofport_request=1")
			s.Vsctl("set-controller", bridge, scheme+":"+listener.Addr().String())
			nc, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			if scheme == "ssl" {
				nc = tls.Server(nc, config)
			}
			c, err := New(t.Context(), nc, Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			defer s.Vsctl("del-controller", bridge)
			apply(t, c, "add table=0,priority=1,actions=CONTROLLER:65535")
			s.Appctl("netdev-dummy/receive", scheme+"1", "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x1234)")
			wantEvent(t, c, openflow.TypePacketIn)
			s.Vsctl("add-port", bridge, scheme+"2", "--", "set", "Interface", scheme+"2", "type=dummy")
			wantEvent(t, c, openflow.TypePortStatus)
			flow := openflow.Flow{Table: 3, Flags: openflow.FlagSendFlowRemoved}
			gone := openflow.FlowMod{Command: openflow.Delete, Flow: flow}
			if err := c.Send(t.Context(), openflow.FlowMod{Flow: flow}, gone); err != nil {
				t.Error(err)
			}
			wantEvent(t, c, openflow.TypeFlowRemoved)
		})
	}
}

// wantEvent takes events until there is one of a type.
func wantEvent(t *testing.T, c *Conn, want openflow.MessageType) Event {
	t.Helper()
	for e, err := range c.Events(t.Context()) {
		if err != nil {
			t.Fatalf("wait for %s: %v", want, err)
		}
		if e.Type == want {
			return e
		}
	}
	return Event{}
}
