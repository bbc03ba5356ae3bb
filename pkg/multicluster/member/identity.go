package member

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

const (
	// IdentitySecret holds the key and the credential of this cluster. Only this name and JoinSecret may be read.
	IdentitySecret = "antrea-mc-member-identity"
	// JoinSecret holds the token that asks to join and the leader's ca.crt.
	JoinSecret = "antrea-mc-join"

	keyPrivateKey = "private-key"
	keyMembership = "membership"
	keyCredential = "credential"
	keyJoinedWith = "joined-with"
	keyCA         = "ca.crt"
)

// membership is what an identity is for. Another ClusterSet or cluster ID needs another key.
type membership struct {
	ClusterSetID string `json:"clusterSetID"`
	ClusterID    string `json:"clusterID"`
}

func membershipOf(set *v1alpha2.ClusterSet) membership {
	return membership{ClusterSetID: set.Name, ClusterID: string(set.Spec.ClusterID)}
}

// identity is who this cluster is to the leader.
type identity struct {
	membership membership
	key        join.PrivateKey
	credential *join.Credential // nil until the leader has answered
	joinedWith string           // digest of the join token that the credential was asked for with
	ca         []byte           // the leader's ca.crt as of then
}

// identities keeps the identity in a Secret.
type identities struct {
	client    client.Client
	live      client.Reader
	namespace string
}

// ensure reads the identity for a membership, or makes a new one.
func (s *identities) ensure(ctx context.Context, m membership) (*identity, error) {
	id, err := s.load(ctx, m)
	if id != nil || err != nil {
		return id, err
	}
	key, err := join.NewKey()
	if err != nil {
		return nil, err
	}
	id = &identity{membership: m, key: key}
	return id, s.save(ctx, id)
}

// load reads the identity for a membership; nil if there is none.
func (s *identities) load(ctx context.Context, m membership) (*identity, error) {
	var secret corev1.Secret
	err := s.live.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: IdentitySecret}, &secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s/%s: %w", s.namespace, IdentitySecret, err)
	}
	id, err := parseIdentity(secret.Data)
	if err != nil {
		return nil, fmt.Errorf("read Secret %s/%s: %w: delete it and join again", s.namespace, IdentitySecret, err)
	}
	if id.membership != m {
		return nil, nil
	}
	return id, nil
}

func (s *identities) save(ctx context.Context, id *identity) error {
	data, err := id.data()
	if err != nil {
		return err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: IdentitySecret}, Data: data}
	err = s.client.Update(ctx, secret)
	if apierrors.IsNotFound(err) {
		err = s.client.Create(ctx, secret)
	}
	if err != nil {
		return fmt.Errorf("write Secret %s/%s: %w", s.namespace, IdentitySecret, err)
	}
	return nil
}

func (s *identities) remove(ctx context.Context) error {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: IdentitySecret}}
	if err := s.client.Delete(ctx, secret); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete Secret %s/%s: %w", s.namespace, IdentitySecret, err)
	}
	return nil
}

func (id *identity) data() (map[string][]byte, error) {
	key, err := id.key.Bytes()
	if err != nil {
		return nil, err
	}
	m, err := json.Marshal(id.membership)
	if err != nil {
		return nil, err
	}
	data := map[string][]byte{keyPrivateKey: key, keyMembership: m, keyJoinedWith: []byte(id.joinedWith), keyCA: id.ca}
	if id.credential != nil {
		if data[keyCredential], err = json.Marshal(id.credential); err != nil {
			return nil, err
		}
	}
	return data, nil
}

func parseIdentity(data map[string][]byte) (*identity, error) {
	id := &identity{joinedWith: string(data[keyJoinedWith]), ca: data[keyCA]}
	var err error
	if id.key, err = join.ParseKey(data[keyPrivateKey]); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data[keyMembership], &id.membership); err != nil {
		return nil, fmt.Errorf("read %s: %w", keyMembership, err)
	}
	if len(data[keyCredential]) > 0 {
		id.credential = new(join.Credential)
		if err := json.Unmarshal(data[keyCredential], id.credential); err != nil {
			return nil, fmt.Errorf("read %s: %w", keyCredential, err)
		}
	}
	return id, nil
}
