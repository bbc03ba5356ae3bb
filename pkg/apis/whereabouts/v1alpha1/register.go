package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of the types in this package.
var GroupVersion = schema.GroupVersion{Group: "whereabouts.cni.cncf.io", Version: "v1alpha1"}

// AddToScheme registers the types of this package.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&IPPool{}, &IPPoolList{},
		&NodeSlicePool{}, &NodeSlicePoolList{},
		&OverlappingRangeIPReservation{}, &OverlappingRangeIPReservationList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
