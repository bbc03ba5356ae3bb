// Package member is the controller that every cluster of a ClusterSet runs.
//
// Start at [Setup], which adds two reconcilers to a manager. gateways.go turns annotated Nodes into Gateways; drain.go
// decides which, and which of them drain, without an API server. clusterset.go joins the leader, publishes this cluster's
// record, imports those of the others, and leaves; it uses handshake.go (the way to a credential), identity.go (where key and
// credential are kept), session.go (the connection to the leader), publish.go, published.go and imports.go. What this cluster
// says about itself is put together in clusterinfo.go, without an API server. metrics.go has what is counted.
//
// A leader that cannot be reached changes nothing here: records that were imported stay.
package member
