package member

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
)

// have reads "NAME age=20s draining=5s", one Gateway a line.
func have(t *testing.T, text string) (all []v1alpha1.Gateway) {
	t.Helper()
	seconds := func(value string) metav1.Time {
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		return metav1.NewTime(start.Add(-d))
	}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		g := v1alpha1.Gateway{ObjectMeta: metav1.ObjectMeta{Name: words[0], CreationTimestamp: seconds("1h")}, GatewayIP: "192.0.2.1", InternalIP: "192.0.2.1", Weight: 100}
		for _, w := range words[1:] {
			switch key, value, _ := strings.Cut(w, "="); key {
			case "age":
				g.CreationTimestamp = seconds(value)
			case "draining":
				since := seconds(value)
				g.DrainingSince, g.DrainReason = &since, "Before"
			default:
				t.Fatal("what is " + w)
			}
		}
		all = append(all, g)
	}
	return all
}

func TestPlanGateways(t *testing.T) {
	const fine = "ready internal=192.0.2.1 gateway=true"
	for _, tc := range []struct {
		name  string
		have  string
		nodes map[string]string
		want  string // Gateways with the reason why they drain, - is gone, ! is a mistake
		again string
	}{
		{"a Node", "", map[string]string{"a": fine}, "a", ""},
		{"a Node without annotation", "", map[string]string{"a": "ready internal=192.0.2.1"}, "", ""},
		{"annotated false", "", map[string]string{"a": "ready internal=192.0.2.1 gateway=false"}, "", ""},
		{"a mistake", "", map[string]string{"a": "ready internal=192.0.2.1 gateway=yes"}, "!a", ""},
		{"a mistake of a gateway", "a", map[string]string{"a": fine + " gateway-drain=soon"}, "!a a", ""},
		{"it does not become one: not ready", "", map[string]string{"a": "silent=1s internal=192.0.2.1 gateway=true"}, "", ""},
		{"it does not become one: cordoned", "", map[string]string{"a": fine + " cordoned"}, "", ""},
		{"it does not become one: drained", "", map[string]string{"a": fine + " gateway-drain=true"}, "", ""},
		{"it does not become one: going", "", map[string]string{"a": fine + " going"}, "", ""},

		{"drain", "a\nb", map[string]string{"a": fine + " gateway-drain=true", "b": fine}, "a:Requested b", "15s"},
		{"drains still", "a draining=5s\nb", map[string]string{"a": fine + " gateway-drain=true", "b": fine}, "a:Requested b", "10s"},
		{"has drained", "a draining=15s\nb", map[string]string{"a": fine + " gateway-drain=true", "b": fine}, "-a b", ""},
		{"drains no longer", "a draining=5s\nb", map[string]string{"a": fine, "b": fine}, "a b", ""},
		{"drain of the only one is obeyed", "a", map[string]string{"a": fine + " gateway-drain=true"}, "a:Requested", "15s"},
		{"no longer annotated", "a\nb", map[string]string{"a": "ready internal=192.0.2.1", "b": fine}, "a:NotAnnotated b", "15s"},
		{"the Node is going", "a\nb", map[string]string{"a": fine + " going", "b": fine}, "a:NodeDeleted b", "15s"},
		{"the Node is gone", "a\nb", map[string]string{"b": fine}, "a:NodeDeleted b", "15s"},
		{"the only Node is gone", "a", nil, "a:NodeDeleted", "15s"},

		{"the new one first", "a\nb age=4s", map[string]string{"a": fine + " gateway-drain=true", "b": fine}, "a b", "11s"},
		{"the new one is not even there", "a", map[string]string{"a": "ready internal=192.0.2.1", "b": fine}, "a b", "15s"},
		{"one new, one old", "a\nb age=4s\nc", map[string]string{"a": fine + " gateway-drain=true", "b": fine, "c": fine}, "a:Requested b c", "15s"},

		{"cordoned", "a\nb", map[string]string{"a": fine + " cordoned", "b": fine}, "a:Cordoned b", "15s"},
		{"cordoned, and no other is there", "a", map[string]string{"a": fine + " cordoned"}, "a", ""},
		{"all are cordoned", "a\nb", map[string]string{"a": fine + " cordoned", "b": fine + " cordoned"}, "a b", ""},
		{"the other one went while it drained", "a draining=5s", map[string]string{"a": fine + " cordoned"}, "a", ""},

		{"not ready for a while", "a\nb", map[string]string{"a": "silent=20s internal=192.0.2.1 gateway=true", "b": fine}, "a b", "40s"},
		{"not ready for long", "a\nb", map[string]string{"a": "silent=60s internal=192.0.2.1 gateway=true", "b": fine}, "a:NotReady b", "15s"},
		{"ready again", "a draining=5s\nb", map[string]string{"a": fine, "b": fine}, "a b", ""},
		{"the only one is not ready", "a", map[string]string{"a": "silent=1h internal=192.0.2.1 gateway=true"}, "a", ""},
		{"none is ready", "a\nb", map[string]string{"a": "silent=1h internal=192.0.2.1 gateway=true", "b": "silent=2m internal=192.0.2.1 gateway=true"}, "a b", ""},
		{"a Node that is not ready takes over from nobody", "a\nb", map[string]string{"a": fine + " cordoned", "b": "silent=20s internal=192.0.2.1 gateway=true"}, "a b", "40s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var nodes []corev1.Node
			for name, text := range tc.nodes {
				n := node(text)
				n.Name = name
				nodes = append(nodes, *n)
			}
			p := planGateways(nodes, have(t, tc.have), "kube-system", false, start)
			var got []string
			for name := range p.problems {
				got = append(got, "!"+name)
			}
			for _, name := range p.gone {
				got = append(got, "-"+name)
			}
			for name, g := range p.want {
				if (g.DrainingSince != nil) != (g.DrainReason != "") {
					t.Errorf("%s: drains since %v because %q", name, g.DrainingSince, g.DrainReason)
				}
				if g.DrainReason != "" {
					name += ":" + g.DrainReason
				}
				got = append(got, name)
			}
			slices.Sort(got)
			if fmt.Sprint(got) != fmt.Sprint(strings.Fields(tc.want)) {
				t.Errorf("got %v, want %s", got, tc.want)
			}
			again := ""
			if p.again > 0 {
				again = p.again.String()
			}
			if again != tc.again {
				t.Errorf("again in %q, want %q", again, tc.again)
			}
		})
	}
}
