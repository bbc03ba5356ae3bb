package mc

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
)

func TestManifest(t *testing.T) {
	for _, role := range []Role{Leader, Member} {
		t.Run(string(role), func(t *testing.T) {
			objects, err := Manifest(role, "here", "registry.example/antrea-mc-controller:v1")
			require.NoError(t, err)
			require.Equal(t, "CustomResourceDefinition", objects[0].GetKind())
			kinds := map[string]int{}
			for _, o := range objects {
				kinds[o.GetKind()]++
				convert := func(into any) {
					require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(o.Object, into, true), "%s", describe(o))
				}
				switch o.GetKind() {
				case "Deployment":
					var d appsv1.Deployment
					convert(&d)
					checkDeployment(t, role, &d)
				case "ConfigMap":
					var cm corev1.ConfigMap
					convert(&cm)
					_, err := config.Parse([]byte(cm.Data[config.Key]))
					require.NoError(t, err)
				case "ClusterRole":
					var r rbacv1.ClusterRole
					convert(&r)
					checkRules(t, r.Rules)
				case "Role":
					var r rbacv1.Role
					convert(&r)
					checkRules(t, r.Rules)
				}
			}
			require.Equal(t, 6, kinds["CustomResourceDefinition"])
			require.Equal(t, 1, kinds["Deployment"])
		})
	}
}

// checkDeployment is what the security of a controller's Pod rests on.
func checkDeployment(t *testing.T, role Role, d *appsv1.Deployment) {
	t.Helper()
	pod := d.Spec.Template.Spec
	c := pod.Containers[0]
	require.Equal(t, "antrea-mc-controller", d.Labels["component"])
	require.Equal(t, "registry.example/antrea-mc-controller:v1", c.Image)
	require.Equal(t, string(role), c.Args[0])
	require.False(t, pod.HostNetwork)
	require.Equal(t, ptr.To(true), pod.SecurityContext.RunAsNonRoot)
	require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	require.Equal(t, ptr.To(true), c.SecurityContext.ReadOnlyRootFilesystem)
	require.Equal(t, ptr.To(false), c.SecurityContext.AllowPrivilegeEscalation)
	require.Equal(t, []corev1.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
}

// checkRules refuses wildcards, and Secrets that are not named.
func checkRules(t *testing.T, rules []rbacv1.PolicyRule) {
	t.Helper()
	for _, r := range rules {
		for _, list := range [][]string{r.APIGroups, r.Resources, r.Verbs} {
			require.NotContains(t, list, "*")
		}
		for _, resource := range r.Resources {
			if resource == "secrets" && len(r.ResourceNames) == 0 {
				require.Equal(t, []string{"create"}, r.Verbs)
			}
		}
	}
}
