package mc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/template"

	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// JoinConfig is what a member has to know: kind ClusterSetJoinConfig of multicluster.antrea.io/v1alpha1, a file and never an
// object of an API. A Secret with the join token may follow it as a second document.
type JoinConfig struct {
	APIVersion      string `json:"apiVersion"`
	Kind            string `json:"kind"`
	ClusterSetID    string `json:"clusterSetID"`
	LeaderClusterID string `json:"leaderClusterID"`
	LeaderNamespace string `json:"leaderNamespace"`
	LeaderAPIServer string `json:"leaderAPIServer"`
	ClusterID       string `json:"clusterID,omitempty"`
	Namespace       string `json:"namespace,omitempty"`
	TokenSecretName string `json:"tokenSecretName,omitempty"`
	TokenSecretFile string `json:"tokenSecretFile,omitempty"`
}

const (
	joinKind       = "ClusterSetJoinConfig"
	joinAPIVersion = "multicluster.antrea.io/v1alpha1"
)

var joinFile = template.Must(template.New("").Parse(`apiVersion: {{.Config.APIVersion}}
kind: {{.Config.Kind}}
clusterSetID: {{.Config.ClusterSetID}}
leaderClusterID: {{.Config.LeaderClusterID}}
leaderNamespace: {{.Config.LeaderNamespace}}
leaderAPIServer: {{.Config.LeaderAPIServer}}
# The cluster that joins: its name in the ClusterSet, and the namespace of its controller.
#clusterID: ""
#namespace: kube-system
# Where the join token is, if not in this file: a Secret in the member's namespace, or a file with a Secret.
#tokenSecretName: ""
#tokenSecretFile: ""
{{- with .Secret}}
---
{{.}}
{{- else}}
{{end}}`))

// format writes the join file. secret may be nil.
func (c JoinConfig) format(secret *corev1.Secret) ([]byte, error) {
	c.APIVersion, c.Kind = joinAPIVersion, joinKind
	var text string
	if secret != nil {
		y, err := yaml.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
			"metadata": map[string]string{"name": secret.Name}, "data": secret.Data,
		})
		if err != nil {
			return nil, err
		}
		text = string(y)
	}
	var b bytes.Buffer
	err := joinFile.Execute(&b, map[string]any{"Config": c, "Secret": text})
	return b.Bytes(), err
}

// parseJoinFile reads the documents of a join file in any order; either may be missing.
func parseJoinFile(text []byte) (*JoinConfig, *corev1.Secret, error) {
	var config *JoinConfig
	var secret *corev1.Secret
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return config, secret, nil
		}
		if err != nil {
			return nil, nil, err
		}
		var kind struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal(doc, &kind); err != nil {
			return nil, nil, err
		}
		switch kind.Kind {
		case "": // only comments
		case joinKind:
			config = &JoinConfig{}
			if err := yaml.UnmarshalStrict(doc, config); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", joinKind, err)
			}
		case "Secret":
			secret = &corev1.Secret{}
			if err := yaml.Unmarshal(doc, secret); err != nil {
				return nil, nil, fmt.Errorf("read the Secret: %w", err)
			}
			for k, v := range secret.StringData {
				if secret.Data == nil {
					secret.Data = map[string][]byte{}
				}
				secret.Data[k] = []byte(v)
			}
		default:
			return nil, nil, fmt.Errorf("kind %q has no place in a join file", kind.Kind)
		}
	}
}

// writePrivate replaces a file that only its owner may read: it is there whole, or as it was.
func writePrivate(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".join-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
