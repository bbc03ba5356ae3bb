package fastlane

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/antrea-mc/antrea-mc/pkg/lab/boot"
	"github.com/antrea-mc/antrea-mc/pkg/lab/supervisor"
)

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// service makes a container ready to be started by its Pod's process 1.
func (p *pod) service(ctx context.Context, c corev1.Container, volumes map[string]string) (supervisor.Service, error) {
	index, err := ReadIndex(p.driver.Index)
	if err != nil {
		return supervisor.Service{}, err
	}
	img, err := index.find(c.Image)
	if err != nil {
		return supervisor.Service{}, err
	}
	env, err := p.environment(ctx, c, img)
	if err != nil {
		return supervisor.Service{}, err
	}
	mounts, err := p.mounts(c, volumes)
	if err != nil {
		return supervisor.Service{}, err
	}
	spec := &boot.Container{
		Root: img.Root, Dir: p.box.path("containers", c.Name), Mounts: mounts, Env: env,
		Args: arguments(c, img, env), WorkDir: c.WorkingDir, User: user(p.spec, c, img),
		ReadOnly: c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem,
	}
	if spec.WorkDir == "" {
		spec.WorkDir = img.Config.WorkingDir
	}
	file := p.box.path(c.Name + ".json")
	if err := (boot.Spec{Container: spec}).Write(file); err != nil {
		return supervisor.Service{}, err
	}
	return supervisor.Service{
		Name: c.Name, Args: boot.Args(file), Log: p.box.log(c.Name), Dir: "/", Cloneflags: boot.ContainerCloneFlags,
	}, nil
}

// arguments are what the Pod says, else what the image says, with $(NAME) filled in.
func arguments(c corev1.Container, img Image, env []string) []string {
	args := slices.Concat(c.Command, c.Args)
	if len(c.Command) == 0 {
		args = slices.Concat(img.Config.Entrypoint, c.Args)
		if len(c.Args) == 0 {
			args = slices.Concat(img.Config.Entrypoint, img.Config.Cmd)
		}
	}
	for i := range args {
		args[i] = expand(args[i], env)
	}
	return args
}

var reference = regexp.MustCompile(`\$\(([-._a-zA-Z0-9]+)\)`)

func expand(s string, env []string) string {
	return reference.ReplaceAllStringFunc(s, func(ref string) string {
		for _, e := range slices.Backward(env) {
			if v, ok := strings.CutPrefix(e, ref[2:len(ref)-1]+"="); ok {
				return v
			}
		}
		return ref
	})
}

func user(p *corev1.Pod, c corev1.Container, img Image) string {
	switch {
	case c.SecurityContext != nil && c.SecurityContext.RunAsUser != nil:
		return strconv.FormatInt(*c.SecurityContext.RunAsUser, 10)
	case p.Spec.SecurityContext != nil && p.Spec.SecurityContext.RunAsUser != nil:
		return strconv.FormatInt(*p.Spec.SecurityContext.RunAsUser, 10)
	}
	return img.Config.User
}

// environment is that of the image, the address of the API server and what the container asks for. Later entries win.
func (p *pod) environment(ctx context.Context, c corev1.Container, img Image) ([]string, error) {
	api, err := p.driver.client.CoreV1().Services(metav1.NamespaceDefault).Get(ctx, "kubernetes", metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	env := slices.Concat([]string{defaultPath}, img.Config.Env, []string{
		"HOSTNAME=" + p.spec.Name, "KUBERNETES_SERVICE_HOST=" + api.Spec.ClusterIP, fmt.Sprintf("KUBERNETES_SERVICE_PORT=%d", api.Spec.Ports[0].Port),
	})
	for _, e := range c.Env {
		value := expand(e.Value, env)
		switch from := e.ValueFrom; {
		case from == nil:
		case from.FieldRef != nil:
			if value, err = p.field(from.FieldRef.FieldPath); err != nil {
				return nil, err
			}
		case from.ConfigMapKeyRef != nil:
			m, err := p.driver.client.CoreV1().ConfigMaps(p.spec.Namespace).Get(ctx, from.ConfigMapKeyRef.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			value = m.Data[from.ConfigMapKeyRef.Key]
		case from.SecretKeyRef != nil:
			s, err := p.driver.client.CoreV1().Secrets(p.spec.Namespace).Get(ctx, from.SecretKeyRef.Name, metav1.GetOptions{})
			if err != nil {
				return nil, err
			}
			value = string(s.Data[from.SecretKeyRef.Key])
		default:
			return nil, fmt.Errorf("container %s: the fast lane has no source for %s", c.Name, e.Name)
		}
		env = append(env, e.Name+"="+value)
	}
	return env, nil
}

var mapField = regexp.MustCompile(`^metadata\.(labels|annotations)\['(.+)'\]$`)

// field is a field of the Pod that it may be told.
func (p *pod) field(path string) (string, error) {
	first := func(addresses []string) string {
		if len(addresses) == 0 {
			return ""
		}
		return addresses[0]
	}
	switch path {
	case "metadata.name":
		return p.spec.Name, nil
	case "metadata.namespace":
		return p.spec.Namespace, nil
	case "metadata.uid":
		return string(p.spec.UID), nil
	case "spec.nodeName":
		return p.driver.Node, nil
	case "spec.serviceAccountName":
		return p.spec.Spec.ServiceAccountName, nil
	case "status.hostIP":
		return p.driver.Address.String(), nil
	case "status.podIP":
		return first(p.addresses()), nil
	case "status.podIPs":
		return strings.Join(p.addresses(), ","), nil
	}
	if m := mapField.FindStringSubmatch(path); m != nil {
		if m[1] == "labels" {
			return p.spec.Labels[m[2]], nil
		}
		return p.spec.Annotations[m[2]], nil
	}
	return "", fmt.Errorf("the fast lane does not tell field %s", path)
}

// mounts are the container's volumes and the files that every container gets.
func (p *pod) mounts(c corev1.Container, volumes map[string]string) ([]boot.Mount, error) {
	mounts := []boot.Mount{
		{From: p.box.path("resolv.conf"), To: "/etc/resolv.conf"},
		{From: p.box.path("hosts"), To: "/etc/hosts"},
	}
	for _, m := range c.VolumeMounts {
		from, ok := volumes[m.Name]
		if !ok {
			return nil, fmt.Errorf("container %s: there is no volume %s", c.Name, m.Name)
		}
		mounts = append(mounts, boot.Mount{From: filepath.Join(from, m.SubPath), To: m.MountPath, ReadOnly: m.ReadOnly})
	}
	// What lies in another mount must come after it.
	slices.SortStableFunc(mounts, func(a, b boot.Mount) int { return strings.Count(a.To, "/") - strings.Count(b.To, "/") })
	return mounts, nil
}
