package mc

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/antrea-mc/antrea-mc/build/crds"
)

//go:embed manifests/*.yaml
var manifests embed.FS

// Role is what a cluster does in a ClusterSet.
type Role string

// The roles that can be deployed.
const (
	Leader Role = "leader"
	Member Role = "member"
)

// DefaultImage is the image of antrea-mc-controller.
const DefaultImage = "antrea-mc/antrea-mc-controller:latest"

// Manifest is everything that a role needs in a cluster, in the order in which it is to be made: the CRDs first.
func Manifest(role Role, namespace, image string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	files, err := fs.Glob(crds.Multicluster, "*.yaml")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := crds.Multicluster.ReadFile(f)
		if err != nil {
			return nil, err
		}
		if all, err = appendObjects(all, text); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	for _, f := range []string{string(role) + ".yaml", "controller.yaml"} {
		t, err := template.ParseFS(manifests, "manifests/"+f)
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		if err := t.Execute(&text, map[string]string{"Role": string(role), "Namespace": namespace, "Image": image}); err != nil {
			return nil, err
		}
		if all, err = appendObjects(all, text.Bytes()); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
	}
	return all, nil
}

// appendObjects reads YAML documents.
func appendObjects(all []*unstructured.Unstructured, text []byte) ([]*unstructured.Unstructured, error) {
	documents := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		o := &unstructured.Unstructured{}
		err := documents.Decode(&o.Object)
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, err
		case len(o.Object) > 0:
			all = append(all, o)
		}
	}
}

// describe names an object as kubectl does.
func describe(o *unstructured.Unstructured) string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}
