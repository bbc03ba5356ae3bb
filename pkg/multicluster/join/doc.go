// Package join is what leader and member agree on when a cluster joins a ClusterSet.
//
// The member makes a key ([NewKey]) and, with a token that may do nothing else, creates a MemberClusterAnnounce named after
// its public half. The leader decides ([Decide]), makes a namespace for the member, and answers with a credential sealed to
// the key ([Seal], [PrivateKey.Open]). So the credential is of no use to whoever else holds the token, and the private key
// never leaves the member. Names are in names.go, the sealed box in seal.go, the decision in decide.go; nothing here talks
// to an API server.
package join
