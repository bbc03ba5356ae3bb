package uninstall

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/antrea-mc/antrea-mc/build/manifests"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/mc"
)

// agentDaemonSet is the one of the install manifest.
func agentDaemonSet(t *testing.T) *appsv1.DaemonSet {
	t.Helper()
	objects, err := installed(manifests.DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.GetKind() == "DaemonSet" {
			var set appsv1.DaemonSet
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &set); err != nil {
				t.Fatal(err)
			}
			return &set
		}
	}
	t.Fatal("the manifest has no DaemonSet")
	return nil
}

func TestCleanupDaemonSet(t *testing.T) {
	agent := agentDaemonSet(t)
	before := agent.DeepCopy()
	got, err := cleanupDaemonSet(agent)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, agent); diff != "" {
		t.Errorf("the agent's DaemonSet was changed:\n%s", diff)
	}
	var steps []string
	spec := got.Spec.Template.Spec
	for _, c := range append(spec.InitContainers, spec.Containers...) {
		step := c.Name + ": " + strings.Join(c.Command, " ")
		if c.RestartPolicy != nil {
			step += " (beside the others)"
		}
		if c.LivenessProbe != nil || c.ReadinessProbe != nil {
			step += " with probes"
		}
		steps = append(steps, step)
	}
	want := []string{
		"antrea-ovs: start-ovs (beside the others)",
		"clean-node: " + strings.Join(agent.Spec.Template.Spec.Containers[0].Command, " ") + " --cleanup",
		"uninstall-cni: antrea-cni uninstall --bin-dir /host/opt/cni/bin",
		"done: sh -c rm -rf /var/run/antrea/* && exec sleep infinity",
	}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if !spec.HostNetwork || len(spec.Tolerations) != 1 || got.Spec.Selector.MatchLabels["component"] != "antrea-cleanup" {
		t.Errorf("not on the Nodes of the agent: %+v", got.Spec)
	}

	agent.Spec.Template.Spec.Containers = nil
	if _, err := cleanupDaemonSet(agent); err == nil || !strings.Contains(err.Error(), "has no container antrea-ovs") {
		t.Errorf("foreign DaemonSet: %v", err)
	}
}

func TestManifestIsCurrent(t *testing.T) {
	want, err := Manifest(manifests.DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../antrea-mc-cleanup.yml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run `make manifest` (-want +got):\n%s", diff)
	}
}

func TestUnclean(t *testing.T) {
	ready := corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	crashing := corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{{
		Name:                 "clean-node",
		State:                corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
		LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Message: "no bridge"}},
	}}}
	pods := []corev1.Pod{
		{Spec: corev1.PodSpec{NodeName: "n1"}, Status: ready},
		{Spec: corev1.PodSpec{NodeName: "n2"}},
		{Spec: corev1.PodSpec{NodeName: "n3"}, Status: crashing},
	}
	want := []string{"n2", "n3 (clean-node: CrashLoopBackOff no bridge)"}
	if diff := cmp.Diff(want, unclean(pods)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// newCluster has what the manifest installs, and the given objects.
func newCluster(t *testing.T, more ...runtime.Object) (Config, *bytes.Buffer) {
	t.Helper()
	objects, err := installed(manifests.DefaultImages)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[schema.GroupVersionResource]string{clusterSets: "ClusterSetList"}
	for _, o := range objects {
		more = append(more, &o)
	}
	var out bytes.Buffer
	return Config{
		Client:  fake.NewClientset(),
		Dynamic: dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, more...),
		Timeout: time.Second,
		Out:     &out,
	}, &out
}

func TestRun(t *testing.T) {
	c, out := newCluster(t)
	annotations := map[string]string{"node.antrea.io/agent-api-port": "10350", "node.antrea.io/transport-addresses": "172.16.0.1", "example.com/kept": ""}
	c.Client = fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n1", Annotations: annotations}})
	for range 2 { // a second time there is nothing to do
		if err := Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(out.String(), "\n")
	want := []string{
		"deleting APIService v1alpha1.system.antrea.io",
		"deleting Deployment antrea-controller",
		"no DaemonSet antrea-agent: Nodes are left alone",
		"deleting Service antrea",
	}
	if diff := cmp.Diff(want, lines[:len(want)]); diff != "" {
		t.Errorf("begins (-want +got):\n%s", diff)
	}
	if n := strings.Count(out.String(), "deleting "); n != 27 {
		t.Errorf("%d objects deleted:\n%s", n, out)
	}
	node, err := c.Client.CoreV1().Nodes().Get(t.Context(), "n1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"example.com/kept": ""}, node.Annotations); diff != "" {
		t.Errorf("annotations of the Node (-want +got):\n%s", diff)
	}
}

func TestControllersAreDeleted(t *testing.T) {
	objects, err := mc.Manifest(mc.Leader, "antrea-multicluster", mc.DefaultImage)
	if err != nil {
		t.Fatal(err)
	}
	var there []runtime.Object
	var deployment appsv1.Deployment
	for _, o := range objects {
		if o.GetKind() == "Deployment" {
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &deployment); err != nil {
				t.Fatal(err)
			}
		}
		if o.GetKind() != "CustomResourceDefinition" { // newCluster has them
			there = append(there, o)
		}
	}
	c, out := newCluster(t, there...)
	c.Client = fake.NewClientset(&deployment)
	if err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Deployment antrea-mc-controller", "ClusterRole antrea-mc-leader", "CustomResourceDefinition clustersets.multicluster.crd.antrea.io"} {
		if !strings.Contains(out.String(), "deleting "+want+"\n") {
			t.Errorf("%s is left:\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "Namespace") {
		t.Errorf("a namespace was deleted:\n%s", out)
	}
}

func TestMembersAreRefused(t *testing.T) {
	set := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "multicluster.crd.antrea.io/v1alpha2", "kind": "ClusterSet",
		"metadata": map[string]any{"name": "demo", "namespace": "kube-system"},
	}}
	c, out := newCluster(t, set)
	err := Run(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "in ClusterSet kube-system/demo: leave it first with antctl mc leave") {
		t.Errorf("error is %v", err)
	}
	if out.Len() > 0 {
		t.Errorf("something was done: %s", out)
	}
}

func TestCleanNodes(t *testing.T) {
	c, out := newCluster(t)
	client := c.Client.(*fake.Clientset)
	if _, err := client.AppsV1().DaemonSets(namespace).Create(t.Context(), agentDaemonSet(t), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// Stands for the DaemonSet controller and kubelet: one Node, whose Pod is ready at once.
	client.PrependReactor("create", "daemonsets", func(a clienttesting.Action) (bool, runtime.Object, error) {
		set := a.(clienttesting.CreateAction).GetObject().(*appsv1.DaemonSet)
		set.Status.DesiredNumberScheduled = 1
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: namespace, Labels: set.Spec.Template.Labels}}
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		return false, nil, client.Tracker().Add(pod)
	})
	client.PrependReactor("delete", "daemonsets", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if a.(clienttesting.DeleteAction).GetName() == cleanupName {
			return false, nil, client.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("pods"), namespace, "p")
		}
		return false, nil, nil
	})
	if err := c.cleanNodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := `creating DaemonSet antrea-cleanup
deleting DaemonSet antrea-agent
1 of 1 Nodes clean
deleting DaemonSet antrea-cleanup
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sets, err := client.AppsV1().DaemonSets(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(sets.Items) != 0 {
		t.Errorf("left: %v, %v", sets.Items, err)
	}
}

func TestWaitingSaysForWhatAndEnds(t *testing.T) {
	c, out := newCluster(t)
	c.Timeout = 50 * time.Millisecond
	set, err := cleanupDaemonSet(agentDaemonSet(t))
	if err != nil {
		t.Fatal(err)
	}
	set.Status.DesiredNumberScheduled = 3
	if _, err := c.Client.AppsV1().DaemonSets(namespace).Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	err = c.cleanNodes(t.Context())
	want := "waited 50ms in vain: Pods on 0 of 3 Nodes; mend or delete these and run antctl uninstall again"
	if fmt.Sprint(err) != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if !strings.Contains(out.String(), "waiting: Pods on 0 of 3 Nodes") {
		t.Errorf("output is %s", out)
	}
}
