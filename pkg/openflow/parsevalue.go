package openflow

import (
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
)

// parseValue reads a field's value with its mask, as appendValue writes it and as ovs-ofctl takes it.
func (x *Syntax) parseValue(f FieldID, s string) (value, mask string, err error) {
	text, maskText, masked := strings.Cut(s, "/")
	row := &fields[f]
	switch row.format {
	case formatMAC:
		value, err = parseMACValue(text)
		if err == nil && masked {
			mask, err = parseMACValue(maskText)
		}
	case formatIPv4, formatIPv6:
		value, mask, err = parseAddrValue(f, text, maskText, masked)
	case formatPort:
		if masked {
			if value, err = parseNumber(text, f.Bytes()); err == nil {
				mask, err = parseNumber(maskText, f.Bytes())
			}
			break
		}
		var p Port
		p, err = x.parsePort(s)
		value = uintBytes(uint64(p), f.Bytes())
	case formatFrag:
		pair, ok := fragValues[s]
		if !ok {
			return "", "", fmt.Errorf("%s=%q is none of no, yes, first, later, not_later", f, s)
		}
		return string(pair[:1]), string(pair[1:]), nil
	case formatCTState:
		return parseFlags(f, ctStateNames, s)
	case formatTCPFlags:
		return parseFlags(f, tcpFlagNames, s)
	case formatTunFlags:
		return parseFlags(f, tunFlagNames, s)
	case formatPacketType:
		return parsePacketType(s)
	case formatBytes:
		return x.parseBytes(f, text, maskText, masked)
	default:
		value, err = parseNumber(text, f.Bytes())
		if err == nil && !fits(f, value) {
			err = fmt.Errorf("%s does not fit into %d bits", text, f.Bits())
		}
		if err == nil && masked {
			mask, err = parseNumber(maskText, f.Bytes())
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", f, err)
	}
	return value, mask, nil
}

// parseBytes reads the value of a tun_metadata field. No text at all means that the packet has the option.
func (x *Syntax) parseBytes(f FieldID, text, maskText string, masked bool) (value, mask string, err error) {
	if text == "" {
		n := max(x.tunLen(f), 4)
		return allZeros[:n], allZeros[:n], nil
	}
	if value, err = parseNumber(text, f.Bytes()); err == nil && masked {
		mask, err = parseNumber(maskText, f.Bytes())
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", f, err)
	}
	digits := max(len(strings.TrimLeft(value, "\x00")), len(strings.TrimLeft(mask, "\x00")))
	n := x.tunLen(f)
	switch {
	case n == 0:
		n = max((digits+3)/4*4, 4)
	case digits > n:
		return "", "", fmt.Errorf("%s: %s does not fit into the %d bytes that are mapped", f, text, n)
	}
	value = value[len(value)-n:]
	if masked {
		mask = mask[len(mask)-n:]
	}
	return value, mask, nil
}

func parseMACValue(s string) (string, error) {
	m, err := ParseMAC(s)
	return string(m[:]), err
}

func parseAddrValue(f FieldID, text, maskText string, masked bool) (value, mask string, err error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || len(a.AsSlice()) != f.Bytes() {
		return "", "", fmt.Errorf("%q is not an address of %d bits", text, f.Bits())
	}
	value = string(a.AsSlice())
	if !masked {
		return value, "", nil
	}
	if n, err := strconv.ParseUint(maskText, 10, 8); err == nil && int(n) <= f.Bits() {
		p, err := a.Prefix(int(n))
		if err != nil {
			return "", "", err
		}
		ones := make([]byte, f.Bytes())
		for i := range int(n) {
			ones[i/8] |= 0x80 >> (i % 8)
		}
		return string(p.Addr().AsSlice()), string(ones), nil
	}
	m, err := netip.ParseAddr(maskText)
	if err != nil || m.Zone() != "" || len(m.AsSlice()) != f.Bytes() {
		return "", "", fmt.Errorf("mask %q is neither a length nor an address", maskText)
	}
	return value, string(m.AsSlice()), nil
}

// parseNumber reads a decimal or 0x number of any width into n bytes.
func parseNumber(s string, n int) (string, error) {
	if v, err := strconv.ParseUint(s, 0, min(8*n, 64)); err == nil {
		return uintBytes(v, n), nil
	}
	digits, base := s, 10
	if rest, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		digits, base = rest, 16
	}
	v, ok := new(big.Int).SetString(digits, base)
	if len(s) > 310 || !ok || v.Sign() < 0 || v.BitLen() > 8*n || strings.ContainsAny(digits, "+_") {
		return "", fmt.Errorf("%q is not a number of %d bits", s, 8*n)
	}
	return string(v.FillBytes(make([]byte, n))), nil
}

// uintBytes is v in n bytes; n may be more than eight.
func uintBytes(v uint64, n int) string {
	b := make([]byte, n)
	for i := n - 1; i >= 0 && v != 0; i-- {
		b[i] = byte(v)
		v >>= 8
	}
	return string(b)
}

func parsePacketType(s string) (value, mask string, err error) {
	ns, kind, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(s, "("), ")"), ",")
	a, errA := strconv.ParseUint(ns, 0, 16)
	c, errC := strconv.ParseUint(kind, 0, 16)
	if !ok || errA != nil || errC != nil {
		return "", "", fmt.Errorf("packet_type=%q is not (namespace,type)", s)
	}
	return uintBytes(a<<16|c, 4), "", nil
}

// parseFlags reads +set-clear, set|set or a number with its mask.
func parseFlags(f FieldID, names []string, s string) (value, mask string, err error) {
	n := f.Bytes()
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		text, maskText, masked := strings.Cut(s, "/")
		v, err := strconv.ParseUint(text, 0, 8*n)
		if err != nil {
			return "", "", fmt.Errorf("%s=%q: %w", f, s, err)
		}
		if !masked {
			if v>>len(names) != 0 {
				return "", "", fmt.Errorf("%s=%q: there are flags for the lowest %d bits only", f, s, len(names))
			}
			return uintBytes(v, n), "", nil
		}
		m, err := strconv.ParseUint(maskText, 0, 8*n)
		if err == nil && (v|m)>>len(names) != 0 {
			err = fmt.Errorf("there are flags for the lowest %d bits only", len(names))
		}
		if err != nil {
			return "", "", fmt.Errorf("%s=%q: %w", f, s, err)
		}
		return uintBytes(v, n), uintBytes(m, n), nil
	}
	bit := func(name string) (uint64, error) {
		for i, known := range names {
			if name == known {
				return 1 << i, nil
			}
		}
		return 0, fmt.Errorf("%s=%q: unknown flag %q", f, s, name)
	}
	var v, m uint64
	if strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") {
		for rest := s; rest != ""; {
			set := rest[0] == '+'
			end := strings.IndexAny(rest[1:], "+-") + 1
			if end == 0 {
				end = len(rest)
			}
			b, err := bit(rest[1:end])
			if err != nil {
				return "", "", err
			}
			m |= b
			if set {
				v |= b
			}
			rest = rest[end:]
		}
		return uintBytes(v, n), uintBytes(m, n), nil
	}
	for name := range strings.SplitSeq(s, "|") {
		b, err := bit(name)
		if err != nil {
			return "", "", err
		}
		v |= b
	}
	return uintBytes(v, n), "", nil
}
