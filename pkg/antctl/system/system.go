// Package system reads system.antrea.io, what agents and antrea-controller say about themselves, and turns the API server's
// errors into advice. Start at [Get].
package system

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Get reads an object of system.antrea.io.
func Get(ctx context.Context, client kubernetes.Interface, v any, params map[string]string, path ...string) error {
	return do(ctx, client.Discovery().RESTClient().Get(), v, params, path)
}

// Create asks for something to be done, and reads what has been done.
func Create(ctx context.Context, client kubernetes.Interface, v any, params map[string]string, path ...string) error {
	return do(ctx, client.Discovery().RESTClient().Post(), v, params, path)
}

func do(ctx context.Context, r *rest.Request, v any, params map[string]string, path []string) error {
	r.AbsPath("/apis/" + systemv1alpha1.GroupVersion.String() + "/" + strings.Join(path, "/"))
	for name, value := range params {
		r.Param(name, value)
	}
	result := r.Do(ctx)
	if err := result.Error(); err != nil { // decodes the Status, which Raw does not
		return advise(err)
	}
	text, err := result.Raw()
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// advise says what to do about an error of a request to system.antrea.io.
func advise(err error) error {
	var status apierrors.APIStatus
	switch {
	case err == nil || !errors.As(err, &status):
		return err
	case apierrors.IsNotFound(err) && (status.Status().Details == nil || status.Status().Details.Name == ""):
		return fmt.Errorf("this cluster has no system.antrea.io: install antrea-mc with kubectl apply -f antrea-mc.yml (%w)", err)
	case apierrors.IsServiceUnavailable(err) && status.Status().Details != nil: // the API server's own; ours have none
		return fmt.Errorf("antrea-controller does not answer: look at kubectl -n kube-system get pods -l component=antrea-controller (%w)", err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: have ClusterRole antctl bound to you", err)
	}
	return err
}
