// Package journal is what a daemon behind a CNI plugin remembers of its sandboxes: a record for each, in a file of its own, from before
// anything is done for it until all of that is undone.
//
// Start at [Open]. The records outlive the daemon and the Node's power: a file is whole, or not there at all, or noticed by its
// checksum. [Journal.Lock] keeps two requests from working on one record, and [Journal.WorkOff] is for what could not be undone at once.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// A Record knows the key that it is found by, which is the name of its file too.
type Record interface{ Key() string }

// A Journal is the records of a directory. A file has the CRC-32C of the rest on its first line, and JSON. It is safe for
// concurrent use.
type Journal[R Record] struct {
	dir   string
	whole bool

	mu      sync.Mutex
	records map[string]R
	locked  map[string]chan struct{}
}

// damaged is the end of the name of a file that could not be read.
const damaged = ".damaged"

// Open reads the records of a directory, in which only the named files are anything else. A record that cannot be read is set aside and
// named in the error; the rest is used.
func Open[R Record](dir string, beside ...string) (*Journal[R], error) {
	j := &Journal[R]{dir: dir, whole: true, records: map[string]R{}, locked: map[string]chan struct{}{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var errs []error
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case slices.Contains(beside, entry.Name()):
		case strings.HasSuffix(entry.Name(), damaged):
			j.whole = false
		case strings.HasPrefix(entry.Name(), "."): // left by a process that was killed while it wrote
			errs = append(errs, os.Remove(path))
		default:
			r, err := read[R](path)
			if err != nil {
				j.whole = false
				errs = append(errs, fmt.Errorf("record %s is set aside: %w", path, err), os.Rename(path, path+damaged))
				continue
			}
			j.records[r.Key()] = r
		}
	}
	return j, errors.Join(errs...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(text []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli)) }

func read[R Record](path string) (r R, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	text := content
	if !bytes.HasPrefix(content, []byte("{")) { // as whereabouts-daemon wrote it, before there were checksums
		var sum []byte
		if sum, text, _ = bytes.Cut(content, []byte("\n")); string(sum) != checksum(text) {
			return r, fmt.Errorf("its checksum is %.8q, the content's %s", sum, checksum(text))
		}
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, err
	}
	if filepath.Base(path) != r.Key() {
		return r, errors.New("it is another record than its name says")
	}
	return r, nil
}

// Whole reports whether every file could be read, by this process and those before it.
func (j *Journal[R]) Whole() bool { return j.whole }

// Get is the record of that key.
func (j *Journal[R]) Get(key string) (R, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, ok := j.records[key]
	return r, ok
}

// All is every record.
func (j *Journal[R]) All() []R {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Collect(maps.Values(j.records))
}

// Those is every record that is wanted.
func (j *Journal[R]) Those(wanted func(R) bool) (those []R) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, r := range j.records {
		if wanted(r) {
			those = append(those, r)
		}
	}
	return those
}

// Put writes a record so that it outlives the Node's power. The journal keeps what it has written: r may be changed afterwards.
func (j *Journal[R]) Put(r R) error {
	var kept R
	text, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err == nil {
		err = j.write(r.Key(), text)
	}
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records[r.Key()] = kept
	return nil
}

func (j *Journal[R]) write(name string, text []byte) error {
	f, err := os.CreateTemp(j.dir, ".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	_, err = f.WriteString(checksum(text) + "\n" + string(text))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(j.dir, name)); err != nil {
		return err
	}
	return syncDir(j.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Remove ends a record. It may come back if the Node loses power now: whoever undoes has to bear doing it twice.
func (j *Journal[R]) Remove(key string) error {
	if err := os.Remove(filepath.Join(j.dir, key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.records, key)
	return nil
}
