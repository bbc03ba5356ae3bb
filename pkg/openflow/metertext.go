package openflow

import (
	"fmt"
	"strconv"
	"strings"
)

var (
	meterFlagNames = []string{"kbps", "pktps", "burst", "stats"}
	bandNames      = []string{"", "drop", "dscp_remark"}
)

// String is the meter as ovs-ofctl dump-meters prints it, in one line.
func (m Meter) String() string {
	p := printer{Syntax: *plain}
	p.meter(m)
	return strings.ReplaceAll(strings.TrimSuffix(string(p.b), "\n"), "\n", " ")
}

func (p *printer) meterID(id uint32, separator string) {
	switch id {
	case MeterSlowPath:
		p.format("meter%sslowpath", separator)
	case MeterController:
		p.format("meter%scontroller", separator)
	case MeterAll:
		p.format("meter%sall", separator)
	default:
		p.format("meter%s%d", separator, id)
	}
}

func (p *printer) meter(m Meter) {
	p.meterID(m.ID, "=")
	p.format(" ")
	if m.Flags != 0 {
		p.bitNames(uint32(m.Flags), meterFlagNames, " ")
		p.format(" ")
	}
	p.format("bands=\n")
	for _, band := range m.Bands {
		p.format("type=%s rate=%d", numbered(bandNames, uint32(band.Type)), band.Rate)
		if m.Flags&MeterBurst != 0 {
			p.format(" burst_size=%d", band.Burst)
		}
		if band.Type == BandDSCPRemark {
			p.format(" prec_level=%d", band.PrecLevel)
		}
		p.format("\n")
	}
}

var meterCommandNames = []string{"ADD", "MOD", "DEL"}

func (m MeterMod) appendText(p *printer) {
	p.format(" %s ", numbered(meterCommandNames, uint32(m.Command)))
	p.meter(m.Meter)
}

func (m Meter) appendText(p *printer) {
	p.format("\n")
	p.meter(m)
}

func (s MeterStats) appendText(p *printer) {
	p.format("\n")
	p.meterID(s.ID, ":")
	p.format(" flow_count:%d packet_in_count:%d byte_in_count:%d duration:%s bands:\n", s.Flows, s.PacketsIn, s.BytesIn,
		durationText(s.Duration))
	for i, band := range s.Bands {
		p.format("%d: packet_count:%d byte_count:%d\n", i, band.Packets, band.Bytes)
	}
}

func (f MeterFeatures) appendText(p *printer) {
	p.format("\nmax_meter:%d max_bands:%d max_color:%d\nband_types: ", f.MaxMeters, f.MaxBands, f.MaxColors)
	p.bitNames(f.Bands, bandNames, " ")
	p.format("\ncapabilities: ")
	p.bitNames(f.Capabilities, meterFlagNames, " ")
	p.format("\n")
}

// ParseMeter reads a meter in the syntax of ovs-ofctl add-meter, such as meter=1,kbps,burst,bands=type=drop,rate=1000.
func ParseMeter(text string) (Meter, error) {
	m, err := parseMeter(text)
	if err != nil {
		return Meter{}, fmt.Errorf("meter %q: %w", text, err)
	}
	return m, nil
}

func parseMeter(text string) (Meter, error) {
	front, bands, hasBands := text, "", false
	for _, key := range []string{"bands=", "band="} {
		if i := strings.Index(text, key); i >= 0 && !hasBands {
			front, bands, hasBands = text[:i], text[i:], true
		}
	}
	var m Meter
	for word := range strings.FieldsFuncSeq(front, isSeparator) {
		if err := m.parseWord(word); err != nil {
			return Meter{}, err
		}
	}
	if m.ID == 0 {
		return Meter{}, fmt.Errorf("no meter=NUMBER")
	}
	if m.Flags&(MeterKbps|MeterPktps) == 0 {
		m.Flags |= MeterKbps
	}
	for word := range strings.FieldsFuncSeq(bands, isSeparator) {
		if err := m.parseBand(word); err != nil {
			return Meter{}, err
		}
	}
	for i, band := range m.Bands {
		if band.Type != BandDSCPRemark {
			m.Bands[i].PrecLevel = 0 // of which the wire has none
		}
		if band.Type == 0 || band.Rate == 0 {
			return Meter{}, fmt.Errorf("band %d has no type=drop or type=dscp_remark, or no rate=NUMBER", i)
		}
		if band.Burst != 0 && m.Flags&MeterBurst == 0 {
			return Meter{}, fmt.Errorf("band %d has a burst_size, which needs the word burst before bands=", i)
		}
	}
	return m, nil
}

func isSeparator(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' }

func (m *Meter) parseWord(word string) error {
	key, value, _ := strings.Cut(word, "=")
	if key == "meter" {
		switch value {
		case "all":
			m.ID = MeterAll
		case "controller":
			m.ID = MeterController
		case "slowpath":
			m.ID = MeterSlowPath
		default:
			n, err := strconv.ParseUint(value, 0, 32)
			m.ID = uint32(n)
			if err != nil || n == 0 || n > 0xffff0000 {
				return fmt.Errorf("meter=%q is neither a number from 1 to 0xffff0000 nor controller, slowpath or all", value)
			}
		}
		return nil
	}
	for i, name := range meterFlagNames {
		if name == word {
			m.Flags |= 1 << i
			return nil
		}
	}
	return fmt.Errorf("%q is none of meter=, kbps, pktps, burst, stats and bands=", word)
}

// parseBand reads a word of a band; type= begins another.
func (m *Meter) parseBand(word string) error {
	word = strings.TrimPrefix(strings.TrimPrefix(word, "bands="), "band=")
	if word == "" {
		return nil
	}
	key, value, _ := strings.Cut(word, "=")
	if key == "type" {
		for i, name := range bandNames {
			if name != "" && name == value {
				m.Bands = append(m.Bands, MeterBand{Type: MeterBandType(i)})
				return nil
			}
		}
		return fmt.Errorf("type=%q is neither drop nor dscp_remark", value)
	}
	if len(m.Bands) == 0 {
		return fmt.Errorf("%q before the type= of its band", word)
	}
	band := &m.Bands[len(m.Bands)-1]
	n, err := strconv.ParseUint(value, 0, 32)
	if err != nil {
		return fmt.Errorf("%s=%q is not a number of 32 bits", key, value)
	}
	switch key {
	case "rate":
		band.Rate = uint32(n)
	case "burst_size", "burst":
		band.Burst = uint32(n)
	case "prec_level":
		if n > 0xff {
			return fmt.Errorf("prec_level=%d does not fit into 8 bits", n)
		}
		band.PrecLevel = uint8(n)
	default:
		return fmt.Errorf("%q is none of type=, rate=, burst_size= and prec_level=", word)
	}
	return nil
}
