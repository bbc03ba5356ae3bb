package nad

import (
	"encoding/json"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

// segment looks at what a configuration of plugin antrea says of its segment. These keys mean nothing to other plugins.
func (c *checker) segment(at string, keys object) {
	var networkType string
	if value, ok := keys["networkType"]; ok && json.Unmarshal(value, &networkType) != nil {
		c.wrong(at+"networkType", "is not a string", `write "overlay"`)
		return
	}
	var vni uint32
	if value, ok := keys["vni"]; ok && json.Unmarshal(value, &vni) != nil {
		c.wrong(at+"vni", "is not the number of a segment", "write a number from 1 to 16777215")
		return
	}
	if networkType == "" && vni == 0 {
		c.problems = append(c.problems, Problem{Warning, at + "networkType", "is missing: this is the first network, of which a Pod cannot have a second interface",
			`write "networkType": "overlay" and a vni, unless Pods name it in v1.multus-cni.io/default-network`})
		return
	}
	key, problem := cni.CheckSegment(networkType, vni)
	switch {
	case key == "":
	case keys[key] == nil:
		c.wrong(at+key, "is missing", `write "networkType": "overlay" and a vni from 1 to 16777215`)
	default:
		c.wrong(at+key, "is "+problem, `write "networkType": "overlay" and a vni from 1 to 16777215`)
	}
	var ipam object
	if value, ok := keys["ipam"]; !ok || json.Unmarshal(value, &ipam) == nil && len(ipam) == 0 {
		c.wrong(at+"ipam", "is missing: the agent has no addresses for a segment", `write an IPAM plugin, as in {"type": "whereabouts", "range": ...}`)
	}
}
