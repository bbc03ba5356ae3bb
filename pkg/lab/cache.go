package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Cache is the folder that outlives labs: binaries, images and image stores. A lab that is up has its own folder in it, so
// that image stores can be hard-linked.
type Cache struct{ Dir string }

// OpenCache finds the cache: ANTREA_MC_CACHE, else antrea-mc in XDG_CACHE_HOME, else antrea-mc in ~/.cache.
func OpenCache() (Cache, error) {
	dir := os.Getenv("ANTREA_MC_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return Cache{}, fmt.Errorf("where is the cache: %w; set ANTREA_MC_CACHE", err)
		}
		dir = filepath.Join(user, "antrea-mc")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Cache{}, err
	}
	return Cache{Dir: dir}, os.MkdirAll(dir, 0o755)
}

// once makes a folder or a file of the cache that is there whole or not at all. Its time is when it was last used.
func (b *Builder) once(target string, make func(tmp string) error) error {
	if _, err := os.Stat(target); err == nil {
		now := time.Now()
		return os.Chtimes(target, now, now)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(target), ".making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	made := filepath.Join(tmp, filepath.Base(target))
	if err := make(made); err != nil {
		return err
	}
	err = os.Rename(made, target)
	if errors.Is(err, fs.ErrExist) { // someone else was faster
		return nil
	}
	return err
}

// unused is how long parts of the cache stay that nothing uses: those that change with every build of the project's images
// go soon.
var unused = map[string]time.Duration{
	"store/full-*": time.Hour, unpackedDir + "/*": time.Hour,
	"*/.making-*": 24 * time.Hour, "store/base-*": 30 * 24 * time.Hour, "images/*": 30 * 24 * time.Hour,
}

// prune removes what has not been used for a while. Stores may go while labs have links to them; an unpacked image only
// when no lab names it.
func (c Cache) prune(now time.Time) error {
	indexes, err := filepath.Glob(filepath.Join(c.Dir, "labs", "*", "fast", imageIndex))
	if err != nil {
		return err
	}
	var named strings.Builder
	for _, i := range indexes {
		text, err := os.ReadFile(i)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		named.Write(text)
	}
	for pattern, limit := range unused {
		found, err := filepath.Glob(filepath.Join(c.Dir, pattern))
		if err != nil {
			return err
		}
		for _, f := range found {
			info, err := os.Stat(f)
			if err != nil || now.Sub(info.ModTime()) < limit || strings.Contains(named.String(), "/"+filepath.Base(f)+"/") {
				continue
			}
			if err := os.RemoveAll(f); err != nil {
				return fmt.Errorf("tidy the cache: %w", err)
			}
		}
	}
	return nil
}
