package config

import (
	"fmt"
	"strings"

	"github.com/antrea-mc/antrea-mc/pkg/antreaconf"
)

const referenceHead = `# Configuration of the agent

<!-- Made by go test ./pkg/agent/config -update; do not edit. -->

Key ` + "`antrea-agent.conf`" + ` of ConfigMap ` + "`antrea-config`" + ` in kube-system, in YAML. Dots stand for levels: ` + "`multicluster.enable`" + ` is key
` + "`enable`" + ` in map ` + "`multicluster`" + `. A change takes effect when the agents start again:
` + "`kubectl -n kube-system rollout restart daemonset/antrea-agent`" + `. An agent that finds anything wrong in the file names all of it in its log and
does not start; the switch goes on with what it has. The values in force are the first thing in the log.

## Keys

| key | default | meaning |
|---|---|---|
`

const referenceFixed = `
## Keys of Antrea

A file made for Antrea may have these keys, at Antrea's default. Any other value is refused.

| key | value |
|---|---|
`

const referenceGates = `
## Feature gates

In map ` + "`featureGates`" + `. A gate that is not implemented is accepted at Antrea's default and refused at the other value.

| gate | default | |
|---|---|---|
`

// Reference is the page of the documentation about keys and feature gates, in Markdown.
func Reference() string {
	var keyRows, fixedRows, gateRows strings.Builder
	for _, k := range keys {
		if k.Implemented() {
			fmt.Fprintf(&keyRows, "| `%s` | `%s` | %s |\n", k.Name, antreaconf.Show(k.Default), k.Doc)
		} else {
			fmt.Fprintf(&fixedRows, "| `%s` | `%s` |\n", k.Name, antreaconf.Show(k.Default))
		}
	}
	for _, g := range gates {
		implemented := "not implemented"
		if g.Implemented {
			implemented = "implemented"
		}
		fmt.Fprintf(&gateRows, "| `%s` | `%t` | %s |\n", g.Name, g.Default, implemented)
	}
	return referenceHead + keyRows.String() + referenceFixed + fixedRows.String() + referenceGates + gateRows.String()
}
