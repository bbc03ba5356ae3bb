package leader

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// record reads "east pods=10.10.0.0/16,… services=… gateways=…".
func record(text string) v1alpha1.Resource {
	words := strings.Fields(text)
	info := v1alpha1.ClusterInfo{ClusterID: words[0]}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		list := strings.Split(value, ",")
		switch key {
		case "pods":
			info.PodCIDRs = list
		case "services":
			info.ServiceCIDR, info.ServiceCIDRs = list[0], list
		case "gateways":
			for _, g := range list {
				info.GatewayInfos = append(info.GatewayInfos, v1alpha1.GatewayInfo{GatewayIP: g})
			}
		}
	}
	return v1alpha1.Resource{ClusterID: words[0], Kind: v1alpha1.KindClusterInfo, ClusterInfo: &info}
}

// exports are one a line, the older first; "NAMESPACE: RECORD".
func exports(lines []string) []v1alpha1.ResourceExport {
	var all []v1alpha1.ResourceExport
	for i, l := range lines {
		namespace, text, _ := strings.Cut(l, ": ")
		all = append(all, v1alpha1.ResourceExport{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "clusterinfo", CreationTimestamp: metav1.NewTime(time.Unix(int64(i), 0))},
			Spec:       record(text),
		})
	}
	return all
}

func TestPublish(t *testing.T) {
	owners := map[string]string{"e": "east", "w": "west", "n": "north"}
	east := "east pods=10.10.0.0/16 services=10.96.0.0/20 gateways=192.0.2.1"
	west := "west pods=10.20.0.0/16 services=10.97.0.0/20 gateways=192.0.2.2"
	for _, tc := range []struct {
		name      string
		exports   []string
		published []string
		want      []string // records
		verdicts  []string // reason and part of the message
	}{
		{"apart", []string{"e: " + east, "w: " + west}, nil, []string{east, west}, []string{"Published", "Published"}},
		{"first come wins", []string{"w: west pods=10.10.4.0/22", "e: " + east}, nil, []string{"west pods=10.10.4.0/22"},
			[]string{"Published", `CIDROverlap cluster "east": Pod CIDR 10.10.0.0/16 overlaps Pod CIDR 10.10.4.0/22 of cluster "west"`}},
		{"published wins over older", []string{"w: west pods=10.10.4.0/22", "e: " + east}, []string{east}, []string{east},
			[]string{`CIDROverlap cluster "west": Pod CIDR 10.10.4.0/22 overlaps Pod CIDR 10.10.0.0/16 of cluster "east"`, "Published"}},
		{"a refused change keeps the record", []string{"e: " + east, "w: west pods=10.10.4.0/22"}, []string{east, west}, []string{east, west},
			[]string{"Published", "CIDROverlap what was accepted before stays published"}},
		{"a third is not disturbed", []string{"e: " + east, "w: west pods=10.10.0.0/16", "n: north pods=10.30.0.0/16"}, []string{east}, []string{east, "north pods=10.30.0.0/16"},
			[]string{"Published", "CIDROverlap", "Published"}},
		{"addresses that were given up are free", []string{"e: east pods=10.30.0.0/16", "w: west pods=10.10.0.0/16"}, []string{east},
			[]string{"east pods=10.30.0.0/16", "west pods=10.10.0.0/16"}, []string{"Published", "Published"}},
		{"Service CIDRs too", []string{"e: " + east, "w: west services=10.96.0.0/16"}, nil, []string{east},
			[]string{"Published", `CIDROverlap Service CIDR 10.96.0.0/16 overlaps Service CIDR 10.96.0.0/20`}},
		{"Pod against Service", []string{"e: " + east, "w: west pods=10.96.0.0/24"}, nil, []string{east},
			[]string{"Published", `CIDROverlap Pod CIDR 10.96.0.0/24 overlaps Service CIDR 10.96.0.0/20`}},
		{"IPv6", []string{"e: east pods=fd00:10::/56", "w: west pods=fd00:10:0:1::/64"}, nil, []string{"east pods=fd00:10::/56"},
			[]string{"Published", "CIDROverlap"}},
		{"a cluster that has left", []string{"e: " + east}, []string{east, west}, []string{east}, []string{"Published"}},
		{"a record that was withdrawn", []string{"e: " + east, "w: west"}, []string{west}, []string{east, "west"}, []string{"Published", "Published"}},
		{"in another's name", []string{"w: " + east}, nil, nil, []string{`WrongCluster belongs to cluster "west"`}},
		{"another's gateway address", []string{"e: " + east, "w: west gateways=192.0.2.1"}, nil, []string{east}, []string{"Published", `GatewayAddressTaken 192.0.2.1 belongs to cluster "east"`}},
		{"a range around another's gateway", []string{"e: " + east, "w: west pods=192.0.2.0/24"}, nil, []string{east}, []string{"Published", "CIDROverlap holds gateway address 192.0.2.1"}},
		{"a gateway in another's range", []string{"e: " + east, "w: west gateways=10.10.0.1"}, nil, []string{east}, []string{"Published", "GatewayAddressInCIDR"}},
		{"a gateway in its own range", []string{"w: west pods=10.20.0.0/16 gateways=10.20.0.1"}, nil, nil, []string{"GatewayAddressInCIDR"}},
		{"everything", []string{"w: west pods=0.0.0.0/0"}, nil, nil, []string{"Invalid larger than a /8"}},
		{"host bits", []string{"w: west pods=10.20.0.1/16"}, nil, nil, []string{"Invalid did you mean 10.20.0.0/16"}},
		{"loopback", []string{"w: west pods=127.1.0.0/16"}, nil, nil, []string{"Invalid not for unicast"}},
		{"no address", []string{"w: west gateways=gateway"}, nil, nil, []string{"Invalid no IP address"}},
		{"two of the same gateway", []string{"w: west gateways=192.0.2.1,192.0.2.1"}, nil, nil, []string{"Invalid two gateways"}},
		{"Pods in its own Service CIDR", []string{"w: west pods=10.20.0.0/16 services=10.20.0.0/20"}, nil, nil, []string{"CIDROverlap its own Service CIDR"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var published []v1alpha1.Resource
			for _, p := range tc.published {
				published = append(published, record(p))
			}
			records, verdicts := publish(owners, exports(tc.exports), published)
			var got []string
			for _, r := range records {
				got = append(got, describe(r))
			}
			if g, w := strings.Join(got, "\n"), strings.Join(tc.want, "\n"); g != w {
				t.Errorf("published\n%s\nwant\n%s", g, w)
			}
			for i, want := range tc.verdicts {
				reason, part, _ := strings.Cut(want, " ")
				v := verdicts[i]
				if v.reason != reason || !strings.Contains(v.message, part) || v.accepted != (reason == ReasonPublished) {
					t.Errorf("verdict on %s: %+v, want %s", tc.exports[i], v, want)
				}
			}
		})
	}
}

// describe is the opposite of record.
func describe(r v1alpha1.Resource) string {
	text := r.ClusterID
	add := func(key string, list []string) {
		if len(list) > 0 {
			text += " " + key + "=" + strings.Join(list, ",")
		}
	}
	add("pods", r.ClusterInfo.PodCIDRs)
	add("services", r.ClusterInfo.ServiceCIDRs)
	var gateways []string
	for _, g := range r.ClusterInfo.GatewayInfos {
		gateways = append(gateways, g.GatewayIP)
	}
	add("gateways", gateways)
	return text
}
