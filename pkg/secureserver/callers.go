package secureserver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/authenticatorfactory"
	"k8s.io/apiserver/pkg/authentication/request/headerrequest"
	"k8s.io/apiserver/pkg/authentication/request/union"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/endpoints/filters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// callers tells who calls, and whether he may. The API server publishes in one ConfigMap by whose certificates it knows
// users, and by which certificate and headers it hands them on to others.
type callers struct {
	authn    authenticator.Request
	authz    authorizer.Authorizer
	onBehalf func(http.Handler) http.Handler

	clientCA *dynamiccertificates.ConfigMapCAController
	proxyCA  *dynamiccertificates.ConfigMapCAController
	headers  *headerrequest.RequestHeaderAuthRequestController
}

const (
	authNamespace = metav1.NamespaceSystem
	authConfigMap = "extension-apiserver-authentication"
	reviewTimeout = 10 * time.Second
	// An answer is remembered for so long, as API servers do with their own webhooks.
	cacheTTL = 10 * time.Second
)

func newCallers(c Config) (*callers, error) {
	backoff := &wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Steps: 3}
	clientCA, err := dynamiccertificates.NewDynamicCAFromConfigMapController(
		"client-ca", authNamespace, authConfigMap, "client-ca-file", c.Client)
	if err != nil {
		return nil, fmt.Errorf("client CA: %w", err)
	}
	proxyCA, err := dynamiccertificates.NewDynamicCAFromConfigMapController(
		"front-proxy-ca", authNamespace, authConfigMap, "requestheader-client-ca-file", c.Client)
	if err != nil {
		return nil, fmt.Errorf("front proxy CA: %w", err)
	}
	headers := headerrequest.NewRequestHeaderAuthRequestController(authConfigMap, authNamespace, c.Client,
		"requestheader-username-headers", "requestheader-uid-headers", "requestheader-group-headers",
		"requestheader-extra-headers-prefix", "requestheader-allowed-names")

	authn, _, err := authenticatorfactory.DelegatingAuthenticatorConfig{
		TokenAccessReviewClient:            c.Client.AuthenticationV1(),
		TokenAccessReviewTimeout:           reviewTimeout,
		WebhookRetryBackoff:                backoff,
		CacheTTL:                           cacheTTL,
		ClientCertificateCAContentProvider: clientCA,
		RequestHeaderConfig: &authenticatorfactory.RequestHeaderConfig{
			CAContentProvider:   proxyCA,
			UsernameHeaders:     headerrequest.StringSliceProviderFunc(headers.UsernameHeaders),
			UIDHeaders:          headerrequest.StringSliceProviderFunc(headers.UIDHeaders),
			GroupHeaders:        headerrequest.StringSliceProviderFunc(headers.GroupHeaders),
			ExtraHeaderPrefixes: headerrequest.StringSliceProviderFunc(headers.ExtraHeaderPrefixes),
			AllowedClientNames:  headerrequest.StringSliceProviderFunc(headers.AllowedClientNames),
		},
	}.New()
	if err != nil {
		return nil, fmt.Errorf("authentication: %w", err)
	}
	if len(c.Audiences) > 0 {
		authn = union.New(forAudiences(authn, c.Audiences), authn)
	}
	authz, err := authorizerfactory.DelegatingAuthorizerConfig{
		SubjectAccessReviewClient: c.Client.AuthorizationV1(),
		AllowCacheTTL:             cacheTTL,
		DenyCacheTTL:              cacheTTL,
		WebhookRetryBackoff:       backoff,
	}.New()
	if err != nil {
		return nil, fmt.Errorf("authorization: %w", err)
	}
	return &callers{
		authn: authn, authz: authz, onBehalf: onBehalf(authz, c.OnBehalf),
		clientCA: clientCA, proxyCA: proxyCA, headers: headers,
	}, nil
}

// forAudiences accepts tokens of other audiences than the API server's own; a review is for the one or the other.
func forAudiences(a authenticator.Request, audiences authenticator.Audiences) authenticator.Request {
	return authenticator.RequestFunc(func(r *http.Request) (*authenticator.Response, bool, error) {
		return a.AuthenticateRequest(r.WithContext(authenticator.WithAudiences(r.Context(), audiences)))
	})
}

// run follows the API server's ConfigMap.
func (c *callers) run(ctx context.Context) error {
	var wg wait.Group
	wg.StartWithContext(ctx, func(ctx context.Context) { c.clientCA.Run(ctx, 1) })
	wg.StartWithContext(ctx, func(ctx context.Context) { c.proxyCA.Run(ctx, 1) })
	wg.StartWithContext(ctx, func(ctx context.Context) { c.headers.Run(ctx, 1) })
	wg.Wait()
	return nil
}

// guard lets those requests through to next whose caller is known and allowed.
func (c *callers) guard(next http.Handler) http.Handler {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, metav1.Unversioned)
	codecs := serializer.NewCodecFactory(scheme)
	resolver := &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

	h := filters.WithAuthorization(next, c.authz, codecs)
	h = c.onBehalf(h)
	h = filters.WithAuthentication(h, c.authn, filters.Unauthorized(codecs), nil, nil)
	return filters.WithRequestInfo(h, resolver)
}
