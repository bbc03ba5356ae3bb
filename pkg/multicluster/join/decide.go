package join

import (
	"fmt"
	"time"
)

// Request is what a MemberClusterAnnounce asks for.
type Request struct {
	Name         string // of the MemberClusterAnnounce
	ClusterID    string
	ClusterSetID string
	PublicKey    []byte
	Requester    string // user name of the token, as admission saw it
}

// Token is a join token that exists.
type Token struct {
	User      string // system:serviceaccount:<namespace>:<name>
	ClusterID string // the only cluster ID it may be used for, or ""
	Expires   time.Time
}

// Reasons of the condition Accepted of a MemberClusterAnnounce.
const (
	ReasonJoined            = "Joined"
	ReasonLeaving           = "Leaving"
	ReasonNoClusterSet      = "NoClusterSet"
	ReasonOtherClusterSet   = "OtherClusterSet"
	ReasonInvalidRequest    = "InvalidRequest"
	ReasonTokenUnknown      = "TokenUnknown"
	ReasonTokenExpired      = "TokenExpired"
	ReasonTokenForOther     = "TokenForOtherCluster"
	ReasonClusterIDReserved = "ClusterIDReserved"
	ReasonClusterIDTaken    = "ClusterIDTaken"
	ReasonNamespaceOccupied = "NamespaceOccupied"
)

// A Refusal says why a cluster may not join, and what to do.
type Refusal struct{ Reason, Message string }

func (r *Refusal) Error() string { return r.Message }

// Decide says whether the request may be granted as far as tokens go: a nil Refusal means yes. Whether the cluster ID is
// still free is decided by who creates the member's namespace first.
func Decide(r Request, clusterSetID string, tokens []Token, now time.Time) *Refusal {
	if r.Name != AnnounceFor(r.PublicKey) {
		return &Refusal{ReasonInvalidRequest, fmt.Sprintf("the name of this request is not %s, which its public key gives", AnnounceFor(r.PublicKey))}
	}
	if _, err := kem().NewPublicKey(r.PublicKey); err != nil {
		return &Refusal{ReasonInvalidRequest, "publicKey is no X25519 key"}
	}
	if r.ClusterSetID != clusterSetID {
		return &Refusal{ReasonOtherClusterSet, fmt.Sprintf("the ClusterSet of this leader is %q, not %q: join with --clusterset %s", clusterSetID, r.ClusterSetID, clusterSetID)}
	}
	var token *Token
	for i, t := range tokens {
		if t.User == r.Requester {
			token = &tokens[i]
		}
	}
	const newToken = "make a new one with `antctl mc create membertoken` and join with it"
	switch {
	case token == nil:
		return &Refusal{ReasonTokenUnknown, fmt.Sprintf("%s is no join token of this leader, or was deleted: %s", r.Requester, newToken)}
	case !now.Before(token.Expires):
		return &Refusal{ReasonTokenExpired, fmt.Sprintf("the join token ended at %s: %s", token.Expires.Format(time.RFC3339), newToken)}
	case token.ClusterID != "" && token.ClusterID != r.ClusterID:
		return &Refusal{ReasonTokenForOther, fmt.Sprintf("the join token is for cluster %q only: join with that --clusterid or with another token", token.ClusterID)}
	}
	for _, t := range tokens {
		if t.ClusterID == r.ClusterID && t.User != token.User && token.ClusterID == "" && now.Before(t.Expires) {
			return &Refusal{ReasonClusterIDReserved, fmt.Sprintf("cluster ID %q is reserved for the holder of %s: join with that token", r.ClusterID, t.User)}
		}
	}
	return nil
}
