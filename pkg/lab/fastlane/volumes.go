package fastlane

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volumes makes the Pod's volumes and returns where they are, by name.
func (p *pod) volumes(ctx context.Context) (map[string]string, error) {
	paths := map[string]string{}
	for _, v := range p.spec.Spec.Volumes {
		path, err := p.volume(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("volume %s: %w", v.Name, err)
		}
		paths[v.Name] = path
	}
	return paths, nil
}

func (p *pod) volume(ctx context.Context, v corev1.Volume) (string, error) {
	dir := p.box.path("volumes", v.Name)
	var content map[string][]byte
	var err error
	switch {
	case v.HostPath != nil:
		if t := v.HostPath.Type; t != nil && *t == corev1.HostPathDirectoryOrCreate {
			err = os.MkdirAll(v.HostPath.Path, 0o755)
		}
		return v.HostPath.Path, err
	case v.EmptyDir != nil:
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return "", err
		}
		return dir, os.Chmod(dir, 0o777)
	case v.ConfigMap != nil:
		content, err = p.configMap(ctx, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Secret != nil:
		content, err = p.secret(ctx, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
	case v.DownwardAPI != nil:
		content, err = p.downward(v.DownwardAPI.Items)
	case v.Projected != nil:
		content, err = p.projected(ctx, v.Projected.Sources)
	default:
		err = fmt.Errorf("the fast lane has no volumes of this kind")
	}
	if err != nil {
		return "", err
	}
	return dir, writeAll(dir, content)
}

func writeAll(dir string, content map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range content {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p *pod) projected(ctx context.Context, sources []corev1.VolumeProjection) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, s := range sources {
		var content map[string][]byte
		var err error
		switch {
		case s.ServiceAccountToken != nil:
			content, err = p.token(ctx, s.ServiceAccountToken)
		case s.ConfigMap != nil:
			content, err = p.configMap(ctx, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional)
		case s.Secret != nil:
			content, err = p.secret(ctx, s.Secret.Name, s.Secret.Items, s.Secret.Optional)
		case s.DownwardAPI != nil:
			content, err = p.downward(s.DownwardAPI.Items)
		default:
			err = fmt.Errorf("the fast lane cannot project this source")
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, content)
	}
	return all, nil
}

// token asks for a ServiceAccount token that is bound to the Pod, as kubelet does.
func (p *pod) token(ctx context.Context, t *corev1.ServiceAccountTokenProjection) (map[string][]byte, error) {
	req := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: t.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: p.spec.Name, UID: p.spec.UID},
	}}
	if t.Audience != "" {
		req.Spec.Audiences = []string{t.Audience}
	}
	r, err := p.driver.client.CoreV1().ServiceAccounts(p.spec.Namespace).CreateToken(ctx, p.spec.Spec.ServiceAccountName, req, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("token of ServiceAccount %s: %w", p.spec.Spec.ServiceAccountName, err)
	}
	return map[string][]byte{t.Path: []byte(r.Status.Token)}, nil
}

func (p *pod) configMap(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	m, err := p.driver.client.CoreV1().ConfigMaps(p.spec.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, unless(optional, err)
	}
	content := maps.Clone(m.BinaryData)
	if content == nil {
		content = map[string][]byte{}
	}
	for k, v := range m.Data {
		content[k] = []byte(v)
	}
	return pick(content, items), nil
}

func (p *pod) secret(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) (map[string][]byte, error) {
	s, err := p.driver.client.CoreV1().Secrets(p.spec.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, unless(optional, err)
	}
	return pick(s.Data, items), nil
}

func (p *pod) downward(items []corev1.DownwardAPIVolumeFile) (map[string][]byte, error) {
	content := map[string][]byte{}
	for _, i := range items {
		if i.FieldRef == nil {
			return nil, fmt.Errorf("the fast lane tells only fields, not resources: %s", i.Path)
		}
		v, err := p.field(i.FieldRef.FieldPath)
		if err != nil {
			return nil, err
		}
		content[i.Path] = []byte(v)
	}
	return content, nil
}

// pick gives keys the paths that a Pod wants; without wishes every key is a file.
func pick(content map[string][]byte, items []corev1.KeyToPath) map[string][]byte {
	if len(items) == 0 {
		return content
	}
	picked := map[string][]byte{}
	for _, i := range items {
		if v, ok := content[i.Key]; ok {
			picked[i.Path] = v
		}
	}
	return picked
}

func unless(optional *bool, err error) error {
	if optional != nil && *optional {
		return nil
	}
	return err
}

// writeNameFiles writes the resolv.conf and hosts of the Pod.
func (p *pod) writeNameFiles() error {
	resolv := fmt.Sprintf("search %s.svc.cluster.local svc.cluster.local cluster.local\nnameserver %s\noptions ndots:5\n", p.spec.Namespace, p.driver.DNS)
	policy := p.spec.Spec.DNSPolicy
	if policy == corev1.DNSDefault || p.spec.Spec.HostNetwork && policy == corev1.DNSClusterFirst {
		text, err := os.ReadFile("/etc/resolv.conf")
		if err != nil {
			return err
		}
		resolv = string(text)
	}
	hosts := []string{"127.0.0.1 localhost", "::1 localhost"}
	for _, a := range p.addresses() {
		hosts = append(hosts, a+" "+p.spec.Name)
	}
	for _, a := range p.spec.Spec.HostAliases {
		hosts = append(hosts, strings.Join(slices.Concat([]string{a.IP}, a.Hostnames), " "))
	}
	for name, text := range map[string]string{"resolv.conf": resolv, "hosts": strings.Join(hosts, "\n") + "\n"} {
		if err := os.WriteFile(p.box.path(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
