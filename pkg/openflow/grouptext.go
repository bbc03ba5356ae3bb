package openflow

import (
	"strconv"
	"strings"
)

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
		p.groupFields(g.Fields)
	}
	for _, bucket := range g.Buckets {
		p.bucket(bucket, g.Type)
	}
}

func (p *printer) groupFields(list []GroupField) {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.ID.String()
		if f.Mask != "" {
			names[i] += "=" + string(p.appendValue(nil, f.ID, f.Mask, ""))
		}
	}
	switch len(names) {
	case 0:
	case 1:
		p.format(",fields=%s", names[0])
	default:
		p.format(",fields(%s)", strings.Join(names, ","))
	}
}

// groupMod is a change of a group as ovs-ofctl takes it.
func (x *Syntax) groupMod(m GroupMod) string {
	p := printer{Syntax: *x}
	switch {
	case m.Command == GroupDelete && m.Group.ID == GroupEvery:
		p.format("group_id=all")
	case m.Command == GroupDelete:
		p.format("group_id=%d", m.Group.ID)
	case m.Command == GroupInsert || m.Command == GroupRemove:
		p.group(Group{ID: m.Group.ID, Type: m.Group.Type}, m.Command == GroupInsert && m.Group.Type == GroupSelect)
		p.format(",command_bucket_id=%s", bucketName(m.Bucket))
		for _, bucket := range m.Group.Buckets {
			p.bucket(bucket, m.Group.Type)
		}
	default:
		p.group(m.Group, true)
	}
	return string(p.b)
}

// bucketName is a number, or the word that stands for one in commands.
func bucketName(id uint32) string {
	for name, known := range bucketNames {
		if known == id {
			return name
		}
	}
	return strconv.FormatUint(uint64(id), 10)
}

var bucketNames = map[string]uint32{"first": BucketFirst, "last": BucketLast, "all": BucketAll}

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
