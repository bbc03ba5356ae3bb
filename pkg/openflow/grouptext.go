package openflow

import "strings"

// String is the group as ovs-ofctl dump-groups prints it in OpenFlow 1.5.
func (g Group) String() string {
	p := printer{Syntax: *plain}
	p.group(g, true)
	return string(p.b)
}

// AppendGroup appends a group as ovs-ofctl dump-groups prints it in OpenFlow 1.5.
func (x *Syntax) AppendGroup(b []byte, g Group) []byte {
	p := printer{b: b, Syntax: *x}
	p.group(g, true)
	return p.b
}

// group appends a group; a command on its buckets alone does not say its type.
func (p *printer) group(g Group, typed bool) {
	p.format("group_id=%d", g.ID)
	if typed {
		p.format(",type=%s", g.Type)
	}
	if g.SelectionMethod != "" {
		p.format(",selection_method=%s", g.SelectionMethod)
		if g.SelectionParam != 0 {
			p.format(",selection_method_param=%d", g.SelectionParam)
		}
		switch len(g.Fields) {
		case 0:
		case 1:
			p.format(",fields=%s", g.Fields[0])
		default:
			names := make([]string, len(g.Fields))
			for i, f := range g.Fields {
				names[i] = f.String()
			}
			p.format(",fields(%s)", strings.Join(names, ","))
		}
	}
	for _, bucket := range g.Buckets {
		p.bucket(bucket, g.Type)
	}
}

func (p *printer) bucket(k Bucket, t GroupType) {
	p.format(",bucket=bucket_id:%d,", k.ID)
	if t == GroupSelect && k.Weight != 1 {
		p.format("weight:%d,", k.Weight)
	}
	if k.WatchPort != 0 && k.WatchPort != PortAny {
		p.format("watch_port:")
		p.port(k.WatchPort)
		p.format(",")
	}
	if k.WatchGroup != 0 && k.WatchGroup != NoWatch {
		p.format("watch_group:%d,", k.WatchGroup)
	}
	p.format("actions=")
	p.actions(k.Actions)
}
