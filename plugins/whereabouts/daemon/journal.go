package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/store"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
)

// record is an attachment that has, or may have, addresses. It is written before they are asked for.
type record struct {
	Network     string          `json:"network"`
	ContainerID string          `json:"containerID"`
	IfName      string          `json:"ifName"`
	NetNS       string          `json:"netns"`
	Boot        string          `json:"boot"` // of the Node, in which the sandbox was made
	Pod         whereabouts.Pod `json:"pod"`
	Place       store.Place     `json:"place"`
	Releasing   bool            `json:"releasing,omitempty"` // the runtime has been told that it is gone
}

func (r record) attachment() cni.Attachment {
	return cni.Attachment{ContainerID: r.ContainerID, IfName: r.IfName}
}

// journal is the records of this Node: a file for each, whole or not there at all. It is safe for concurrent use.
type journal struct {
	dir string

	mu      sync.Mutex
	records map[cni.Attachment]record
}

// damaged is the end of the name of a file that could not be read.
const damaged = ".damaged"

// openJournal reads the records. A file that cannot be read is set aside and named in the error; the rest is used.
func openJournal(dir string) (*journal, error) {
	j := &journal{dir: dir, records: map[cni.Attachment]record{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case strings.HasSuffix(entry.Name(), damaged):
		case strings.HasPrefix(entry.Name(), "."): // left by a process that was killed while it wrote
			errs = append(errs, os.Remove(path))
		default:
			r, err := readRecord(path)
			if err != nil {
				errs = append(errs, fmt.Errorf("record %s is set aside: %w", path, err), os.Rename(path, path+damaged))
				continue
			}
			j.records[r.attachment()] = r
		}
	}
	return j, errors.Join(errs...)
}

func readRecord(path string) (r record, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(content, &r); err != nil {
		return r, err
	}
	if r.ContainerID == "" || filepath.Base(path) != fileName(r.attachment()) {
		return r, errors.New("it is of another attachment than its name says")
	}
	return r, nil
}

// fileName has a character that neither part can have.
func fileName(a cni.Attachment) string { return a.ContainerID + ":" + a.IfName }

// get is the record of an attachment.
func (j *journal) get(a cni.Attachment) (record, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, ok := j.records[a]
	return r, ok
}

// all is every record.
func (j *journal) all() []record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Collect(maps.Values(j.records))
}

// put writes a record so that it outlives the Node's power.
func (j *journal) put(r record) error {
	content, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(j.dir, ".*")
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := os.Rename(f.Name(), filepath.Join(j.dir, fileName(r.attachment()))); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := syncDir(j.dir); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records[r.attachment()] = r
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// remove ends a record. It may come back if the Node loses power now: then its sandbox is of an earlier boot, and has nothing.
func (j *journal) remove(a cni.Attachment) error {
	if err := os.Remove(filepath.Join(j.dir, fileName(a))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.records, a)
	return nil
}
