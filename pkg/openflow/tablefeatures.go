package openflow

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Properties of table features; those from instructions to apply-setfield come for table misses too, one number higher.
const (
	tableInstructions  = 0
	tableNextTables    = 2
	tableWriteActions  = 4
	tableApplyActions  = 6
	tableMatch         = 8
	tableWildcards     = 10
	tableWriteSetField = 12
	tableApplySetField = 14
)

// abilities are what the properties of table features say of flows, or of table misses.
type abilities struct {
	next         [256]bool
	instructions []uint16
	write, apply actionAbilities
}

type actionAbilities struct {
	actions   []uint16
	setFields []FieldID
}

func (a actionAbilities) equal(b actionAbilities) bool {
	return slices.Equal(a.actions, b.actions) && slices.Equal(a.setFields, b.setFields)
}

func (a actionAbilities) isEmpty() bool { return len(a.actions)+len(a.setFields) == 0 }

// tableAbilities are the properties of table features. Fields are in the order in which they came, which is that of Open
// vSwitch.
type tableAbilities struct {
	flows, miss             abilities
	match, masked, wildcard []FieldID
}

func (f TableFeatures) abilities() (t tableAbilities) {
	var bodies [tableApplySetField + 2][]byte
	var there [len(bodies)]bool
	for p, err := range properties(f.Properties) {
		if err == nil && int(p.kind) < len(bodies) {
			bodies[p.kind], there[p.kind] = p.body, true
		}
	}
	for kind := 1; kind < len(bodies); kind += 2 {
		if !there[kind] { // it is not said for misses, so they are no exception
			bodies[kind] = bodies[kind-1]
		}
	}
	t.flows.read(bodies[:])
	t.miss.read(bodies[1:])
	t.match, t.masked = fieldsIn(bodies[tableMatch])
	t.wildcard, _ = fieldsIn(bodies[tableWildcards])
	return t
}

func (a *abilities) read(bodies [][]byte) {
	for _, id := range bodies[tableNextTables] {
		a.next[id] = true
	}
	a.instructions = typesIn(bodies[tableInstructions])
	a.write.actions, a.apply.actions = typesIn(bodies[tableWriteActions]), typesIn(bodies[tableApplyActions])
	a.write.setFields, _ = fieldsIn(bodies[tableWriteSetField])
	a.apply.setFields, _ = fieldsIn(bodies[tableApplySetField])
}

// typesIn reads types with lengths.
func typesIn(b []byte) (list []uint16) {
	for len(b) >= 4 {
		n := int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			break
		}
		list, b = append(list, binary.BigEndian.Uint16(b)), b[n:]
	}
	return list
}

// fieldsIn reads headers of fields, and which of them have a mask.
func fieldsIn(b []byte) (all, masked []FieldID) {
	for len(b) >= 4 {
		id := oxmID{class: binary.BigEndian.Uint16(b), field: b[2] >> 1}
		hasMask := b[2]&1 != 0
		if b = b[4:]; id.class == classExperimenter {
			if len(b) < 4 {
				break
			}
			id.experimenter, b = binary.BigEndian.Uint32(b), b[4:]
		}
		if f := fieldOf(id); f != 0 {
			all = append(all, f)
			if hasMask {
				masked = append(masked, f)
			}
		}
	}
	return all, masked
}

// equal compares what tables can do. That a table cannot go to itself does not count.
func (a *abilities) equal(table TableID, b *abilities, other TableID) bool {
	next := a.next
	switch {
	case other == table+1 && next[other] && !b.next[other]:
		next[other] = false
	case table == other+1 && b.next[table] && !next[table]:
		next[table] = true
	}
	return next == b.next && slices.Equal(a.instructions, b.instructions) && a.write.equal(b.write) && a.apply.equal(b.apply)
}

func (a *abilities) isEmpty() bool {
	return a.next == [256]bool{} && len(a.instructions) == 0 && a.write.isEmpty() && a.apply.isEmpty()
}

// tableFeatures appends tables, those that can do what the one before can in few words.
func (p *printer) tableFeatures(list []TableFeatures) {
	var before *TableFeatures
	var had tableAbilities
	first, last := -1, -1
	ditto := func() {
		switch {
		case first < 0:
		case first == last:
			p.format("\n  table %d: ditto\n", first)
		default:
			p.format("\n  tables %d...%d: ditto\n", first, last)
		}
		first = -1
	}
	for i := range list {
		f := &list[i]
		t := f.abilities()
		same := before != nil && f.MetadataMatch == before.MetadataMatch && f.MetadataWrite == before.MetadataWrite &&
			f.Capabilities == before.Capabilities && f.MaxEntries == before.MaxEntries &&
			t.flows.equal(f.Table, &had.flows, before.Table) && t.miss.equal(f.Table, &had.miss, before.Table) && slices.Equal(t.match, had.match)
		if same && f.Name == "" {
			if last = int(f.Table); first < 0 {
				first = last
			}
		} else {
			ditto()
			p.format("\n  table %d", f.Table)
			if f.Name != "" {
				p.format(" (\"%s\")", f.Name)
			}
			if p.format(":"); same {
				p.format(" ditto")
			} else {
				p.tableFeature(f, &t, before, &had)
			}
		}
		before, had = f, t
	}
	ditto()
}

func (p *printer) tableFeature(f *TableFeatures, t *tableAbilities, before *TableFeatures, had *tableAbilities) {
	p.format("\n")
	if f.MetadataMatch|f.MetadataWrite != 0 {
		p.format("    metadata: match=%s write=%s\n", hexText(f.MetadataMatch), hexText(f.MetadataWrite))
	}
	p.format("    eviction: %ssupported\n", not(f.Capabilities&TableEviction == 0))
	p.format("    vacancy events: %ssupported\n", not(f.Capabilities&TableVacancy == 0))
	if f.MaxEntries != 0 {
		p.format("    max_entries=%d\n", f.MaxEntries)
	}
	var hadFlows, hadMiss *abilities
	if before != nil {
		hadFlows, hadMiss = &had.flows, &had.miss
	}
	switch {
	case before != nil && t.flows.equal(f.Table, hadFlows, before.Table) && t.miss.equal(f.Table, hadMiss, before.Table):
		if !t.flows.isEmpty() {
			p.format("    (same instructions)\n")
		}
	case !t.flows.equal(f.Table, &t.miss, f.Table):
		p.format("    instructions (other than table miss):\n")
		p.abilities(&t.flows, hadFlows)
		p.format("    instructions (table miss):\n")
		p.abilities(&t.miss, hadMiss)
	case !t.flows.isEmpty():
		p.format("    instructions (table miss and others):\n")
		p.abilities(&t.flows, hadFlows)
	}
	switch {
	case len(t.match) == 0:
	case before != nil && slices.Equal(t.match, had.match):
		p.format("    (same matching)\n")
	default:
		p.format("    matching:\n")
		p.matching(t)
	}
}

// matching appends the fields that can be matched, by how.
func (p *printer) matching(t *tableAbilities) {
	var exact, must []FieldID
	for _, f := range t.match {
		switch {
		case slices.Contains(t.masked, f):
		case slices.Contains(t.wildcard, f):
			exact = append(exact, f)
		default:
			must = append(must, f)
		}
	}
	for _, line := range []struct {
		how  string
		list []FieldID
	}{{"arbitrary mask", t.masked}, {"exact match or wildcard", exact}, {"must exact match", must}} {
		if len(line.list) > 0 {
			p.format("      %s: %s\n", line.how, fieldNames(line.list))
		}
	}
}

var (
	// instructionNames and actionNames are in the order in which ovs-ofctl prints them.
	instructionNames = []numberName{{insApplyActions, "apply_actions"}, {insClearActions, "clear_actions"}, {insWriteActions, "write_actions"},
		{insWriteMetadata, "write_metadata"}, {insGoto, "goto_table"}}
	actionNames = []numberName{{actOutput, "output"}, {actGroup, "group"}, {actSetField, "set_field"}, {actPopVLAN, "strip_vlan"},
		{actPushVLAN, "push_vlan"}, {actSetNwTTL, "mod_nw_ttl"}, {actDecNwTTL, "dec_ttl"}, {actSetMPLSTTL, "set_mpls_ttl"},
		{actDecMPLSTTL, "dec_mpls_ttl"}, {actPushMPLS, "push_mpls"}, {actPopMPLS, "pop_mpls"}, {actSetQueue, "set_queue"}}
)

type numberName struct {
	number uint16
	name   string
}

// namesOf are the names of numbers, in the order of the names.
func namesOf(list []uint16, names []numberName) string {
	var found []string
	for _, known := range names {
		if slices.Contains(list, known.number) {
			found = append(found, known.name)
		}
	}
	return strings.Join(found, " ")
}

func (p *printer) abilities(a, had *abilities) {
	if ranges := tableRanges(&a.next); ranges != "" {
		p.format("      next tables: %s\n", ranges)
	}
	switch {
	case len(a.instructions) == 0:
	case had != nil && slices.Equal(a.instructions, had.instructions):
		p.format("      (same instructions)\n")
	default:
		p.format("      instructions: %s\n", namesOf(a.instructions, instructionNames))
	}
	switch {
	case had != nil && a.write.equal(had.write) && a.apply.equal(had.apply) && len(a.write.setFields) > 0:
		p.format("      (same actions)\n")
	case !a.write.equal(a.apply):
		p.format("      Write-Actions features:\n")
		p.actionAbilities(a.write)
		p.format("      Apply-Actions features:\n")
		p.actionAbilities(a.apply)
	case !a.write.isEmpty():
		p.format("      Write-Actions and Apply-Actions features:\n")
		p.actionAbilities(a.write)
	}
}

func (p *printer) actionAbilities(a actionAbilities) {
	if len(a.actions) > 0 {
		p.format("        actions: %s\n", namesOf(a.actions, actionNames))
	}
	if len(a.setFields) > 0 {
		p.format("        supported on Set-Field: %s\n", fieldNames(a.setFields))
	}
}

// tableRanges is the tables that are set, such as 1-253.
func tableRanges(next *[256]bool) string {
	var list []string
	for i := 0; i < len(next); i++ {
		if !next[i] {
			continue
		}
		first := i
		for i+1 < len(next) && next[i+1] {
			i++
		}
		if text := strconv.Itoa(first); i == first {
			list = append(list, text)
		} else {
			list = append(list, fmt.Sprintf("%s-%d", text, i))
		}
	}
	return strings.Join(list, ",")
}

// fieldNames is names of fields, what they begin with said once, as in tun_{id,src} reg0...reg15.
func fieldNames(list []FieldID) string {
	var names []string
	for _, f := range list {
		if f == FieldInPort {
			names = append(names, "in_port_oxm")
		} else {
			names = append(names, fields[f].name)
		}
	}
	return strings.Join(shortened(names), " ")
}

func shortened(names []string) (list []string) {
	for i := 0; i < len(names); {
		n := 1
		prefix, _, ok := strings.Cut(names[i], "_")
		for ok && i+n < len(names) && strings.HasPrefix(names[i+n], prefix+"_") {
			n++
		}
		if n > 1 {
			var rest []string
			for _, name := range names[i : i+n] {
				rest = append(rest, name[len(prefix)+1:])
			}
			list = append(list, prefix+"_{"+strings.Join(shortened(rest), ",")+"}")
			i += n
			continue
		}
		if n = numberedFrom(names[i:]); n > 1 {
			list = append(list, names[i]+"..."+names[i+n-1])
		} else {
			list = append(list, names[i])
		}
		i += n
	}
	return list
}

// numberedFrom is how many names at the front count up, such as reg0, reg1 and reg2.
func numberedFrom(names []string) int {
	stem := strings.TrimRight(names[0], "0123456789")
	start, err := strconv.Atoi(names[0][len(stem):])
	n := 1
	for err == nil && n < len(names) && names[n] == stem+strconv.Itoa(start+n) {
		n++
	}
	return n
}
