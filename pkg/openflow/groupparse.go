package openflow

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// ParseGroup reads a group in the syntax of ovs-ofctl add-group, such as
// group_id=7,type=select,bucket=weight:100,watch_port:1,actions=output:1. Buckets without bucket_id get the lowest free numbers.
func ParseGroup(text string) (Group, error) { return plain.ParseGroup(text) }

// ParseGroupMod reads a line of a file for ovs-ofctl add-groups: a group after add, modify, add_or_mod, delete, insert_bucket or
// remove_bucket; add is meant if there is none. insert_bucket may say type=, which weights need.
func ParseGroupMod(text string) (GroupMod, error) { return plain.ParseGroupMod(text) }

// ParseGroup reads a group; see the function [ParseGroup].
func (x *Syntax) ParseGroup(text string) (Group, error) {
	m, err := x.parseGroupMod(GroupAdd, text)
	if err != nil {
		return Group{}, fmt.Errorf("group %q: %w", text, err)
	}
	return m.Group, nil
}

// ParseGroupMod reads a change of a group; see the function [ParseGroupMod].
func (x *Syntax) ParseGroupMod(text string) (GroupMod, error) {
	command, at := GroupAdd, 0
	for start, word := range words(text) {
		for c, name := range groupCommandNames {
			if word == name {
				command, at = c, start+len(word)
			}
		}
		break
	}
	m, err := x.parseGroupMod(command, text[at:])
	if err != nil {
		shift(err, at)
		return GroupMod{}, fmt.Errorf("group %q: %w", text, err)
	}
	return m, nil
}

// What a group without id has until it gets one.
const noGroupID = math.MaxUint32

func (x *Syntax) parseGroupMod(command GroupCommand, text string) (GroupMod, error) {
	m := GroupMod{Command: command, Group: Group{ID: noGroupID}}
	p := groupParser{Syntax: x, mod: &m}
	at := strings.Index(text, "bucket=")
	if at < 0 {
		at = len(text)
	}
	if err := eachWord(text[:at], p.word); err != nil {
		return GroupMod{}, err
	}
	if err := p.check(at < len(text)); err != nil {
		return GroupMod{}, err
	}
	for at < len(text) {
		at += len("bucket=")
		end := strings.Index(text[at:], "bucket=")
		if end < 0 {
			end = len(text) - at
		}
		k, err := x.parseBucket(text[at:at+end], m.Group.Type)
		if err != nil {
			shift(err, at)
			return GroupMod{}, err
		}
		m.Group.Buckets = append(m.Group.Buckets, k)
		at += end
	}
	if m.Group.Type == GroupIndirect && len(m.Group.Buckets) > 1 {
		return GroupMod{}, fmt.Errorf("an indirect group has one bucket, not %d", len(m.Group.Buckets))
	}
	m.Group.numberBuckets()
	return m, nil
}

// groupParser reads what comes before the buckets.
type groupParser struct {
	*Syntax
	mod             *GroupMod
	typed, bucketed bool // type and command_bucket_id were said
}

// check wants everything that the command needs, and nothing else.
func (p *groupParser) check(buckets bool) error {
	m, g := p.mod, &p.mod.Group
	changes := m.Command == GroupInsert || m.Command == GroupRemove
	switch {
	case g.ID == noGroupID && m.Command == GroupDelete && !p.typed:
		g.ID = GroupEvery
	case g.ID == noGroupID:
		return fmt.Errorf("no group_id=NUMBER")
	case g.ID == GroupEvery && m.Command != GroupDelete:
		return fmt.Errorf("group_id=all is for delete alone")
	}
	switch {
	case !p.typed && !changes && m.Command != GroupDelete:
		return fmt.Errorf("no type=, which is all, select, indirect or ff")
	case p.typed && (m.Command == GroupDelete || m.Command == GroupRemove):
		return fmt.Errorf("%s takes no type=", m.Command)
	case buckets && (m.Command == GroupDelete || m.Command == GroupRemove):
		return fmt.Errorf("%s takes no bucket=", m.Command)
	case p.bucketed && !changes:
		return fmt.Errorf("%s takes no command_bucket_id=", m.Command)
	case !p.bucketed && m.Command == GroupInsert:
		return fmt.Errorf("no command_bucket_id=, which is first, last or the number of the bucket to insert after")
	case m.Bucket == BucketAll && m.Command == GroupInsert:
		return fmt.Errorf("command_bucket_id=all is for remove_bucket alone")
	case !p.bucketed && m.Command == GroupRemove:
		m.Bucket = BucketAll
	}
	if len(g.Fields) > 0 && g.SelectionMethod != "hash" {
		return fmt.Errorf("fields need selection_method=hash")
	}
	if g.SelectionParam != 0 && g.SelectionMethod == "" {
		return fmt.Errorf("selection_method_param needs selection_method")
	}
	return nil
}

// notInWord reports whether a character would not be read back from text.
func notInWord(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"()[],", r) }

var groupTypes = map[string]GroupType{"all": GroupAll, "select": GroupSelect, "indirect": GroupIndirect, "ff": GroupFastFailover,
	"fast_failover": GroupFastFailover}

func (p *groupParser) word(word string) (err error) {
	key, value := cutKey(word)
	m, known := p.mod, true
	switch key {
	case "group_id":
		m.Group.ID, err = parseID(value, map[string]uint32{"all": GroupEvery})
	case "command_bucket_id":
		m.Bucket, err = parseID(value, bucketNames)
		p.bucketed = true
	case "type":
		m.Group.Type, known = groupTypes[value]
		p.typed = true
	case "selection_method":
		if m.Group.SelectionMethod = value; len(value) > 15 || value == "" || strings.ContainsFunc(value, notInWord) {
			err = fmt.Errorf("%q is not a word of at most 15 bytes", value)
		}
	case "selection_method_param":
		m.Group.SelectionParam, err = parseUint(value, 64)
	case "fields":
		m.Group.Fields, err = p.parseGroupFields(value)
	default:
		return fmt.Errorf("groups have no %q", key)
	}
	if !known {
		return fmt.Errorf("%q is none of all, select, indirect, ff", value)
	}
	return err
}

// cutKey splits key=value, key:value and key(value).
func cutKey(word string) (key, value string) {
	i := strings.IndexAny(word, ":=(")
	if i < 0 {
		return word, ""
	}
	if word[i] == '(' {
		return word[:i], strings.TrimSuffix(word[i+1:], ")")
	}
	return word[:i], word[i+1:]
}

// parseID reads the number of a group or a bucket, or a word that stands for one beyond them.
func parseID(s string, names map[string]uint32) (uint32, error) {
	const most = 0xffffff00
	if id, ok := names[s]; ok {
		return id, nil
	}
	v, err := parseUint(s, 32)
	if err == nil && uint32(v) > most {
		err = fmt.Errorf("%d is more than %#x", v, most)
	}
	return uint32(v), err
}

func (p *groupParser) parseGroupFields(s string) (list []GroupField, err error) {
	err = eachWord(s, func(word string) error {
		name, maskText, masked := strings.Cut(word, "=")
		id, ok := LookupField(name)
		if !ok {
			return fmt.Errorf("unknown field %q", name)
		}
		if slices.ContainsFunc(list, func(f GroupField) bool { return f.ID == id }) {
			return fmt.Errorf("%s is there already", name)
		}
		f := GroupField{ID: id}
		if masked {
			var mask string
			if f.Mask, mask, err = p.parseValue(id, maskText); err != nil {
				return err
			}
			switch f.Mask {
			case allOnes[:len(f.Mask)]:
				f.Mask = ""
			case allZeros[:len(f.Mask)]:
				return fmt.Errorf("a mask without bits")
			}
			if mask != "" {
				return fmt.Errorf("%q is the mask and has none", maskText)
			}
		}
		list = append(list, f)
		return nil
	})
	return list, err
}

// parseBucket reads what follows bucket=. Words that are nothing else are actions, also without actions= before them.
func (x *Syntax) parseBucket(text string, t GroupType) (Bucket, error) {
	k := Bucket{ID: BucketAll}
	if t == GroupSelect {
		k.Weight = 1
	}
	p := actionParser{Syntax: x, ipProto: ProtoTCP}
	acts := false
	err := eachWord(text, func(word string) (err error) {
		var v uint64
		switch key, value := cutKey(word); key {
		case "weight":
			v, err = parseUint(value, 16)
			if k.Weight = uint16(v); v != 0 && t != GroupSelect {
				return fmt.Errorf("a weight is for the buckets of select groups")
			}
		case "watch_port":
			if k.WatchPort, err = x.parsePort(value); err == nil && k.WatchPort >= PortMax && k.WatchPort != PortAny {
				return fmt.Errorf("%s cannot be watched", k.WatchPort)
			}
		case "watch_group":
			k.WatchGroup, err = parseID(value, map[string]uint32{"ANY": NoWatch, "any": NoWatch})
		case "bucket_id":
			k.ID, err = parseID(value, nil)
		case "action", "actions":
			var more Actions
			more, err = p.list(value)
			k.Actions, acts = k.Actions.Append(more), acts || value != ""
		default:
			k.Actions, err = p.action(k.Actions, word)
			acts = true
		}
		return err
	})
	k = k.canonical(t)
	switch {
	case err != nil:
		return Bucket{}, err
	case !acts:
		return Bucket{}, fmt.Errorf("bucket %q has no actions=", text)
	case k.Actions.after != "":
		return Bucket{}, fmt.Errorf("bucket %q has instructions, which are for flows", text)
	case t == GroupFastFailover && k.WatchPort == 0 && k.WatchGroup == 0:
		return Bucket{}, fmt.Errorf("bucket %q of a fast failover group has neither watch_port nor watch_group", text)
	}
	return k, nil
}

// numberBuckets gives buckets without number the lowest that no other has.
func (g *Group) numberBuckets() {
	taken := make(map[uint32]bool)
	for _, k := range g.Buckets {
		taken[k.ID] = true
	}
	next := uint32(0)
	for i := range g.Buckets {
		if g.Buckets[i].ID != BucketAll {
			continue
		}
		for taken[next] {
			next++
		}
		g.Buckets[i].ID = next
		next++
	}
}
