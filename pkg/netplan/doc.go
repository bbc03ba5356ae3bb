// Package netplan turns what a Pod and the configuration of multus ask for into the attachments of that Pod.
//
// Start at [Config.Wants], which lists the networks of a Pod, and [Plan], which makes attachments of them once their
// configurations were found. config.go is the configuration of multus, selection.go the annotation of a Pod, list.go a network's
// configuration, attachment.go the plan, change.go that of a Pod that runs, route.go default routes, status.go the annotation that
// tells what a Pod has.
//
// No files, no sockets, no Kubernetes: the same input gives the same plan.
package netplan
