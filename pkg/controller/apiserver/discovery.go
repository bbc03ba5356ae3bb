package apiserver

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

// forwarded are the subresources of nodes that agents answer.
var forwarded = []struct {
	name, kind string
	verbs      metav1.Verbs // get is GET, create is POST
}{
	{"agentinfo", "AgentInfo", metav1.Verbs{"get"}},
	{"drift", "DriftList", metav1.Verbs{"create", "get"}},
	{"drops", "DropList", metav1.Verbs{"get"}},
	{"fqdncache", "FQDNCacheEntryList", metav1.Verbs{"get"}},
	{"gatewaypeers", "GatewayPeerList", metav1.Verbs{"get"}},
	{"networkpolicyrules", "NetworkPolicyRuleList", metav1.Verbs{"get"}},
	{"ovsflows", "OVSFlowList", metav1.Verbs{"get"}},
	{"podinterfaces", "PodInterfaceList", metav1.Verbs{"get"}},
}

func groupList() any {
	return metav1.APIGroupList{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"},
		Groups:   []metav1.APIGroup{apiGroup().(metav1.APIGroup)},
	}
}

func apiGroup() any {
	v := metav1.GroupVersionForDiscovery{
		GroupVersion: systemv1alpha1.GroupVersion.String(),
		Version:      systemv1alpha1.GroupVersion.Version,
	}
	return metav1.APIGroup{
		TypeMeta:         metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroup"},
		Name:             systemv1alpha1.GroupVersion.Group,
		Versions:         []metav1.GroupVersionForDiscovery{v},
		PreferredVersion: v,
	}
}

// resourceList names no resource "nodes" itself, only what is below: kubectl's nodes are those of the core API.
func resourceList() any {
	list := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"},
		GroupVersion: systemv1alpha1.GroupVersion.String(),
		APIResources: []metav1.APIResource{
			{Name: "controllerinfos", SingularName: "controllerinfo", Kind: "ControllerInfo", Verbs: metav1.Verbs{"get"}},
			{Name: systemv1alpha1.PolicyObjects, SingularName: "policyobject", Kind: "PolicyObjectBatch", Verbs: metav1.Verbs{"watch"}},
		},
	}
	for _, sub := range forwarded {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: "nodes/" + sub.name, Kind: sub.kind, Verbs: sub.verbs})
	}
	return list
}

// The API server asks for schemas and, given none, asks again for ever.

func openAPIV2() any {
	return map[string]any{
		"swagger": "2.0",
		"info":    map[string]string{"title": systemv1alpha1.GroupVersion.Group, "version": version.String()},
		"paths":   map[string]any{},
	}
}

func openAPIV3() any { return map[string]any{"paths": map[string]any{}} }
