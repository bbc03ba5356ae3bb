package antctl

import (
	"context"
	"encoding/json"
	"strings"

	"k8s.io/client-go/kubernetes"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// getSystem reads an object of system.antrea.io.
func getSystem(ctx context.Context, client kubernetes.Interface, v any, params map[string]string, path ...string) error {
	r := client.Discovery().RESTClient().Get().
		AbsPath("/apis/" + systemv1alpha1.GroupVersion.String() + "/" + strings.Join(path, "/"))
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
