package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

// FormatMessage is a whole encoded message as `ovs-ofctl ofp-print` prints it.
func FormatMessage(b []byte) (string, error) {
	text, err := (&Syntax{OpenFlow15: true}).AppendMessage(nil, b)
	return string(text), err
}

// AppendMessage appends a whole encoded message as `ovs-ofctl ofp-print` prints it. Flows in messages of OpenFlow 1.0 are
// spelled in its own way, whatever the Syntax says.
func (x *Syntax) AppendMessage(b, message []byte) ([]byte, error) {
	start := len(b)
	p := printer{b: b, Syntax: *x}
	if err := p.message(message); err != nil {
		return p.b[:start], err
	}
	return p.b, nil
}

// printer appends the text of messages.
type printer struct {
	Syntax
	b       []byte
	version uint8
	nested  int // messages around this one
}

func (p *printer) format(format string, args ...any) { p.b = fmt.Appendf(p.b, format, args...) }

func (p *printer) match(m Match)     { p.b = p.AppendMatch(p.b, m) }
func (p *printer) actions(a Actions) { p.b = p.AppendActions(p.b, a) }
func (p *printer) port(port Port)    { p.b = p.appendPort(p.b, port) }

// matchAt is a match after its priority.
func (p *printer) matchAt(priority uint16, m Match) {
	if priority != DefaultPriority {
		p.format("priority=%d", priority)
		if !m.IsZero() {
			p.format(",")
		}
	}
	p.match(m)
}

// texter is what has text of its own in messages.
type texter interface{ appendText(p *printer) }

// textOf is the text of a message without its header.
func textOf(m texter) string {
	p := printer{Syntax: *plain, version: Version15}
	m.appendText(&p)
	return strings.TrimSuffix(string(p.b), "\n")
}

// message appends a whole message, and a line feed if it did not end with one.
func (p *printer) message(b []byte) error {
	h, m, err := Decode(b)
	if err != nil {
		return err
	}
	p.version = h.Version
	p.OpenFlow15 = h.Version > Version10
	if !p.name(h, b) {
		p.format("%s (xid=%#x):\n", h.Type, h.Xid)
	}
	switch m := m.(type) {
	case Multipart:
		err = p.multipart(m)
	case texter:
		m.appendText(p)
	case Raw:
		p.hexDump(b)
	}
	if n := len(p.b); p.b[n-1] != '\n' {
		p.b = append(p.b, '\n')
	}
	return err
}

var versionNames = map[uint8]string{1: "", 2: " (OF1.1)", 3: " (OF1.2)", 4: " (OF1.3)", 5: " (OF1.4)", 6: " (OF1.5)"}

// name appends what comes before the body, of a kind of message that is known.
func (p *printer) name(h Header, b []byte) bool {
	k, ok := kindAt(h, b[HeaderLen:])
	if ok {
		p.format("%s%s (xid=%#x):", k.Name, versionNames[h.Version], h.Xid)
	}
	return ok
}

// hexDump appends bytes as numbers and characters, sixteen a line.
func (p *printer) hexDump(b []byte) {
	for at := 0; at < len(b); at += 16 {
		p.format("%08x ", at)
		line := b[at:min(at+16, len(b))]
		for i := range 16 {
			separator := " "
			if i == 8 && len(line) >= 8 {
				separator = "-"
			}
			if i < len(line) {
				p.format("%s%02x", separator, line[i])
			} else {
				p.format("%s  ", separator)
			}
		}
		p.format(" |")
		for i := range 16 {
			c := byte(' ')
			if i < len(line) {
				if c = line[i]; c < 0x20 || c > 0x7e {
					c = '.'
				}
			}
			p.b = append(p.b, c)
		}
		p.format("|\n")
	}
}

// numbered is the name with a number, or the number if there is none.
func numbered(names []string, n uint32) string {
	if int64(n) < int64(len(names)) {
		return names[n]
	}
	return strconv.FormatUint(uint64(n), 10)
}

// bitNames appends the names of the bits that are set, and as a number those without.
func (p *printer) bitNames(bits uint32, names []string, separator string) {
	if bits == 0 {
		p.format("0")
		return
	}
	first := true
	next := func() {
		if !first {
			p.format("%s", separator)
		}
		first = false
	}
	for i, name := range names {
		if bits&(1<<i) != 0 && name != "" {
			next()
			p.format("%s", name)
			bits &^= 1 << i
		}
	}
	if bits != 0 {
		next()
		p.format("%#x", bits)
	}
}

// knownBits appends the names of the bits that have one.
func (p *printer) knownBits(bits uint32, names []string) {
	for i := range 32 {
		if i >= len(names) || names[i] == "" {
			bits &^= 1 << i
		}
	}
	p.bitNames(bits, names, " ")
}
