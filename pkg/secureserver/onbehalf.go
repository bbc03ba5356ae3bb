package secureserver

import (
	"net/http"
	"net/url"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
)

// SetOnBehalf writes into a request in whose name it is made, with the headers of Kubernetes' impersonation.
func SetOnBehalf(h http.Header, u user.Info) {
	dropOnBehalf(h)
	h.Set(authenticationv1.ImpersonateUserHeader, u.GetName())
	if u.GetUID() != "" {
		h.Set(authenticationv1.ImpersonateUIDHeader, u.GetUID())
	}
	for _, g := range u.GetGroups() {
		h.Add(authenticationv1.ImpersonateGroupHeader, g)
	}
	for key, values := range u.GetExtra() {
		for _, v := range values {
			h.Add(authenticationv1.ImpersonateUserExtraHeaderPrefix+url.PathEscape(key), v)
		}
	}
}

func dropOnBehalf(h http.Header) {
	for name := range h {
		if strings.HasPrefix(name, "Impersonate-") {
			h.Del(name)
		}
	}
}

// onBehalfUser is the user that SetOnBehalf wrote, or nil.
func onBehalfUser(h http.Header) user.Info {
	name := h.Get(authenticationv1.ImpersonateUserHeader)
	if name == "" {
		return nil
	}
	u := &user.DefaultInfo{
		Name:   name,
		UID:    h.Get(authenticationv1.ImpersonateUIDHeader),
		Groups: h.Values(authenticationv1.ImpersonateGroupHeader),
		Extra:  map[string][]string{},
	}
	for key, values := range h {
		if escaped, ok := strings.CutPrefix(key, authenticationv1.ImpersonateUserExtraHeaderPrefix); ok {
			if key, err := url.PathUnescape(escaped); err == nil {
				u.Extra[strings.ToLower(key)] = values
			}
		}
	}
	return u
}

// onBehalf makes the request that of the user it names, if its caller may impersonate the resource. This is a verb on a
// resource of our own: it gives no power over the Kubernetes API, where a right to impersonate users would give all.
func onBehalf(authz authorizer.Authorizer, resource schema.GroupResource) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			u := onBehalfUser(r.Header)
			if u == nil {
				next.ServeHTTP(w, r)
				return
			}
			ctx := r.Context()
			caller, _ := request.UserFrom(ctx)
			decision := authorizer.DecisionDeny
			var reason string
			if caller != nil && !resource.Empty() {
				var err error
				decision, reason, err = authz.Authorize(ctx, authorizer.AttributesRecord{
					User: caller, Verb: "impersonate", APIGroup: resource.Group, Resource: resource.Resource,
					Name: u.GetName(), ResourceRequest: true,
				})
				if err != nil {
					WriteError(w, apierrors.NewInternalError(err))
					return
				}
			}
			if decision != authorizer.DecisionAllow {
				WriteError(w, apierrors.NewForbidden(resource, u.GetName(), errNotOnBehalf(reason)))
				return
			}
			dropOnBehalf(r.Header)
			next.ServeHTTP(w, r.WithContext(request.WithUser(ctx, u)))
		})
	}
}

type errNotOnBehalf string

func (e errNotOnBehalf) Error() string {
	return strings.TrimSuffix("the caller may not ask in the name of others: "+string(e), ": ")
}
