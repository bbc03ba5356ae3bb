package s1

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// Encapsulated is one Geneve packet as tcpdump -e -nn printed it.
type Encapsulated struct {
	OuterSrc, OuterDst netip.Addr
	VNI                string // hexadecimal, as printed
	Protocol           string // TEB
	SrcMAC, DstMAC     string // of the inner frame
	Src, Dst           netip.Addr
	What               string // echo request, echo reply, …
}

var geneve = regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+)\.\d+ > (\d+\.\d+\.\d+\.\d+)\.6081: Geneve, Flags \[[^]]*\], vni (0x[0-9a-f]+)(?:, proto (\w+)[^:]*)?.*?: ` +
	`([0-9a-f:]{17}) > ([0-9a-f:]{17}), ethertype IPv4 \(0x0800\).*?: (\d+\.\d+\.\d+\.\d+) > (\d+\.\d+\.\d+\.\d+): (.*)`)

// ParseCapture returns the Geneve packets with an IPv4 frame inside.
func ParseCapture(out string) ([]Encapsulated, error) {
	var all []Encapsulated
	for line := range strings.Lines(strings.ReplaceAll(out, "\n\t", " ")) {
		m := geneve.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		e := Encapsulated{VNI: m[3], Protocol: m[4], SrcMAC: m[5], DstMAC: m[6], What: m[9]}
		for _, a := range []struct {
			to   *netip.Addr
			text string
		}{{&e.OuterSrc, m[1]}, {&e.OuterDst, m[2]}, {&e.Src, m[7]}, {&e.Dst, m[8]}} {
			addr, err := netip.ParseAddr(a.text)
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", line, err)
			}
			*a.to = addr
		}
		all = append(all, e)
	}
	return all, nil
}

// Find returns the packets from one inner address to another that contain what.
func Find(all []Encapsulated, src, dst netip.Addr, what string) []Encapsulated {
	var found []Encapsulated
	for _, e := range all {
		if e.Src == src && e.Dst == dst && strings.Contains(e.What, what) {
			found = append(found, e)
		}
	}
	return found
}
