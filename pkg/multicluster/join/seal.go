package join

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/json"
	"fmt"
	"time"
)

// CredentialLifetime is asked for when a credential is issued: for so long a member can be away and talk to the leader
// afterwards.
const CredentialLifetime = 7 * 24 * time.Hour

// Credential is what a member needs to talk to the leader from then on.
type Credential struct {
	// Namespace is the member's own, at the leader.
	Namespace string `json:"namespace"`
	// Token is for the ServiceAccount MemberName in that namespace.
	Token string `json:"token"`
	// Issued and Expires are when the token begins and ends.
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
}

// Renewal is when to get a new token: half-way, so that there is as much time again to try.
func (c Credential) Renewal() time.Time { return c.Issued.Add(c.Expires.Sub(c.Issued) / 2) }

// PrivateKey is the half that stays with the member.
type PrivateKey struct{ key hpke.PrivateKey }

func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// NewKey makes a key for one membership.
func NewKey() (PrivateKey, error) {
	k, err := kem().GenerateKey()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("make an X25519 key: %w", err)
	}
	return PrivateKey{k}, nil
}

// ParseKey reads what Bytes gave.
func ParseKey(b []byte) (PrivateKey, error) {
	k, err := kem().NewPrivateKey(b)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("read an X25519 private key: %w", err)
	}
	return PrivateKey{k}, nil
}

// Bytes is the key in the form it is kept in.
func (k PrivateKey) Bytes() ([]byte, error) { return k.key.Bytes() }

// Public is the half that everyone may see.
func (k PrivateKey) Public() []byte { return k.key.PublicKey().Bytes() }

// Open reads a credential that was sealed to this key for this cluster.
func (k PrivateKey) Open(clusterSetID, clusterID string, sealed []byte) (Credential, error) {
	var c Credential
	plain, err := hpke.Open(k.key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(clusterSetID, clusterID), sealed)
	if err != nil {
		return c, fmt.Errorf("open the credential for cluster %q: it was sealed to another key: %w", clusterID, err)
	}
	if err := json.Unmarshal(plain, &c); err != nil {
		return c, fmt.Errorf("read the credential for cluster %q: %w", clusterID, err)
	}
	return c, nil
}

// Seal encrypts a credential so that only the owner of the public key can read it, and only as what it is.
func Seal(publicKey []byte, clusterSetID, clusterID string, c Credential) ([]byte, error) {
	pub, err := kem().NewPublicKey(publicKey)
	if err != nil {
		return nil, fmt.Errorf("public key of cluster %q is no X25519 key: %w", clusterID, err)
	}
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return hpke.Seal(pub, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info(clusterSetID, clusterID), plain)
}

// info binds a sealed box to its purpose. Neither ID can have a zero byte.
func info(clusterSetID, clusterID string) []byte {
	return []byte("antrea-mc credential v1\x00" + clusterSetID + "\x00" + clusterID)
}
