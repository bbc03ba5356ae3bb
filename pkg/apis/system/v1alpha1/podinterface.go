package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// PodInterfaceList is the interfaces of a Node's Pods, sorted by namespace and name.
type PodInterfaceList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string         `json:"node"`
	Items           []PodInterface `json:"items"`
}

// PodInterface is a Pod's port of the bridge.
type PodInterface struct {
	PodNamespace string `json:"podNamespace"`
	PodName      string `json:"podName"`
	PodUID       string `json:"podUID,omitempty"`
	ContainerID  string `json:"containerID"`
	// Interface is the name in the Pod, PortName that on the Node.
	Interface string   `json:"interface"`
	PortName  string   `json:"portName"`
	OFPort    uint32   `json:"ofPort"` // 0 if the switch does not find the interface
	MAC       string   `json:"mac"`
	IPs       []string `json:"ips"`
}
