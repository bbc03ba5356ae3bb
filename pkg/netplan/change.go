package netplan

import (
	"errors"
	"fmt"
	"slices"
)

// Change is what has to be done to a Pod that runs for it to have the networks that its annotation asks for now. An interface that
// is in both lists is to be replaced.
type Change struct {
	Detach []string // interfaces
	Attach []Want   // with the names of their interfaces
	routes []Routes // of Attach
}

// errDefaultRoute says that a Pod that runs keeps its default route.
var errDefaultRoute = errors.New("key default-route of a network that is attached to a running Pod: its default route cannot change; start the Pod anew")

// Change compares what a Pod asks for with what it has. A network without the name of an interface keeps the one it has; a new one
// gets the name of its place, or the next that is free. The default network and the chain beside it stay as they are.
func (c Config) Change(pod Pod, have []Attachment) (Change, error) {
	all, err := c.Wants(pod)
	if err != nil {
		return Change{}, err
	}
	all = slices.DeleteFunc(all, func(w Want) bool { return w.Auxiliary })
	kept, err := nameInterfaces(all, have)
	if err != nil {
		return Change{}, err
	}
	selections := make([]Selection, len(all))
	for i, w := range all {
		selections[i] = w.Selection
	}
	routes, err := routes(selections)
	if err != nil {
		return Change{}, err
	}
	var change Change
	for i, w := range all[1:] {
		if kept[w.Interface] {
			continue
		}
		if w.DefaultRoute != nil {
			return Change{}, fmt.Errorf("network %s: %w", w.Ref(), errDefaultRoute)
		}
		change.Attach, change.routes = append(change.Attach, w), append(change.routes, routes[i+1])
	}
	for _, a := range have {
		if !a.Default && !a.Auxiliary && !kept[a.IfName] {
			change.Detach = append(change.Detach, a.IfName)
		}
	}
	return change, nil
}

// nameInterfaces names the interface of every network but the default one, and returns those that are as they are asked for.
func nameInterfaces(all []Want, have []Attachment) (kept map[string]bool, err error) {
	has := map[string]Selection{}
	taken := map[string]bool{}
	for _, a := range have {
		if a.Default {
			taken[a.IfName] = true
		} else if !a.Auxiliary {
			has[a.IfName] = a.Asked
		}
	}
	wants := all[1:]
	for _, w := range wants {
		if w.Interface != "" && taken[w.Interface] {
			return nil, fmt.Errorf("network %s: interface %s can only be one of them", w.Ref(), w.Interface)
		}
		if w.Interface != "" {
			taken[w.Interface] = true
		}
	}
	for i := range wants { // first those that the Pod has
		if wants[i].Interface != "" {
			continue
		}
		for _, a := range have {
			s := wants[i].Selection
			s.Interface = a.IfName
			if asked, ok := has[a.IfName]; ok && !taken[a.IfName] && same(asked, s) {
				wants[i].Interface, taken[a.IfName] = a.IfName, true
				break
			}
		}
	}
	for i := range wants {
		for place := i + 1; wants[i].Interface == ""; place++ {
			if name := fmt.Sprint("net", place); !taken[name] {
				wants[i].Interface, taken[name] = name, true
			}
		}
	}
	kept = map[string]bool{}
	for _, w := range wants {
		if asked, ok := has[w.Interface]; ok && same(asked, w.Selection) {
			kept[w.Interface] = true
		}
	}
	return kept, nil
}

func same(a, b Selection) bool { return string(encode(a)) == string(encode(b)) }

// Plan makes attachments of what is to be attached, once its configurations were found.
func (change Change) Plan(c Config, networks []Network) (all []Attachment, warnings []string, err error) {
	for i, w := range change.Attach {
		a, warning, err := c.attachment(w, networks[i], w.Interface, change.routes[i])
		if err != nil {
			return nil, nil, err
		}
		if warning != "" {
			warnings = append(warnings, warning)
		}
		all = append(all, a)
	}
	return all, warnings, nil
}
