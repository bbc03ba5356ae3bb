// Package ociimage writes container images to archives without a registry, a daemon or root.
//
// Start at [WriteFile]. An archive holds an OCI image layout, and beside it the manifest.json that Docker before 25 reads,
// so `ctr images import`, `docker load` and `skopeo copy oci-archive:` all take it. layer.go makes layers from files of
// this machine or from the tar of a root file system. The same input gives the same bytes: nothing carries a time.
package ociimage

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An Image is one image for one architecture of Linux.
type Image struct {
	Names  []string // name:tag, as a Pod refers to it
	Arch   string   // a GOARCH
	Layers []Layer
	Config ocispec.ImageConfig
}

// containerdName is the annotation from which containerd takes the name of an image that it imports.
const containerdName = "io.containerd.image.name"

// blob is content that knows its digest before it is written.
type blob struct {
	ocispec.Descriptor
	write Layer
}

// WriteFile writes the archive of an image to a file that is there whole or not at all.
func WriteFile(name string, img Image) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once it was renamed
	if err := Write(f, img); err != nil {
		f.Close()
		return fmt.Errorf("image archive %s: %w", name, err)
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// Write writes the archive of an image to w.
func Write(w io.Writer, img Image) error {
	if len(img.Names) == 0 {
		return fmt.Errorf("an image needs a name")
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	config := ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: img.Arch},
		Config:   img.Config,
		RootFS:   ocispec.RootFS{Type: "layers"},
	}
	var blobs []blob
	for _, layer := range img.Layers {
		b, err := measure(ocispec.MediaTypeImageLayer, layer)
		if err != nil {
			return err
		}
		blobs = append(blobs, b)
		manifest.Layers = append(manifest.Layers, b.Descriptor)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, b.Digest)
	}
	configBlob, err := marshal(ocispec.MediaTypeImageConfig, config)
	if err != nil {
		return err
	}
	manifest.Config = configBlob.Descriptor
	manifestBlob, err := marshal(ocispec.MediaTypeImageManifest, manifest)
	if err != nil {
		return err
	}
	index, err := marshal(ocispec.MediaTypeImageIndex, ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: namedManifests(manifestBlob.Descriptor, img.Names),
	})
	if err != nil {
		return err
	}
	layout, err := marshal("", ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return err
	}
	docker, err := marshal("", dockerManifest(manifest, img.Names))
	if err != nil {
		return err
	}

	tw := tar.NewWriter(w)
	files := []struct {
		name string
		blob
	}{{ocispec.ImageLayoutFile, layout}, {ocispec.ImageIndexFile, index}, {"manifest.json", docker}}
	for _, f := range files {
		if err := put(tw, f.name, f.blob); err != nil {
			return err
		}
	}
	written := map[digest.Digest]bool{}
	for _, b := range append(blobs, configBlob, manifestBlob) {
		if written[b.Digest] {
			continue
		}
		written[b.Digest] = true
		if err := put(tw, blobPath(b.Digest), b); err != nil {
			return err
		}
	}
	return tw.Close()
}

// namedManifests lists a manifest once for each name of its image.
func namedManifests(d ocispec.Descriptor, names []string) []ocispec.Descriptor {
	var list []ocispec.Descriptor
	for _, name := range names {
		d.Annotations = map[string]string{
			containerdName:            FullName(name),
			ocispec.AnnotationRefName: name[strings.LastIndexByte(name, ':')+1:],
		}
		list = append(list, d)
	}
	return list
}

// dockerManifest is the manifest.json of `docker save`.
func dockerManifest(m ocispec.Manifest, names []string) any {
	type image struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	i := image{Config: blobPath(m.Config.Digest), RepoTags: names}
	for _, l := range m.Layers {
		i.Layers = append(i.Layers, blobPath(l.Digest))
	}
	return []image{i}
}

// FullName spells a name the way kubelet asks containerd for it: with the registry, and a tag.
func FullName(name string) string {
	first, rest, ok := strings.Cut(name, "/")
	switch {
	case !ok:
		name = "docker.io/library/" + name
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		name = "docker.io/" + first + "/" + rest
	}
	if !strings.Contains(name[strings.LastIndexByte(name, '/'):], ":") {
		name += ":latest"
	}
	return name
}

func blobPath(d digest.Digest) string { return "blobs/" + d.Algorithm().String() + "/" + d.Encoded() }

// measure runs a layer once for its digest and size.
func measure(mediaType string, layer Layer) (blob, error) {
	sum := sha256.New()
	var size counter
	if err := layer(io.MultiWriter(sum, &size)); err != nil {
		return blob{}, err
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.NewDigest(digest.SHA256, sum), Size: int64(size)}
	return blob{d, layer}, nil
}

func marshal(mediaType string, v any) (blob, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return blob{}, err
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(text), Size: int64(len(text))}
	return blob{d, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(text))
		return err
	}}, nil
}

func put(tw *tar.Writer, name string, b blob) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: b.Size, ModTime: epoch}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	return b.write(tw)
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
