package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ParamDomain is the parameter of a request for a FQDNCacheEntryList that names the one domain name it is about.
const ParamDomain = "domain"

// FQDNCacheEntryList is the addresses of domain names that Pods of a Node were told and rules of theirs are about, by name.
type FQDNCacheEntryList struct {
	metav1.TypeMeta `json:",inline"`
	Node            string           `json:"node"`
	Items           []FQDNCacheEntry `json:"items"`
}

// FQDNCacheEntry is an address of a domain name.
type FQDNCacheEntry struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	// ExpirationTime is until when new connections are accepted.
	ExpirationTime metav1.Time `json:"expirationTime"`
	// Lapsed says that this is over, and that the entry is kept for connections that there are.
	Lapsed bool `json:"lapsed,omitempty"`
	// Pods were told, as namespace/name.
	Pods []string `json:"pods"`
}
