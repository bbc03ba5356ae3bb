package daemon

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// InstallPlugin copies the plugin to the directory where the runtime looks for it, at once, so that no runtime executes half a
// file or finds it busy.
func InstallPlugin(plugin, dir string) error {
	src, err := os.Open(plugin)
	if err != nil {
		return err
	}
	defer src.Close()
	f, err := os.CreateTemp(dir, ".whereabouts.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	_, err = io.Copy(f, src)
	if err := errors.Join(err, f.Chmod(0o755), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, "whereabouts"))
}
