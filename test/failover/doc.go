// Package failover breaks gateways between two clusters while traffic crosses them, and says what that cost.
//
// Start at [Scene.Play], which brings up lab.yaml: three gateways in one cluster, two in the other, an ordinary Node in both.
// faults.go has what can happen to a gateway, run.go one time of it, traffic.go the streams that cross meanwhile and ways.go between
// which Pods, settle.go how it is known that all is well again, favor.go what makes a machine out of a Node, table.go the result.
// make e2e-failover runs all of it.
package failover
