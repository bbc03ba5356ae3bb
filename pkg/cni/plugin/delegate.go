package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	"github.com/containernetworking/cni/pkg/version"
)

// ipamPlugin is the name of another IPAM plugin, found in CNI_PATH and given the same environment and configuration
// (specification, section 4). The empty name does nothing.
type ipamPlugin string

// add gives the plugin's result in the newest version.
func (p ipamPlugin) add(ctx context.Context, cniVersion string, conf []byte) (json.RawMessage, error) {
	if p == "" {
		return nil, nil
	}
	out, err := p.exec(ctx, "ADD", conf)
	if err != nil {
		return nil, err
	}
	newest, err := parseResult(cniVersion, out)
	if err != nil {
		_ = p.del(ctx, conf) // the runtime's DEL after a failed ADD tries again
		return nil, p.failed("ADD", types.ErrDecodingFailure, err)
	}
	return json.Marshal(newest)
}

func parseResult(cniVersion string, out []byte) (*current.Result, error) {
	result, err := version.NewResult(cniVersion, out)
	if err != nil {
		return nil, err
	}
	newest, err := current.NewResultFromResult(result)
	if err == nil && len(newest.IPs) == 0 {
		err = errors.New("the result has no address")
	}
	return newest, err
}

// run calls a verb that has no result.
func (p ipamPlugin) run(ctx context.Context, verb string, conf []byte) error {
	if p == "" {
		return nil
	}
	_, err := p.exec(ctx, verb, conf)
	return err
}

func (p ipamPlugin) del(ctx context.Context, conf []byte) error { return p.run(ctx, "DEL", conf) }

func (p ipamPlugin) exec(ctx context.Context, verb string, conf []byte) ([]byte, error) {
	path, err := p.find(os.Getenv("CNI_PATH"))
	if err != nil {
		return nil, p.failed(verb, types.ErrInvalidNetworkConfig, err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(os.Environ(), "CNI_COMMAND="+verb) // the last value of a key counts
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(conf), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		var told types.Error
		if json.Unmarshal(stdout.Bytes(), &told) == nil && told.Msg != "" {
			return nil, p.failed(verb, told.Code, &told)
		}
		return nil, p.failed(verb, types.ErrInternal, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String())))
	}
	return stdout.Bytes(), nil
}

func (p ipamPlugin) find(cniPath string) (string, error) {
	name := string(p)
	if strings.ContainsRune(name, filepath.Separator) {
		return "", errors.New("the name of a plugin has no slash")
	}
	for _, dir := range filepath.SplitList(cniPath) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("no such plugin in CNI_PATH %q", cniPath)
}

func (p ipamPlugin) failed(verb string, code uint, err error) error {
	return types.NewError(code, fmt.Sprintf("ipam.type %q: %s: %s", string(p), verb, err), "")
}
