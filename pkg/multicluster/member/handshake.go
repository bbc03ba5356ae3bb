package member

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync/atomic"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// Reasons of the condition Connected of a member's ClusterSet, beside the leader's own for refusing.
const (
	reasonConnected         = "Heartbeat"
	reasonJoining           = "Joining"
	ReasonRemoved           = "RemovedByLeader"
	ReasonTokenRefused      = "TokenRefused"
	reasonNoToken           = "NoToken"
	reasonLeaderUnreachable = "LeaderUnreachable"
)

// handshake asks the leader for a credential, step by step: it returns a Refusal for as long as there is none.
type handshake struct {
	scheme *runtime.Scheme
}

// run makes one step: it reads the leader's answer, and asks if it has not asked yet. On success the identity has a
// credential, yet to be saved.
func (h *handshake) run(ctx context.Context, at endpoint, id *identity, leaderID, joinToken string) error {
	leader, err := h.look(ctx, at, id, joinToken)
	if !apierrors.IsNotFound(err) {
		return err
	}
	if id.joinedWith == digest(joinToken) {
		// The leader's administrator removed this cluster. Asking with the same token again would undo that.
		return &join.Refusal{Reason: ReasonRemoved, Message: "the leader has removed this cluster: join again with a new token, or leave"}
	}
	return h.ask(ctx, leader, at.namespace, id, leaderID)
}

// look reads the leader's answer with the join token; the error is NotFound if it was not asked.
func (h *handshake) look(ctx context.Context, at endpoint, id *identity, joinToken string) (client.Client, error) {
	if joinToken == "" {
		return nil, &join.Refusal{Reason: reasonNoToken, Message: fmt.Sprintf("there is no Secret %s with a token that asks to join: run `antctl mc join`", JoinSecret)}
	}
	var token atomic.Pointer[string]
	token.Store(&joinToken)
	leader, err := at.client(h.scheme, &token)
	if err != nil {
		return nil, err
	}
	key := client.ObjectKey{Namespace: at.namespace, Name: join.AnnounceFor(id.key.Public())}
	var a v1alpha1.MemberClusterAnnounce
	err = leader.Get(ctx, key, &a)
	switch {
	case apierrors.IsUnauthorized(err):
		return nil, &join.Refusal{Reason: ReasonTokenRefused, Message: "the leader does not know the join token, or it has ended: make a new one with `antctl mc create membertoken` and join with it"}
	case err != nil:
		return leader, fmt.Errorf("read the answer of the leader at %s: %w", at.server, err)
	}
	return leader, accept(id, &a, digest(joinToken), at.ca)
}

// ask creates the request. The answer comes later.
func (h *handshake) ask(ctx context.Context, leader client.Client, namespace string, id *identity, leaderID string) error {
	var me authenticationv1.SelfSubjectReview
	if err := leader.Create(ctx, &me); err != nil {
		return fmt.Errorf("ask the leader whose token this is: %w", err)
	}
	request := &v1alpha1.MemberClusterAnnounce{
		ObjectMeta:      metav1.ObjectMeta{Namespace: namespace, Name: join.AnnounceFor(id.key.Public())},
		ClusterID:       id.membership.ClusterID,
		ClusterSetID:    id.membership.ClusterSetID,
		LeaderClusterID: leaderID,
		PublicKey:       id.key.Public(),
		Requester:       me.Status.UserInfo.Username,
	}
	if err := leader.Create(ctx, request); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("ask the leader to join: %w", err)
	}
	return &join.Refusal{Reason: reasonJoining, Message: "asked the leader; waiting for its answer: is antrea-mc-controller running there?"}
}

// accept takes the credential out of a granted request.
func accept(id *identity, a *v1alpha1.MemberClusterAnnounce, used, ca string) error {
	answer := meta.FindStatusCondition(a.Status.Conditions, v1alpha2.ConditionAccepted)
	if answer == nil {
		return &join.Refusal{Reason: reasonJoining, Message: "asked the leader; waiting for its answer: is antrea-mc-controller running there?"}
	}
	if answer.Status != metav1.ConditionTrue {
		return &join.Refusal{Reason: answer.Reason, Message: answer.Message}
	}
	credential, err := id.key.Open(id.membership.ClusterSetID, id.membership.ClusterID, a.Status.SealedCredential)
	if err != nil {
		return err
	}
	id.credential, id.joinedWith, id.ca = &credential, used, []byte(ca)
	return nil
}

func digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
