package ociimage

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// A Layer writes an uncompressed tar stream, the same bytes each time it is called.
type Layer func(w io.Writer) error

// File is one file of a layer; exactly one of Source, Data and Link says what it is.
type File struct {
	Path   string      // absolute path in the image
	Mode   fs.FileMode // permissions; 0755 if zero
	Source string      // a file of this machine
	Data   []byte      // the content itself
	Link   string      // the target of a symbolic link
}

// TarLayer is a layer that is already a tar file, such as a root file system made by mmdebstrap.
func TarLayer(name string) Layer {
	return func(w io.Writer) error {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.Copy(w, f); err != nil {
			return fmt.Errorf("layer %s: %w", name, err)
		}
		return nil
	}
}

// FilesLayer is a layer of single files, owned by root and without times, and of the directories that they need.
func FilesLayer(files ...File) Layer {
	return func(w io.Writer) error {
		l := layerWriter{Writer: tar.NewWriter(w), dirs: map[string]bool{".": true, "/": true}}
		for _, f := range files {
			if err := l.add(f); err != nil {
				return fmt.Errorf("layer file %s: %w", f.Path, err)
			}
		}
		return l.Close()
	}
}

type layerWriter struct {
	*tar.Writer
	dirs map[string]bool // already written
}

func (l layerWriter) add(f File) error {
	name := strings.TrimPrefix(path.Clean("/"+f.Path), "/")
	if err := l.mkdir(path.Dir(name)); err != nil {
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(f.Mode.Perm()), ModTime: epoch}
	if h.Mode == 0 {
		h.Mode = 0o755
	}
	var content io.Reader = bytes.NewReader(f.Data)
	switch {
	case f.Link != "":
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		return l.WriteHeader(h)
	case f.Source != "":
		src, err := os.Open(f.Source)
		if err != nil {
			return err
		}
		defer src.Close()
		info, err := src.Stat()
		if err != nil {
			return err
		}
		h.Size, content = info.Size(), src
	default:
		h.Size = int64(len(f.Data))
	}
	if err := l.WriteHeader(h); err != nil {
		return err
	}
	_, err := io.Copy(l, content)
	return err
}

func (l layerWriter) mkdir(dir string) error {
	if l.dirs[dir] {
		return nil
	}
	if err := l.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	l.dirs[dir] = true
	return l.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: epoch})
}

// epoch is the time of everything in an archive, so that the same input gives the same bytes.
var epoch = time.Unix(0, 0)
