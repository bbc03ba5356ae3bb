package manifests

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/controller"
)

// objects decodes a manifest.
func objects(t *testing.T, text []byte) []unstructured.Unstructured {
	t.Helper()
	var list []unstructured.Unstructured
	for d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var o unstructured.Unstructured
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, o)
	}
}

func find[T any](t *testing.T, kind, name string) T {
	t.Helper()
	text, err := Render(DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	for _, o := range objects(t, text) {
		if o.GetKind() == kind && o.GetName() == name {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &v, true); err != nil {
				t.Fatalf("%s %s: %v", kind, name, err)
			}
			return v
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return v
}

func TestManifestIsCurrent(t *testing.T) {
	for name, render := range map[string]func(Images) ([]byte, error){"antrea-mc.yml": Render, "antrea-mc-multus.yml": Multus, "antrea-mc-whereabouts.yml": Whereabouts} {
		want, err := render(DefaultImages)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what build/ says: run `make manifest` (-want +got):\n%s", name, diff)
		}
	}
}

// TestWhereaboutsIsApart: who does not install it has none of it.
func TestWhereaboutsIsApart(t *testing.T) {
	text, err := Whereabouts(DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, o := range objects(t, text) {
		kinds[o.GetKind()]++
		if o.GetKind() == "DaemonSet" {
			var set appsv1.DaemonSet
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &set, true); err != nil {
				t.Error(err)
			}
		}
	}
	delete(kinds, "") // the comment at the top
	want := map[string]int{"CustomResourceDefinition": 4, "ServiceAccount": 1, "ClusterRole": 1, "ClusterRoleBinding": 1, "Role": 1, "RoleBinding": 1, "DaemonSet": 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	others, err := Render(DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(others, []byte("whereabouts")) {
		t.Error("antrea-mc.yml speaks of whereabouts")
	}
}

func TestImages(t *testing.T) {
	text, err := Render(Images{"registry.example.com/net", "v1.2"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(text)) {
		if _, image, ok := strings.Cut(line, " image: "); ok {
			n++
			if !strings.HasPrefix(image, "registry.example.com/net/antrea-") || !strings.HasSuffix(image, ":v1.2\n") {
				t.Errorf("image %s", image)
			}
		}
	}
	if n != 4 {
		t.Errorf("%d images, want 4", n)
	}
}

func TestConfig(t *testing.T) {
	config := find[corev1.ConfigMap](t, "ConfigMap", "antrea-config")
	if diff := cmp.Diff(cni.DefaultConflist, config.Data["antrea-cni.conflist"]); diff != "" {
		t.Errorf("antrea-cni.conflist (-want +got):\n%s", diff)
	}
	got, err := controller.ReadConfig("antrea-controller.conf")
	if err != nil || got != controller.DefaultConfig() {
		t.Errorf("antrea-controller.conf is %+v, %v; want the defaults", got, err)
	}
}

// The promises about privileges: only antrea-ovs is privileged, and the agent sees no Secrets.
func TestPrivileges(t *testing.T) {
	agent := find[appsv1.DaemonSet](t, "DaemonSet", "antrea-agent").Spec.Template.Spec
	controller := find[appsv1.Deployment](t, "Deployment", "antrea-controller").Spec.Template.Spec
	privileged := map[string]bool{}
	capabilities := map[string][]corev1.Capability{}
	for _, c := range append(append(agent.Containers, agent.InitContainers...), controller.Containers...) {
		s := c.SecurityContext
		if !*s.ReadOnlyRootFilesystem {
			t.Errorf("%s can write its root file system", c.Name)
		}
		if s.Privileged != nil {
			privileged[c.Name] = true
			continue
		}
		if *s.AllowPrivilegeEscalation || cmp.Diff(s.Capabilities.Drop, []corev1.Capability{"ALL"}) != "" {
			t.Errorf("%s: %+v", c.Name, s)
		}
		capabilities[c.Name] = s.Capabilities.Add
	}
	if diff := cmp.Diff(map[string]bool{"antrea-ovs": true}, privileged); diff != "" {
		t.Errorf("privileged (-want +got):\n%s", diff)
	}
	want := map[string][]corev1.Capability{
		"antrea-agent": {"NET_ADMIN", "NET_RAW", "SYS_ADMIN"}, "install-cni": nil, "antrea-controller": nil,
	}
	if diff := cmp.Diff(want, capabilities); diff != "" {
		t.Errorf("capabilities (-want +got):\n%s", diff)
	}
	if controller.HostNetwork || !*controller.SecurityContext.RunAsNonRoot {
		t.Errorf("antrea-controller: %+v", controller.SecurityContext)
	}
	for _, name := range []string{"antrea-agent", "antrea-controller"} {
		for _, rule := range find[rbacv1.ClusterRole](t, "ClusterRole", name).Rules {
			for _, word := range append(rule.Resources, append(rule.Verbs, rule.APIGroups...)...) {
				if word == "secrets" || word == "*" {
					t.Errorf("ClusterRole %s: %+v", name, rule)
				}
			}
		}
	}
}

// TestMultusIsComplete: the manifest has what its DaemonSet needs, and everybody else none of it.
func TestMultusIsComplete(t *testing.T) {
	text, err := Multus(DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, o := range objects(t, text) {
		kinds[o.GetKind()]++
		if o.GetKind() == "DaemonSet" {
			var set appsv1.DaemonSet
			if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, &set, true); err != nil {
				t.Error(err)
			}
		}
	}
	delete(kinds, "") // the comment at the top
	want := map[string]int{"CustomResourceDefinition": 1, "ServiceAccount": 1, "ClusterRole": 1, "ClusterRoleBinding": 1, "DaemonSet": 1}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	others, err := Render(DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(others, []byte("network-attachment")) {
		t.Error("antrea-mc.yml speaks of multus")
	}
}
