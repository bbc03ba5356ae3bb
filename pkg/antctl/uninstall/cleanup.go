package uninstall

import (
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/build/manifests"
)

const (
	namespace   = metav1.NamespaceSystem
	agentName   = "antrea-agent"
	cleanupName = "antrea-cleanup"
)

// cleanupDaemonSet is made from the DaemonSet of the agent, so that it has its image, volumes and Nodes. Its Pods run Open
// vSwitch once more, because only that can take its bridges away; then they undo, step by step, what the agent and install-cni
// did to the Node. They wait until the agent has left the Node; a Pod that is ready has cleaned it.
func cleanupDaemonSet(agent *appsv1.DaemonSet) (*appsv1.DaemonSet, error) {
	labels := map[string]string{"app": "antrea", "component": cleanupName}
	spec := *agent.Spec.Template.Spec.DeepCopy()

	find := func(list []corev1.Container, name string) (corev1.Container, error) {
		for _, c := range list {
			if c.Name == name {
				c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Ports = nil, nil, nil, nil
				return c, nil
			}
		}
		return corev1.Container{}, fmt.Errorf("DaemonSet %s/%s has no container %s: it is not of antrea-mc", namespace, agent.Name, name)
	}
	ovs, err := find(spec.Containers, "antrea-ovs")
	if err != nil {
		return nil, err
	}
	always := corev1.ContainerRestartPolicyAlways
	ovs.RestartPolicy = &always // runs beside the steps

	node, err := find(spec.Containers, agentName)
	if err != nil {
		return nil, err
	}
	node.Name = "clean-node"
	node.Command = append(node.Command, "--cleanup")

	plugins, err := find(spec.InitContainers, "install-cni")
	if err != nil {
		return nil, err
	}
	plugins.Name = "uninstall-cni"
	for i, arg := range plugins.Command {
		if arg == "install" {
			plugins.Command[i] = "uninstall"
		}
	}

	done := node
	done.Name = "done"
	done.Command = []string{"sh", "-c", "rm -rf /var/run/antrea/* && exec sleep infinity"}

	spec.InitContainers = []corev1.Container{ovs, node, plugins}
	spec.Containers = []corev1.Container{done}
	// Nothing here asks the API server, and the agent's account and configuration may be gone.
	spec.ServiceAccountName, spec.DeprecatedServiceAccount = "", ""
	spec.AutomountServiceAccountToken = new(bool)
	for i, v := range spec.Volumes {
		if v.ConfigMap != nil {
			optional := true
			spec.Volumes[i].ConfigMap.Optional = &optional
		}
	}
	spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: agent.Spec.Template.Labels},
			TopologyKey:   corev1.LabelHostname,
		}},
	}}
	grace := int64(5)
	spec.TerminationGracePeriodSeconds = &grace
	return &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"},
		ObjectMeta: metav1.ObjectMeta{Name: cleanupName, Namespace: namespace, Labels: labels},
		Spec: appsv1.DaemonSetSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec},
		},
	}, nil
}

// Manifest is the clean-up for those who took antrea-mc away with kubectl delete -f antrea-mc.yml.
func Manifest(images manifests.Images) ([]byte, error) {
	objects, err := installed(images)
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		if o.GetKind() != "DaemonSet" {
			continue
		}
		var agent appsv1.DaemonSet
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &agent); err != nil {
			return nil, err
		}
		set, err := cleanupDaemonSet(&agent)
		if err != nil {
			return nil, err
		}
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(set)
		if err != nil {
			return nil, err
		}
		delete(object, "status")
		text, err := yaml.Marshal(object)
		return append([]byte(manifestHeader), text...), err
	}
	return nil, errors.New("the install manifest has no DaemonSet")
}

const manifestHeader = `# Cleans the Nodes of a cluster from which antrea-mc was taken with kubectl delete -f antrea-mc.yml. Apply it, wait with
# kubectl -n kube-system rollout status daemonset/antrea-cleanup, and delete it. antctl uninstall does all of this.
# Generated from build/ by ` + "`make manifest`" + `; not to be edited.
`

// unclean are the Nodes on which the clean-up DaemonSet wants a Pod that is not ready yet, by their Pods.
func unclean(pods []corev1.Pod) []string {
	var nodes []string
	for _, p := range pods {
		ready := false
		for _, c := range p.Status.Conditions {
			ready = ready || c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}
		if !ready {
			nodes = append(nodes, p.Spec.NodeName+whyNot(p))
		}
	}
	return nodes
}

// whyNot is what keeps a Pod from the next step, in brackets, or nothing.
func whyNot(p corev1.Pod) string {
	for _, s := range append(p.Status.InitContainerStatuses, p.Status.ContainerStatuses...) {
		switch {
		case s.State.Waiting != nil && s.State.Waiting.Reason != "PodInitializing":
			return fmt.Sprintf(" (%s: %s %s)", s.Name, s.State.Waiting.Reason, lastMessage(s))
		case s.State.Terminated != nil && s.State.Terminated.ExitCode != 0:
			return fmt.Sprintf(" (%s: %s)", s.Name, s.State.Terminated.Message)
		}
	}
	return ""
}

func lastMessage(s corev1.ContainerStatus) string {
	if t := s.LastTerminationState.Terminated; t != nil {
		return t.Message
	}
	return s.State.Waiting.Message
}
