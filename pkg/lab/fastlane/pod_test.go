package fastlane

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

// What runs follows from image and Pod as the Kubernetes documentation of command and args has it.
func TestArguments(t *testing.T) {
	img := Image{Config: ocispec.ImageConfig{Entrypoint: []string{"/ep"}, Cmd: []string{"cmd"}}}
	for _, c := range []struct {
		name          string
		command, args []string
		want          []string
	}{
		{"image alone", nil, nil, []string{"/ep", "cmd"}},
		{"args replace the image's", nil, []string{"a"}, []string{"/ep", "a"}},
		{"command replaces both", []string{"/c"}, nil, []string{"/c"}},
		{"command and args", []string{"/c"}, []string{"a"}, []string{"/c", "a"}},
		{"references", []string{"/c"}, []string{"--node=$(NODE)-$(NODE)", "$(NONE)", "$NODE"}, []string{"/c", "--node=n1-n1", "$(NONE)", "$NODE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := arguments(corev1.Container{Command: c.command, Args: c.args}, img, []string{"NODE=n0", "NODE=n1"})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestField(t *testing.T) {
	p := &pod{
		driver: &Driver{Config: Config{Node: "n1"}},
		spec:   &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", Labels: map[string]string{"app.kubernetes.io/name": "x"}}},
	}
	for path, want := range map[string]string{
		"metadata.name": "p", "metadata.namespace": "ns", "spec.nodeName": "n1", "metadata.labels['app.kubernetes.io/name']": "x", "status.podIP": "",
	} {
		if got, err := p.field(path); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", path, got, err, want)
		}
	}
	if _, err := p.field("spec.unheardOf"); err == nil || !strings.Contains(err.Error(), "spec.unheardOf") {
		t.Errorf("unknown field: %v", err)
	}
}

func TestPhaseAndContainerStatus(t *testing.T) {
	running := supervisor.Status{Name: "c", Running: true, Since: time.Unix(1, 0)}
	done := supervisor.Status{Name: "c", Exits: 1, Last: supervisor.Success}
	failed := supervisor.Status{Name: "c", Exits: 1, Last: "ended with status 2"}
	for _, c := range []struct {
		name   string
		policy corev1.RestartPolicy
		status supervisor.Status
		phase  corev1.PodPhase
		state  string
	}{
		{"runs", corev1.RestartPolicyAlways, running, corev1.PodRunning, "running"},
		{"comes back", corev1.RestartPolicyAlways, failed, corev1.PodRunning, "waiting CrashLoopBackOff"},
		{"job runs", corev1.RestartPolicyNever, running, corev1.PodRunning, "running"},
		{"job is done", corev1.RestartPolicyNever, done, corev1.PodSucceeded, "terminated 0"},
		{"job has failed", corev1.RestartPolicyNever, failed, corev1.PodFailed, "terminated 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			container := corev1.Container{Name: "c"}
			p := &pod{
				spec:     &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: c.policy, Containers: []corev1.Container{container}}},
				restarts: map[string]int32{"c": 3},
			}
			if got := p.phase([]supervisor.Status{c.status}); got != c.phase {
				t.Errorf("phase %s, want %s", got, c.phase)
			}
			s := p.containerStatus(container, []supervisor.Status{c.status})
			state := "running"
			switch {
			case s.State.Waiting != nil:
				state = "waiting " + s.State.Waiting.Reason
			case s.State.Terminated != nil:
				state = "terminated " + string('0'+s.State.Terminated.ExitCode)
			}
			if state != c.state || s.Ready != (c.state == "running") || int(s.RestartCount) != 3+c.status.Exits {
				t.Errorf("%s, ready %v, %d restarts; want %s", state, s.Ready, s.RestartCount, c.state)
			}
		})
	}
}

func TestPickAndIndex(t *testing.T) {
	content := map[string][]byte{"a": []byte("1"), "b": []byte("2")}
	if got := pick(content, nil); len(got) != 2 {
		t.Errorf("all: %v", got)
	}
	if diff := cmp.Diff(map[string][]byte{"x/y": []byte("2")}, pick(content, []corev1.KeyToPath{{Key: "b", Path: "x/y"}, {Key: "none", Path: "z"}})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	i := Index{"docker.io/antrea-mc/antrea-agent:latest": {Root: "/r"}}
	if img, err := i.find("antrea-mc/antrea-agent"); err != nil || img.Root != "/r" {
		t.Errorf("%v, %v", img, err)
	}
	if _, err := i.find("nginx"); err == nil || !strings.Contains(err.Error(), "load-image") {
		t.Errorf("unknown image: %v", err)
	}
}
