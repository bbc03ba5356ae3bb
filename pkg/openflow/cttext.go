package openflow

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	algFTP  = 21
	algTFTP = 69
)

func (x *Syntax) appendCT(b, action []byte) ([]byte, bool) {
	ct, ok := decodeCT(action)
	if !ok {
		return b, false
	}
	b = append(b, "ct("...)
	if ct.Commit {
		b = append(b, "commit,"...)
	}
	if ct.Force {
		b = append(b, "force,"...)
	}
	if ct.Table != nil {
		b = append(x.appendTable(append(b, "table="...), *ct.Table), ',')
	}
	if ct.ZoneFrom.Width > 0 {
		b = append(x.appendSubfield(append(b, "zone="...), ct.ZoneFrom), ',')
	} else if ct.Zone != 0 {
		b = fmt.Appendf(b, "zone=%d,", ct.Zone)
	}
	if ct.NAT != nil {
		b = append(appendNAT(b, *ct.NAT), ',')
	}
	if ct.Exec.list != "" {
		b = append(x.appendActionList(append(b, "exec("...), []byte(ct.Exec.list)), "),"...)
	}
	switch ct.ALG {
	case 0:
	case algFTP:
		b = append(b, "alg=ftp"...)
	case algTFTP:
		b = append(b, "alg=tftp"...)
	default:
		b = fmt.Appendf(b, "alg=%d", ct.ALG)
	}
	if b[len(b)-1] == ',' {
		b = b[:len(b)-1]
	}
	return append(b, ')'), true
}

func (p *actionParser) parseCT(a Actions, s string) (Actions, error) {
	var ct CT
	err := eachWord(s, func(word string) error {
		key, value, _ := strings.Cut(word, "=")
		if name, argument := cutCall(word); name == "nat" || name == "exec" {
			key, value = name, argument
		}
		return p.parseCTArgument(&ct, key, value)
	})
	if err == nil && ct.Force && !ct.Commit {
		err = fmt.Errorf("force without commit")
	}
	if err != nil {
		return Actions{}, err
	}
	return a.bounded(len(ct.Exec.list), func() Actions { return a.CT(ct) })
}

func (p *actionParser) parseCTArgument(ct *CT, key, value string) (err error) {
	switch key {
	case "commit":
		ct.Commit = true
	case "force":
		ct.Force = true
	case "table":
		table, err := p.parseTable(value)
		ct.Table = TableRef(table)
		if err == nil && table == TableAll {
			err = fmt.Errorf("no table %d", table)
		}
		return err
	case "zone":
		if v, err := parseUint(value, 16); err == nil {
			ct.Zone = uint16(v)
			return nil
		}
		ct.ZoneFrom, err = p.parseSubfield(value)
		if err == nil && ct.ZoneFrom.Width != 16 {
			err = fmt.Errorf("a zone has 16 bits, %s has not", ct.ZoneFrom)
		}
	case "nat":
		n, err := parseNAT(value)
		ct.NAT = &n
		return err
	case "exec":
		ct.Exec, err = p.nested(value)
	case "alg":
		switch value {
		case "ftp":
			ct.ALG = algFTP
		case "tftp":
			ct.ALG = algTFTP
		default:
			v, err := parseUint(value, 16)
			ct.ALG = uint16(v)
			return err
		}
	default:
		return fmt.Errorf("ct has no argument %q", key)
	}
	return err
}

func appendNAT(b []byte, n NAT) []byte {
	b = append(b, "nat"...)
	switch n.Kind {
	case NATExisting:
		return b
	case NATSource:
		b = append(b, "(src"...)
	case NATDestination:
		b = append(b, "(dst"...)
	}
	if n.Addr.IsValid() {
		b = append(b, '=')
		b = appendNATAddr(b, n.Addr, n.Port)
		if n.AddrMax.IsValid() {
			b = appendNATAddr(append(b, '-'), n.AddrMax, n.Port)
		}
	}
	if n.Port != 0 {
		b = fmt.Appendf(b, ":%d", n.Port)
		if n.PortMax != 0 {
			b = fmt.Appendf(b, "-%d", n.PortMax)
		}
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{{n.Persistent, ",persistent"}, {n.Hash, ",hash"}, {n.Random, ",random"}} {
		if flag.set {
			b = append(b, flag.name...)
		}
	}
	return append(b, ')')
}

// appendNATAddr puts brackets around an IPv6 address that a port follows.
func appendNATAddr(b []byte, a netip.Addr, port uint16) []byte {
	if a.Is6() && port != 0 {
		return append(a.AppendTo(append(b, '[')), ']')
	}
	return a.AppendTo(b)
}

func parseNAT(s string) (NAT, error) {
	var n NAT
	err := eachWord(s, func(word string) error {
		key, value, hasValue := strings.Cut(word, "=")
		switch key {
		case "src", "dst":
			n.Kind = NATSource
			if key == "dst" {
				n.Kind = NATDestination
			}
			if hasValue {
				return n.parseRange(value)
			}
		case "persistent":
			n.Persistent = true
		case "hash":
			n.Hash = true
		case "random":
			n.Random = true
		default:
			return fmt.Errorf("nat has no argument %q", key)
		}
		return nil
	})
	return n, err
}

// parseRange reads 10.0.0.1-10.0.0.9:80-90, [fd00::1]-[fd00::9]:80 or fd00::1-fd00::9.
func (n *NAT) parseRange(s string) error {
	addrs, ports := s, ""
	switch i := strings.LastIndex(s, "]"); {
	case i >= 0:
		addrs, ports = s[:i+1], strings.TrimPrefix(s[i+1:], ":")
	case strings.Count(s, ":") == 1:
		addrs, ports, _ = strings.Cut(s, ":")
	}
	first, last, isRange := strings.Cut(addrs, "-")
	var err error
	if n.Addr, err = parseNATAddr(first); err != nil {
		return err
	}
	if isRange {
		if n.AddrMax, err = parseNATAddr(last); err != nil {
			return err
		}
		if n.AddrMax.Is4() != n.Addr.Is4() {
			return fmt.Errorf("%q mixes IPv4 and IPv6", s)
		}
	}
	if ports == "" {
		return nil
	}
	minText, maxText, isRange := strings.Cut(ports, "-")
	v, err := parseUint(minText, 16)
	n.Port = uint16(v)
	if err == nil && isRange {
		v, err = parseUint(maxText, 16)
		n.PortMax = uint16(v)
	}
	return err
}

func parseNATAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q is not an address", s)
	}
	return a, nil
}
