package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
)

// installConflist writes the network configuration when the flows are in for the first time. The kubelet calls the Node ready
// as soon as the file is there; it stays when the agent ends, so that a restart does not make the Node unready.
func (a *agent) installConflist(ctx context.Context) error {
	if err := a.syncer.Flush(ctx, 0, pipeline.Owner{}); err != nil {
		return nil // ctx is done
	}
	content, err := os.ReadFile(a.ConflistFile)
	if errors.Is(err, os.ErrNotExist) {
		content, err = []byte(cni.DefaultConflist), nil
	}
	if err != nil {
		return err
	}
	path := filepath.Join(a.ConflistDir, cni.ConflistName)
	written, err := writeAtomically(path, content)
	if err != nil {
		return fmt.Errorf("install network configuration: %w", err)
	}
	if written {
		klog.FromContext(ctx).Info("Installed the network configuration", "path", path)
	}
	return nil
}

// writeAtomically replaces a file unless it has this content already. No reader sees half of it, nor the temporary file, whose
// name no runtime looks for.
func writeAtomically(path string, content []byte) (written bool, err error) {
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o644); err != nil {
		return false, err
	}
	return true, os.Rename(temporary, path)
}
