package openflow

import "errors"

func (m Hello) appendText(p *printer) {
	p.format("\n version bitmap: ")
	for i, v := range m.Versions {
		if i > 0 {
			p.format(", ")
		}
		p.format("0x%02x", v)
	}
	p.format("\n")
}

func (m Echo) appendText(p *printer) {
	p.format(" %d bytes of payload\n", len(m.Data))
	p.hexDump(m.Data)
}

func (e *Error) appendText(p *printer) {
	p.format(" %s\n", e.Name())
	if e.Type == 0 && e.Experimenter == 0 { // a hello is answered in plain words
		for _, c := range e.Data {
			if c < 0x20 || c > 0x7e || c == '\\' {
				p.format("\\%03o", c)
			} else {
				p.b = append(p.b, c)
			}
		}
		p.format("\n")
		return
	}
	p.cutMessage(e.Data)
}

// cutMessage appends a message of which only the beginning may be there.
func (p *printer) cutMessage(b []byte) {
	h, err := DecodeHeader(b)
	switch {
	case len(b) == 0:
		p.format("OpenFlow message is empty\n")
		return
	case len(b) < HeaderLen:
		p.format("OpenFlow packet too short (only %d bytes):\n", len(b))
	case int(h.Length) > len(b):
		if p.name(h, b) {
			p.format("\n")
		}
		p.format("(***truncated to %d bytes from %d***)\n", len(b), h.Length)
	case err == nil && int(h.Length) < len(b):
		p.format("(***only uses %d bytes out of %d***)\n", h.Length, len(b))
	default:
		inner := printer{b: p.b, Syntax: p.Syntax, nested: p.nested + 1}
		var err error
		if inner.nested > maxNesting {
			err = errors.New("message in message in message")
		} else {
			err = inner.message(b)
		}
		if err == nil {
			p.b = inner.b
			return
		}
		p.format("(***%s***)\n", err)
	}
	p.hexDump(b)
}

// maxNesting is how deep errors about errors are read.
const maxNesting = 4

var capabilityNames = []string{"FLOW_STATS", "TABLE_STATS", "PORT_STATS", "GROUP_STATS", "", "IP_REASM", "QUEUE_STATS",
	"ARP_MATCH_IP", "PORT_BLOCKED", "BUNDLES", "FLOW_MONITORING"}

func (m Features) appendText(p *printer) {
	p.format(" dpid:%016x\nn_tables:%d, n_buffers:%d", m.DatapathID, m.Tables, m.Buffers)
	if m.AuxiliaryID != 0 {
		p.format(", auxiliary_id:%d", m.AuxiliaryID)
	}
	p.format("\ncapabilities: ")
	p.knownBits(m.Capabilities, capabilityNames)
	p.format("\n")
}

var bundleFlagNames = []string{"atomic", "ordered"}

var bundleTypeNames = []string{"OPEN_REQUEST", "OPEN_REPLY", "CLOSE_REQUEST", "CLOSE_REPLY", "COMMIT_REQUEST", "COMMIT_REPLY",
	"DISCARD_REQUEST", "DISCARD_REPLY"}

func (m BundleControl) appendText(p *printer) {
	p.format("\n bundle_id=%s type=%s flags=", hexText(uint64(m.ID)), numbered(bundleTypeNames, uint32(m.Type)))
	p.bitNames(uint32(m.Flags), bundleFlagNames, " ")
}

func (m BundleAdd) appendText(p *printer) {
	p.format("\n bundle_id=%s flags=", hexText(uint64(m.ID)))
	p.bitNames(uint32(m.Flags), bundleFlagNames, " ")
	p.format("\n")
	if b, err := AppendMessage(nil, m.Xid, m.Mod); err == nil {
		p.cutMessage(b)
	}
}

var flowRemovedReasons = []string{"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"}

func (m FlowRemoved) appendText(p *printer) {
	s := &m.Stats
	p.format(" ")
	p.matchAt(s.Priority, s.Match)
	p.format(" reason=%s", numbered(flowRemovedReasons, uint32(m.Reason)))
	if s.Table != TableAll {
		p.format(" table_id=")
		p.b = p.appendTable(p.b, s.Table)
	}
	if s.Cookie != 0 {
		p.format(" cookie:%#x", s.Cookie)
	}
	p.format(" duration%s idle%d", durationText(s.Duration), s.IdleTimeout)
	if s.HardTimeout != 0 {
		p.format(" hard%d", s.HardTimeout)
	}
	p.format(" pkts%d bytes%d\n", s.Packets, s.Bytes)
}

var flowCommandNames = []string{"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"}

func (m FlowMod) appendText(p *printer) {
	f := &m.Flow
	p.format(" %s", numbered(flowCommandNames, uint32(m.Command)))
	if f.Table != 0 {
		p.format(" table:")
		p.b = p.appendTable(p.b, f.Table)
	}
	p.format(" ")
	p.matchAt(f.Priority, f.Match)
	if p.b[len(p.b)-1] != ' ' {
		p.format(" ")
	}
	switch {
	case m.CookieMask != 0:
		p.format("cookie:%#x/%#x ", f.Cookie, m.CookieMask)
	case f.Cookie != 0 && f.Cookie != ^uint64(0):
		p.format("cookie:%#x ", f.Cookie)
	}
	if f.IdleTimeout != 0 {
		p.format("idle:%d ", f.IdleTimeout)
	}
	if f.HardTimeout != 0 {
		p.format("hard:%d ", f.HardTimeout)
	}
	if f.Importance != 0 {
		p.format("importance:%d ", f.Importance)
	}
	if m.OutPort != 0 && m.OutPort != PortAny {
		p.format("out_port:")
		p.port(m.OutPort)
		p.format(" ")
	}
	for i, name := range flowFlagNames {
		if f.Flags&(1<<i) != 0 {
			p.format("%s ", name)
		}
	}
	p.format("actions=")
	p.actions(f.Actions)
}

func (q FlowQuery) appendText(p *printer) {
	if q.Table != TableAll {
		p.format(" table=")
		p.b = p.appendTable(p.b, q.Table)
	}
	if q.OutPort != 0 && q.OutPort != PortAny {
		p.format(" out_port=")
		p.port(q.OutPort)
	}
	p.format(" ")
	p.match(q.Match)
	p.trimSpace()
}

// trimSpace takes a blank back that nothing came after.
func (p *printer) trimSpace() {
	if n := len(p.b); p.b[n-1] == ' ' {
		p.b = p.b[:n-1]
	}
}

func (m GroupMod) appendText(p *printer) {
	p.format("\n %s ", groupModNames[m.Command])
	switch m.Command {
	case GroupInsert, GroupRemove:
		p.format("command_bucket_id:%s,", bucketName(m.Bucket))
		p.group(m.Group, false)
	default:
		p.group(m.Group, true)
	}
}

var groupModNames = map[GroupCommand]string{GroupAdd: "ADD", GroupModify: "MOD", GroupDelete: "DEL", GroupInsert: "INSERT_BUCKET",
	GroupRemove: "REMOVE_BUCKET", GroupAddOrModify: "ADD_OR_MOD"}

func (g Group) appendText(p *printer) {
	p.format("\n ")
	p.group(g, true)
}

func (p *printer) flowStats(s FlowStats) { p.b = p.AppendFlowStats(p.b, s) }

// queueDesc says the port once for queues that follow one another.
func (p *printer) queueDesc(d QueueDesc, before Part) {
	if before == nil {
		p.format(" ")
	}
	if last, ok := before.(QueueDesc); !ok || last.Port != d.Port {
		p.format("port=")
		p.port(d.Port)
		p.format("\n")
	}
	d.appendText(p)
}
