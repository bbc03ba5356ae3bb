package ociimage

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// untar returns the files of an archive by name; a directory has the content "dir", a link that of its target.
func untar(t *testing.T, b []byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch h.Typeflag {
		case tar.TypeDir:
			content = []byte("dir")
		case tar.TypeSymlink:
			content = []byte("-> " + h.Linkname)
		}
		files[h.Name] = string(content)
	}
}

func example(t *testing.T) Image {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "prog")
	if err := os.WriteFile(src, []byte("program"), 0o700); err != nil {
		t.Fatal(err)
	}
	var rootfs bytes.Buffer
	if err := FilesLayer(File{Path: "/etc/os-release", Data: []byte("ID=test")})(&rootfs); err != nil {
		t.Fatal(err)
	}
	base := filepath.Join(dir, "root.tar")
	if err := os.WriteFile(base, rootfs.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return Image{
		Names: []string{"antrea-mc/thing:v1", "antrea-mc/thing:latest"},
		Arch:  "arm64",
		Layers: []Layer{
			TarLayer(base),
			FilesLayer(
				File{Path: "/usr/local/bin/prog", Source: src},
				File{Path: "/usr/local/bin/alias", Link: "prog"},
				File{Path: "/etc/thing.conf", Data: []byte("x: 1"), Mode: 0o644},
			),
		},
		Config: ocispec.ImageConfig{Entrypoint: []string{"/usr/local/bin/prog"}, User: "65532:65532"},
	}
}

func TestWriteIsReproducible(t *testing.T) {
	img := example(t)
	var a, b bytes.Buffer
	if err := errors.Join(Write(&a, img), Write(&b, img)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two archives of one image differ")
	}
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, example(t)); err != nil {
		t.Fatal(err)
	}
	files := untar(t, b.Bytes())
	for name, content := range files {
		if path, ok := strings.CutPrefix(name, "blobs/sha256/"); ok && digest.FromString(content).Encoded() != path {
			t.Errorf("%s holds %s", name, digest.FromString(content))
		}
	}
	var index ocispec.Index
	decode(t, files, "index.json", &index)
	var names []string
	for _, m := range index.Manifests {
		names = append(names, m.Annotations[containerdName])
	}
	wantNames := []string{"docker.io/antrea-mc/thing:v1", "docker.io/antrea-mc/thing:latest"}
	if diff := cmp.Diff(wantNames, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	var manifest ocispec.Manifest
	decode(t, files, blobPath(index.Manifests[0].Digest), &manifest)
	var config ocispec.Image
	decode(t, files, blobPath(manifest.Config.Digest), &config)
	if config.Architecture != "arm64" || config.Config.User != "65532:65532" || len(config.RootFS.DiffIDs) != 2 {
		t.Errorf("config is %+v", config)
	}
	got := untar(t, []byte(files[blobPath(manifest.Layers[1].Digest)]))
	want := map[string]string{
		"usr/": "dir", "usr/local/": "dir", "usr/local/bin/": "dir", "usr/local/bin/prog": "program",
		"usr/local/bin/alias": "-> prog", "etc/": "dir", "etc/thing.conf": "x: 1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("layer (-want +got):\n%s", diff)
	}
}

func TestWriteFileLeavesNothingHalfWritten(t *testing.T) {
	img := example(t)
	img.Layers = append(img.Layers, TarLayer("/nonexistent.tar"))
	dir := t.TempDir()
	if err := WriteFile(filepath.Join(dir, "x.tar"), img); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error is %v, want one that says what does not exist", err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFullName(t *testing.T) {
	for name, want := range map[string]string{
		"pause":                            "docker.io/library/pause:latest",
		"antrea-mc/antrea-agent:v1":        "docker.io/antrea-mc/antrea-agent:v1",
		"lab.local/pause:1":                "lab.local/pause:1",
		"localhost/x":                      "localhost/x:latest",
		"registry:5000/team/antrea-agent":  "registry:5000/team/antrea-agent:latest",
		"ghcr.io/antrea-mc/controller:1.2": "ghcr.io/antrea-mc/controller:1.2",
	} {
		if got := FullName(name); got != want {
			t.Errorf("FullName(%q) = %q, want %q", name, got, want)
		}
	}
}

func decode(t *testing.T, files map[string]string, name string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(files[name]), v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
