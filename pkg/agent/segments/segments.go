package segments

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/crd/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/cni/podport"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// own is what this Node tells the others: the interfaces of its records that are in segments, each since when it was told first.
func own(records []podport.Record, told []v1alpha1.SegmentInterface, now time.Time) []v1alpha1.SegmentInterface {
	var all []v1alpha1.SegmentInterface
	for _, r := range records {
		if r.VNI == 0 {
			continue
		}
		i := v1alpha1.SegmentInterface{
			VNI: int32(r.VNI), Pod: r.PodNamespace + "/" + r.PodName, Interface: r.IfName, MAC: r.MAC.String(),
			Since: metav1.NewMicroTime(now.Truncate(time.Microsecond)),
		}
		for _, ip := range r.IPs {
			i.IPs = append(i.IPs, ip.Addr().String())
		}
		for _, t := range told {
			since := t.Since
			if t.Since = i.Since; reflect.DeepEqual(t, i) {
				i.Since = since
			}
		}
		all = append(all, i)
	}
	slices.SortFunc(all, func(a, b v1alpha1.SegmentInterface) int {
		return cmp.Or(cmp.Compare(a.VNI, b.VNI), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Interface, b.Interface), cmp.Compare(a.MAC, b.MAC))
	})
	return all
}

// claim is an interface on another Node.
type claim struct {
	v1alpha1.SegmentInterface
	node string
	pod  pipeline.SegmentPod
}

// compute is the segments that Pods of this Node are in, with what other Nodes have there. Of those that have the same MAC or address
// in a segment, the one that was told of last is left: an address that moves is gone from where it was.
func compute(pods map[string]pipeline.Pod, peers map[string]pipeline.Peer, told []v1alpha1.NodeSegments) (map[string]pipeline.Segment, error) {
	all := map[string]pipeline.Segment{}
	for _, p := range pods {
		if p.Segment != 0 {
			all[key(p.Segment)] = pipeline.Segment{VNI: p.Segment}
		}
	}
	var claims []claim
	var problems []error
	for _, node := range told {
		peer, ok := peers[node.Name]
		if !ok || !peer.TransportIP.IsValid() {
			continue // this Node, or one that is gone
		}
		for _, i := range node.Interfaces {
			if _, here := all[key(uint32(i.VNI))]; !here {
				continue
			}
			c := claim{SegmentInterface: i, node: node.Name}
			var err error
			if c.pod, err = parse(i); err != nil {
				problems = append(problems, fmt.Errorf("NodeSegments %s: %s of Pod %s: %w", node.Name, i.Interface, i.Pod, err))
				continue
			}
			c.pod.Node = peer.TransportIP
			claims = append(claims, c)
		}
	}
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(b.Since.Compare(a.Since.Time), cmp.Compare(a.node, b.node), cmp.Compare(a.Pod, b.Pod), cmp.Compare(a.Interface, b.Interface))
	})
	type place struct {
		vni   int32
		value any // a MAC or an address
	}
	taken := map[place]bool{}
	for _, c := range claims {
		places := []place{{c.VNI, c.pod.MAC}}
		for _, ip := range c.pod.IPs {
			places = append(places, place{c.VNI, ip})
		}
		if slices.ContainsFunc(places, func(p place) bool { return taken[p] }) {
			continue
		}
		for _, p := range places {
			taken[p] = true
		}
		s := all[key(uint32(c.VNI))]
		s.Remote = append(s.Remote, c.pod)
		all[key(uint32(c.VNI))] = s
	}
	for _, s := range all {
		slices.SortFunc(s.Remote, func(a, b pipeline.SegmentPod) int {
			return cmp.Or(a.Node.Compare(b.Node), slices.Compare(a.MAC[:], b.MAC[:]))
		})
	}
	return all, errors.Join(problems...)
}

func key(vni uint32) string { return strconv.FormatUint(uint64(vni), 10) }

func parse(i v1alpha1.SegmentInterface) (p pipeline.SegmentPod, err error) {
	if p.MAC, err = openflow.ParseMAC(i.MAC); err != nil {
		return p, err
	}
	for _, text := range i.IPs {
		ip, err := netip.ParseAddr(text)
		if err != nil {
			return p, err
		}
		p.IPs = append(p.IPs, ip.Unmap())
	}
	return p, nil
}
