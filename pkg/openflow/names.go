package openflow

import (
	"iter"
	"strconv"
	"strings"
)

// NamePorts takes the names of ports from their descriptions. As with ovs-ofctl, a name that two ports have is none, and the
// reserved ports keep their own. Nor is there a name for a port that is called as a reserved one, which text could not tell
// from it.
func (x *Syntax) NamePorts(ports iter.Seq[PortDesc]) {
	x.Ports = make(map[Port]string)
	seen := make(map[string]int)
	for p := range ports {
		x.Ports[p.Port] = p.Name
		seen[p.Name]++
		if _, err := ParsePort(p.Name); err == nil && p.Name[0] > '9' {
			delete(x.Ports, p.Port)
		}
	}
	onlyUnique(x.Ports, seen)
}

// NameTables takes the names of tables from their features, except for those that two tables have.
func (x *Syntax) NameTables(tables iter.Seq[TableFeatures]) {
	x.Tables = make(map[TableID]string)
	seen := make(map[string]int)
	for f := range tables {
		x.Tables[f.Table] = f.Name
		seen[f.Name]++
	}
	onlyUnique(x.Tables, seen)
}

// onlyUnique takes away what has no name, or one that was seen more than once.
func onlyUnique[K comparable](names map[K]string, seen map[string]int) {
	for k, name := range names {
		if name == "" || seen[name] > 1 {
			delete(names, k)
		}
	}
}

func (x *Syntax) appendPort(b []byte, p Port) []byte {
	if name, ok := x.Ports[p]; ok && portNames[p] == "" {
		return appendName(b, name)
	}
	return append(b, p.String()...)
}

// parsePort takes a number or the name of a reserved port for that, unless it is in quotes.
func (x *Syntax) parsePort(s string) (Port, error) {
	p, err := ParsePort(s)
	if err == nil {
		return p, nil
	}
	if p, ok := numberOf(x.Ports, s); ok {
		return p, nil
	}
	return 0, err
}

func (x *Syntax) appendTable(b []byte, t TableID) []byte {
	if name, ok := x.Tables[t]; ok {
		return appendName(b, name)
	}
	return strconv.AppendUint(b, uint64(t), 10)
}

func (x *Syntax) parseTable(s string) (TableID, error) {
	n, err := parseUint(s, 8)
	if err == nil {
		return TableID(n), nil
	}
	if t, ok := numberOf(x.Tables, s); ok {
		return t, nil
	}
	return 0, err
}

// numberOf is what has a name, which may be in quotes.
func numberOf[K comparable](names map[K]string, name string) (k K, ok bool) {
	if name = unquote(name); name == "" {
		return k, false
	}
	for k, known := range names {
		if known == name {
			return k, true
		}
	}
	return k, false
}

// appendName appends a name, in quotes unless it is a letter and then letters and digits.
func appendName(b []byte, name string) []byte {
	for i, c := range []byte(name) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return strconv.AppendQuote(b, name)
		}
	}
	return append(b, name...)
}

func unquote(s string) string {
	if strings.HasPrefix(s, `"`) {
		s, _ = strconv.Unquote(s)
	}
	return s
}
