package member

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/multicluster/config"
)

// configSource reads ConfigMap antrea-mc-controller-config through the API: kubelet would refresh a file only after a while,
// or never.
type configSource struct {
	client    client.Reader
	namespace string
}

func (s *configSource) get(ctx context.Context) (config.Config, error) {
	var cm corev1.ConfigMap
	err := s.client.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: config.ConfigMap}, &cm)
	if client.IgnoreNotFound(err) != nil {
		return config.Config{}, fmt.Errorf("read ConfigMap %s/%s: %w", s.namespace, config.ConfigMap, err)
	}
	conf, err := config.Parse([]byte(cm.Data[config.Key]))
	if err != nil {
		return config.Config{}, fmt.Errorf("ConfigMap %s/%s: %w", s.namespace, config.ConfigMap, err)
	}
	return conf, nil
}
