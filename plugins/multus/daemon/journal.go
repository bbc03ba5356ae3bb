package daemon

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

	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// record is what is known of a sandbox: the plugins that were, or may have been, executed for it.
type record struct {
	ContainerID string      `json:"containerID"`
	NetNS       string      `json:"netns"`
	Boot        string      `json:"boot"` // of the Node, when it was attached
	Pod         podID       `json:"pod"`
	Args        [][2]string `json:"args"` // CNI_ARGS
	Path        []string    `json:"path"` // directories of plugins
	// Conf is the configuration of multus, and Networks the annotation that the Pod was attached by. An older daemon kept neither.
	Conf        json.RawMessage `json:"conf,omitempty"`
	Networks    string          `json:"networks,omitempty"`
	Changing    bool            `json:"changing,omitempty"` // to another annotation
	Untold      bool            `json:"untold,omitempty"`   // the API server was away when the status was to be told
	State       state           `json:"state"`
	Attachments []attached      `json:"attachments"` // in the order of ADD
}

type podID struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

func (p podID) String() string { return p.Namespace + "/" + p.Name }

// state is what the record is for.
type state string

const (
	adding    state = "adding"    // the runtime has no answer yet
	done      state = "done"      // the runtime knows that the Pod is attached
	releasing state = "releasing" // nobody uses it; all is to be deleted
)

// attached is an attachment with what came of it.
type attached struct {
	netplan.Attachment
	Begun   bool            `json:"begun,omitempty"`   // a plugin was, or may have been, executed
	Leaving bool            `json:"leaving,omitempty"` // it is being detached from a Pod that runs
	Result  json.RawMessage `json:"result,omitempty"`  // nil until ADD returned
}

func (r record) sandbox() sandbox {
	return sandbox{ContainerID: r.ContainerID, NetNS: r.NetNS, Args: r.Args, Path: r.Path}
}

// journal is the records of a directory, a file for each sandbox: the CRC-32C of the rest, and JSON.
type journal struct {
	dir   string
	whole bool // every file could be read

	mu      sync.Mutex
	records map[string]record // by container
}

const damaged = ".damaged"

// openJournal reads the records. A file that cannot be read is set aside and named in the error; the rest is used.
func openJournal(dir string) (*journal, error) {
	j := &journal{dir: dir, whole: true, records: map[string]record{}}
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
			j.whole = false
		case entry.Name() == plainFile:
		case strings.HasPrefix(entry.Name(), "."): // left by a process that was killed while it wrote
			errs = append(errs, os.Remove(path))
		default:
			r, err := readRecord(path)
			if err != nil {
				j.whole = false
				errs = append(errs, fmt.Errorf("record %s is set aside: %w", path, err), os.Rename(path, path+damaged))
				continue
			}
			j.records[r.ContainerID] = r
		}
	}
	return j, errors.Join(errs...)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func readRecord(path string) (r record, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	sum, text, _ := bytes.Cut(content, []byte("\n"))
	if string(sum) != checksum(text) {
		return r, fmt.Errorf("its checksum is %.8q, the content's %s", sum, checksum(text))
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, err
	}
	if r.ContainerID == "" || filepath.Base(path) != r.ContainerID {
		return r, errors.New("it is of another sandbox than its name says")
	}
	return r, nil
}

func checksum(text []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli)) }

func (j *journal) get(container string) (record, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, ok := j.records[container]
	return r, ok
}

func (j *journal) all() []record {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Collect(maps.Values(j.records))
}

// put writes a record so that it outlives the Node's power.
func (j *journal) put(r record) error {
	r.Attachments = slices.Clone(r.Attachments)
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(j.dir, ".*")
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	_, err = f.WriteString(checksum(text) + "\n" + string(text))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := os.Rename(f.Name(), filepath.Join(j.dir, r.ContainerID)); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := syncDir(j.dir); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records[r.ContainerID] = r
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

// remove ends a record. It may come back if the Node loses power now: deleting twice is harmless.
func (j *journal) remove(container string) error {
	if err := os.Remove(filepath.Join(j.dir, container)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.records, container)
	return nil
}
