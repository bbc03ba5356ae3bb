package openflow

// Update is the flag with which files that tests make are written again.
var Update = update

// Printed is a flow's actions as ovs-ofctl prints them on OpenFlow 1.5.
func (s ActionSample) Printed(f Flow) string {
	x := *tunnelOf4
	x.OpenFlow15 = true
	return string(x.AppendActions(nil, f.Actions))
}

// MessageCoverage is what comes of trying all examples of a kind of message.
type MessageCoverage struct {
	Samples                int
	Encoded, Decoded, Text bool
	PassedThrough          bool   // kept as bytes
	Unheard                string // why the switch does not send it
}

// CoverageOf tries the examples of a kind of message.
func CoverageOf(k MessageKind) MessageCoverage {
	c := MessageCoverage{Encoded: true, Decoded: true, Text: true, PassedThrough: passedThrough[k.Name], Unheard: unheard[k.Name]}
	for _, sample := range samples {
		if sample.kind != k.Name {
			continue
		}
		c.Samples++
		b, err := AppendMessage(nil, 7, sample.message)
		c.Encoded = c.Encoded && err == nil
		_, m, err := Decode(b)
		_, raw := m.(Raw)
		c.Decoded = c.Decoded && err == nil && !raw && same(m, sample.message)
		if m, ok := m.(Multipart); ok {
			for part, err := range m.Parts() {
				_, raw := part.(RawPart)
				c.Decoded = c.Decoded && err == nil && !raw
			}
		}
		text, err := FormatMessage(b)
		c.Text = c.Text && err == nil && text != ""
	}
	return c
}
