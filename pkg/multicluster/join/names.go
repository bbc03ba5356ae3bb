package join

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	// LabelClusterID marks what belongs to one member: its namespace at the leader and the objects in it.
	LabelClusterID = "multicluster.antrea.io/cluster-id"
	// LabelLeaderNamespace says which leader made a member's namespace; several may share an API server.
	LabelLeaderNamespace = "multicluster.antrea.io/leader-namespace"
	// LabelToken marks the ServiceAccount of a join token, in the leader's namespace.
	LabelToken = "multicluster.antrea.io/join-token"
	// AnnotationClusterID on a join token reserves a cluster ID for it.
	AnnotationClusterID = "multicluster.antrea.io/cluster-id"
	// AnnotationExpires is when a join token ends (RFC 3339).
	AnnotationExpires = "multicluster.antrea.io/expires"
	// AnnotationKey on a member's namespace is the fingerprint of the key that owns the cluster ID.
	AnnotationKey = "multicluster.antrea.io/key"

	// RoleJoin is the Role, in the leader's namespace, of a join token: create and get a MemberClusterAnnounce.
	RoleJoin = "antrea-mc-join"
	// ClusterRoleMember is what a member may do in its own namespace.
	ClusterRoleMember = "antrea-mc-member"
	// ClusterRoleReader is what a member may do in the leader's namespace: read ResourceImports.
	ClusterRoleReader = "antrea-mc-import-reader"
	// MemberName names the member's ServiceAccount, Lease and RoleBinding in its own namespace. The leader may issue tokens
	// for ServiceAccounts of this name only.
	MemberName = "antrea-mc-member"
	// ExportClusterInfo names the ResourceExport with the cluster's addresses.
	ExportClusterInfo = "clusterinfo"
)

// NamespaceFor names the namespace of a member in the API of its leader. A hash, because two names that users choose cannot
// be joined to one that is unique and short enough.
func NamespaceFor(leaderNamespace, clusterID string) string {
	return "antrea-mc-" + digest([]byte(leaderNamespace + "/" + clusterID))[:20]
}

// User is the user name of a ServiceAccount's token.
func User(namespace, serviceAccount string) string {
	return "system:serviceaccount:" + namespace + ":" + serviceAccount
}

// AnnounceFor names the MemberClusterAnnounce of a public key.
func AnnounceFor(publicKey []byte) string { return AnnounceOf(Fingerprint(publicKey)) }

// AnnounceOf names the MemberClusterAnnounce of the key with a fingerprint.
func AnnounceOf(fingerprint string) string {
	return "member-" + strings.TrimPrefix(fingerprint, fingerprintPrefix)
}

// Fingerprint is a public key as people compare it.
func Fingerprint(publicKey []byte) string { return fingerprintPrefix + digest(publicKey)[:40] }

const fingerprintPrefix = "sha256:"

// ImportClusterInfo names the ResourceImport with a cluster's addresses. A cluster ID has no dots.
func ImportClusterInfo(clusterID string) string { return "clusterinfo." + clusterID }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
