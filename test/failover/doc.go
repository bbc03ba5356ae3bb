// Package failover breaks gateways between two clusters while traffic crosses them, and says what that cost.
//
// Start at [Scene.Play], which brings up lab.yaml: three gateways in one cluster, two in the other, an ordinary Node in both.
// faults.go has what can happen to a gateway, traffic.go the streams that cross meanwhile, settle.go how it is known that all is
// well again, table.go the result. TestRealFailover runs a kill and a drain with -quick, and all of them with -full,
// as make e2e-failover does.
package failover
