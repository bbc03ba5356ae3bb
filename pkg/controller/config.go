// Package controller is antrea-controller: the authenticated way from antctl to the agents.
//
// config.go reads antrea-controller.conf; apiserver/ is what it serves.
package controller

import (
	"errors"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// Config is antrea-controller.conf.
type Config struct {
	// APIPort is the port of the controller's API.
	APIPort int `json:"apiPort"`
}

// DefaultConfig is what holds for keys that are not given.
func DefaultConfig() Config { return Config{APIPort: 10349} }

// ReadConfig reads a file; unknown keys are refused.
func ReadConfig(file string) (Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	c := DefaultConfig()
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", file, err)
	}
	if c.APIPort < 1 || c.APIPort > 65535 {
		return Config{}, fmt.Errorf("configuration %s: %w", file, errors.New("apiPort is not a port from 1 to 65535"))
	}
	return c, nil
}
