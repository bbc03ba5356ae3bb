package mc

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
)

// fieldManager owns what deploy writes.
const fieldManager = client.FieldOwner("antctl")

// controllerName names the Deployment, its ServiceAccount and its Role.
const controllerName = "antrea-mc-controller"

func newDeploy(target *cluster.Flags, role Role) *cobra.Command {
	var namespace, image string
	var dryRun bool
	defaultNamespace, does := "kube-system", "a member of a ClusterSet"
	if role == Leader {
		defaultNamespace, does = "antrea-multicluster", "the leader of a ClusterSet"
	}
	cmd := &cobra.Command{
		Use:   string(role) + "cluster",
		Short: "Install what makes this cluster " + does,
		Example: fmt.Sprintf(`  antctl mc deploy %[1]scluster -n %[2]s
  antctl mc deploy %[1]scluster -n %[2]s --dry-run | kubectl apply --server-side -f -`, role, defaultNamespace),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
				return fmt.Errorf("namespace %q: %s", namespace, problems[0])
			}
			objects, err := Manifest(role, namespace, image)
			if err != nil {
				return err
			}
			if dryRun {
				return printManifest(cmd.OutOrStdout(), objects)
			}
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			return a.deploy(cmd.Context(), role, namespace, objects)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", defaultNamespace, "namespace of the controller and the ClusterSet")
	cmd.Flags().StringVar(&image, "image", DefaultImage, "image of antrea-mc-controller")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the manifest instead of applying it")
	return cmd
}

func printManifest(w io.Writer, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "---\n%s", text); err != nil {
			return err
		}
	}
	return nil
}

// deploy applies a manifest. What a user has changed in the ConfigMap stays.
func (a *api) deploy(ctx context.Context, role Role, namespace string, objects []*unstructured.Unstructured) error {
	if err := a.checkNamespace(ctx, role, namespace); err != nil {
		return err
	}
	established := false
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" && !established {
			if err := a.waitEstablished(ctx, objects); err != nil {
				return err
			}
			established = true
		}
		what, err := "applied", error(nil)
		if o.GetKind() == "ConfigMap" {
			if err = a.Create(ctx, o, fieldManager); apierrors.IsAlreadyExists(err) {
				what, err = "kept as it is", nil
			}
		} else {
			err = a.Apply(ctx, client.ApplyConfigurationFromUnstructured(o), fieldManager, client.ForceOwnership)
		}
		if err != nil {
			return fmt.Errorf("apply %s: %w: what was applied before it stays; run the command again when this is solved", describe(o), err)
		}
		a.say("%s %s", describe(o), what)
	}
	return nil
}

// checkNamespace refuses to put the two roles into one namespace: their Deployments have the same name.
func (a *api) checkNamespace(ctx context.Context, role Role, namespace string) error {
	had, err := a.deployedRole(ctx, namespace)
	if err != nil || had == "" || had == role {
		return err
	}
	return fmt.Errorf("namespace %s has the %s already: deploy the %s into another namespace", namespace, had, role)
}

// deployedRole is the role of the controller in a namespace, or "" if there is none.
func (a *api) deployedRole(ctx context.Context, namespace string) (Role, error) {
	var d appsv1.Deployment
	if err := a.Get(ctx, client.ObjectKey{Namespace: namespace, Name: controllerName}, &d); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	for _, c := range d.Spec.Template.Spec.Containers {
		if c.Name == controllerName && len(c.Args) > 0 {
			return Role(c.Args[0]), nil
		}
	}
	return "", nil
}

// requireController fails unless the controller of a role is deployed: without it nothing would ever happen.
func (a *api) requireController(ctx context.Context, role Role, namespace string) error {
	had, err := a.deployedRole(ctx, namespace)
	if err != nil {
		return err
	}
	if had != role {
		return fmt.Errorf("namespace %s has no %s: run `antctl mc deploy %scluster -n %s` first, or give the right -n", namespace, role, role, namespace)
	}
	return nil
}

// waitEstablished waits until the API server serves the kinds that were just defined.
func (a *api) waitEstablished(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if o.GetKind() != "CustomResourceDefinition" {
			continue
		}
		err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
			crd := &unstructured.Unstructured{}
			crd.SetGroupVersionKind(o.GroupVersionKind())
			if err := a.Get(ctx, client.ObjectKeyFromObject(o), crd); err != nil {
				return false, client.IgnoreNotFound(err)
			}
			conditions, _, _ := unstructured.NestedSlice(crd.Object, "status", "conditions")
			for _, c := range conditions {
				if c, ok := c.(map[string]any); ok && c["type"] == "Established" {
					return c["status"] == "True", nil
				}
			}
			return false, nil
		})
		if err != nil {
			return fmt.Errorf("wait until %s is served: %w", describe(o), err)
		}
	}
	return nil
}
