package openflow

import (
	"fmt"
	"strings"
)

// String is the group as ovs-ofctl dump-groups prints it in OpenFlow 1.5.
func (g Group) String() string {
	b := fmt.Appendf(nil, "group_id=%d,type=%s", g.ID, g.Type)
	if g.SelectionMethod != "" {
		b = fmt.Appendf(b, ",selection_method=%s", g.SelectionMethod)
		if g.SelectionParam != 0 {
			b = fmt.Appendf(b, ",selection_method_param=%d", g.SelectionParam)
		}
		switch len(g.Fields) {
		case 0:
		case 1:
			b = append(append(b, ",fields="...), g.Fields[0].String()...)
		default:
			names := make([]string, len(g.Fields))
			for i, f := range g.Fields {
				names[i] = f.String()
			}
			b = fmt.Appendf(b, ",fields(%s)", strings.Join(names, ","))
		}
	}
	for _, bucket := range g.Buckets {
		b = bucket.appendText(b, g.Type)
	}
	return string(b)
}

func (k Bucket) appendText(b []byte, t GroupType) []byte {
	b = fmt.Appendf(b, ",bucket=bucket_id:%d,", k.ID)
	if t == GroupSelect && k.Weight != 1 {
		b = fmt.Appendf(b, "weight:%d,", k.Weight)
	}
	if k.WatchPort != 0 && k.WatchPort != PortAny {
		b = fmt.Appendf(b, "watch_port:%d,", k.WatchPort)
	}
	if k.WatchGroup != 0 && k.WatchGroup != NoWatch {
		b = fmt.Appendf(b, "watch_group:%d,", k.WatchGroup)
	}
	b = append(b, "actions="...)
	return plain.appendActions(b, k.Actions)
}
