package fastlane

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/antrea-mc/antrea-mc/pkg/ociimage"
)

// Image is an unpacked image.
type Image struct {
	Root   string // its root file system, as a node sees it
	Config ocispec.ImageConfig
}

// Index says where the images of a lab are, by full name.
type Index map[string]Image

// ReadIndex reads an index; a file that does not exist is an empty one.
func ReadIndex(file string) (Index, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Index{}, nil
	}
	if err != nil {
		return nil, err
	}
	i := Index{}
	if err := json.Unmarshal(text, &i); err != nil {
		return nil, fmt.Errorf("image index %s: %w", file, err)
	}
	return i, nil
}

// Write replaces an index file.
func (i Index) Write(file string) error {
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// find finds an image as a Pod names it.
func (i Index) find(name string) (Image, error) {
	img, ok := i[ociimage.FullName(name)]
	if !ok {
		return img, fmt.Errorf("image %s is not in the lab: antrea-lab load-image loads it", name)
	}
	return img, nil
}
