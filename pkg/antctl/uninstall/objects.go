package uninstall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/antrea-mc/antrea-mc/build/manifests"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/mc"
)

// objects are what antctl and the install manifest create, last one first: the multi-cluster controllers that are deployed, and
// what antrea-mc.yml has. Namespaces stay, as there may be more in them.
func (c Config) objects(ctx context.Context) ([]unstructured.Unstructured, error) {
	list, err := installed(manifests.DefaultImages)
	if err != nil {
		return nil, err
	}
	deployments, err := c.Client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{LabelSelector: "app=antrea,component=" + mcController})
	if err != nil {
		return nil, err
	}
	for _, d := range deployments.Items {
		more, err := deployed(d)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	slices.Reverse(list)
	return list, nil
}

// mcController is the name of the multi-cluster controller's Deployments and of their container.
const mcController = "antrea-mc-controller"

// deployed is what `antctl mc deploy` has created with a Deployment.
func deployed(d appsv1.Deployment) ([]unstructured.Unstructured, error) {
	var list []unstructured.Unstructured
	for _, container := range d.Spec.Template.Spec.Containers {
		if container.Name != mcController || len(container.Args) == 0 {
			continue
		}
		objects, err := mc.Manifest(mc.Role(container.Args[0]), d.Namespace, container.Image)
		if err != nil {
			return nil, fmt.Errorf("manifest of %s/%s: %w", d.Namespace, d.Name, err)
		}
		for _, o := range objects {
			// The kinds are in antrea-mc.yml, too, and may only go when everything of them has gone.
			if o.GetKind() != "Namespace" && o.GetKind() != "CustomResourceDefinition" {
				list = append(list, *o)
			}
		}
	}
	return list, nil
}

// installed are the objects of antrea-mc.yml.
func installed(images manifests.Images) ([]unstructured.Unstructured, error) {
	text, err := manifests.Render(images)
	if err != nil {
		return nil, err
	}
	var list []unstructured.Unstructured
	for d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var o unstructured.Unstructured
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, fmt.Errorf("install manifest: %w", err)
		}
		if len(o.Object) > 0 { // the comment on top is a document, too
			list = append(list, o)
		}
	}
}

// controllers splits off what has to go while there still is a network: Pods that are on it cannot end without, and an
// APIService without its server stands in the way of discovery, and so of much else.
func controllers(objects []unstructured.Unstructured) (first, rest []unstructured.Unstructured) {
	for _, o := range objects {
		switch o.GetKind() {
		case "APIService", "Deployment":
			first = append(first, o)
		default:
			rest = append(rest, o)
		}
	}
	return first, rest
}

// deleteAll deletes objects and waits until they are gone, with all they own.
func (c Config) deleteAll(ctx context.Context, objects []unstructured.Unstructured) error {
	policy := metav1.DeletePropagationForeground
	for _, o := range objects {
		err := c.resource(o).Delete(ctx, o.GetName(), metav1.DeleteOptions{PropagationPolicy: &policy})
		switch {
		case err == nil:
			fmt.Fprintf(c.Out, "deleting %s %s\n", o.GetKind(), o.GetName())
		case !apierrors.IsNotFound(err):
			return fmt.Errorf("delete %s %s: %w", o.GetKind(), o.GetName(), err)
		}
	}
	return c.poll(ctx, func(ctx context.Context) (string, error) {
		for _, o := range objects {
			_, err := c.resource(o).Get(ctx, o.GetName(), metav1.GetOptions{})
			if err == nil {
				return fmt.Sprintf("%s %s", o.GetKind(), o.GetName()), nil
			}
			if !apierrors.IsNotFound(err) {
				return "", err
			}
		}
		return "", nil
	})
}

func (c Config) resource(o unstructured.Unstructured) dynamic.ResourceInterface {
	// All kinds of the manifest have regular plurals, so this needs no discovery, which an APIService without its server spoils.
	plural, _ := meta.UnsafeGuessKindToResource(o.GroupVersionKind())
	return c.Dynamic.Resource(plural).Namespace(o.GetNamespace())
}
