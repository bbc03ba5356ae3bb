// Package house holds the house rules that a machine can check: every package opens with a map, imports point one way, metrics
// are named as Prometheus wants it, and what is generated is current. It has tests only; this file is their package comment.
package house
