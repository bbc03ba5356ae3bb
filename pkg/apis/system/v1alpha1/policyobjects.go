package v1alpha1

import "time"

// PolicyObjects is the resource by which the agent of a Node is told what policies for its Pods depend on: a watch with the field
// selector metadata.name=NODE, answered with one batch of package policy after the other, each a JSON document.
const PolicyObjects = "policyobjects"

// Who has been told before says of which instance of the controller and up to which version, and is told only what he missed, if
// that is known.
const (
	ParameterInstance = "instance"
	ParameterVersion  = "version"
)

// PolicyObjectsInterval is how often a batch comes at least, be it an empty one.
const PolicyObjectsInterval = 5 * time.Second
