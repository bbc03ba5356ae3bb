// Package leader is the controller in the cluster whose API is the common area of a ClusterSet.
//
// Start at [Setup], which adds two reconcilers to a manager. announce.go answers requests to join and takes down what a
// cluster that left has had here; records.go publishes what the members export and keeps the ClusterSet's status; tokens.go
// knows the join tokens and deletes those that have ended. Which record may be published is decided in publish.go, without
// an API server. Everything is in the leader's namespace or in a namespace that the leader made for one member: nobody
// else's objects are touched.
package leader
