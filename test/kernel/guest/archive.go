package guest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// archive is a cpio archive in format newc: Documentation/driver-api/early-userspace/buffer-format.rst of Linux. Names have no slash
// at the beginning; what is added again is left out.
type archive struct {
	bytes.Buffer
	links map[string]string // symbolic ones of folders
	names map[string]bool
}

// Modes of entries.
const (
	symbolic   = 0o120777
	directory  = 0o040755
	executable = 0o100755
)

func newArchive() *archive {
	return &archive{links: make(map[string]string), names: make(map[string]bool)}
}

// folder adds a folder and those that it is in.
func (a *archive) folder(name string) {
	if name == "." || a.links[name] != "" {
		return
	}
	a.folder(filepath.Dir(name))
	a.add(name, directory, nil)
}

// link adds a symbolic link for a folder.
func (a *archive) link(name, to string) {
	a.folder(filepath.Dir(name))
	a.links[name] = to
	a.add(name, symbolic, []byte(to))
}

// file adds a file of this machine.
func (a *archive) file(name, from string) error {
	name = strings.TrimPrefix(name, "/")
	for link, to := range a.links { // the kernel unpacks links as it meets them
		if rest, below := strings.CutPrefix(name, link+"/"); below {
			name = filepath.Join(to, rest)
		}
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	a.folder(filepath.Dir(name))
	a.add(name, executable, content)
	return nil
}

func (a *archive) add(name string, mode int, content []byte) {
	if a.names[name] {
		return
	}
	a.names[name] = true
	a.WriteString("070701")
	for _, field := range []int{len(a.names), mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0} {
		fmt.Fprintf(a, "%08X", field)
	}
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(content)
	a.pad()
}

// pad fills up to a multiple of four bytes.
func (a *archive) pad() { a.Write(make([]byte, -a.Len()&3)) }

// end is the whole archive.
func (a *archive) end() []byte {
	a.add("TRAILER!!!", 0, nil)
	return a.Bytes()
}
