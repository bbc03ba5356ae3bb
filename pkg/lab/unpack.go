package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/antrea-mc/antrea-mc/pkg/lab/fastlane"
	"github.com/antrea-mc/antrea-mc/pkg/ociimage"
)

// imageIndex is the file in a lab's folder that says where its unpacked images are.
const imageIndex = "images.json"

// unpackedDir is where the fast lane's images are, in the cache and in a node.
const unpackedDir = "unpacked"

// unpackedFile describes an unpacked image beside its root file system.
const unpackedFile = "image.json"

// unpacked is an image whose layers were laid over each other in a folder.
type unpacked struct {
	Names  []string
	Config ocispec.ImageConfig
}

// Unpack unpacks image archives into the cache and adds them to an index for nodes of the fast lane.
func (b *Builder) Unpack(ctx context.Context, index string, archives ...string) error {
	all, err := fastlane.ReadIndex(index)
	if err != nil {
		return err
	}
	for _, a := range archives {
		sum, err := fileSum(a)
		if err != nil {
			return err
		}
		name := sum[:16]
		dir := filepath.Join(b.Cache.Dir, unpackedDir, name)
		err = b.once(dir, func(tmp string) error {
			b.Progress.Say("unpacking %s (once, until it changes)", filepath.Base(a))
			return unpack(ctx, a, tmp)
		})
		if err != nil {
			return fmt.Errorf("unpack %s: %w", a, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, unpackedFile))
		if err != nil {
			return err
		}
		var u unpacked
		if err := json.Unmarshal(text, &u); err != nil {
			return err
		}
		for _, n := range u.Names {
			all[ociimage.FullName(n)] = fastlane.Image{Root: filepath.Join(inNode, unpackedDir, name, "root"), Config: u.Config}
		}
	}
	return all.Write(index)
}

// unpack lays the layers of an archive over each other. Layers that delete files of others are not known to it; package
// ociimage makes none.
func unpack(ctx context.Context, archive, dir string) error {
	blobs, root := filepath.Join(dir, "archive"), filepath.Join(dir, "root")
	for _, d := range []string{blobs, root} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	if err := run(exec.CommandContext(ctx, "tar", "-C", blobs, "-xf", archive)); err != nil {
		return err
	}
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := readJSON(filepath.Join(blobs, "manifest.json"), &manifest); err != nil {
		return err
	}
	if len(manifest) != 1 {
		return fmt.Errorf("the archive holds %d images, want one", len(manifest))
	}
	var config ocispec.Image
	if err := readJSON(filepath.Join(blobs, manifest[0].Config), &config); err != nil {
		return err
	}
	for _, l := range manifest[0].Layers {
		if err := run(exec.CommandContext(ctx, "tar", "-C", root, "--numeric-owner", "--preserve-permissions", "-xf", filepath.Join(blobs, l))); err != nil {
			return err
		}
	}
	for _, d := range []string{"proc", "sys", "dev", "etc", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(blobs); err != nil {
		return err
	}
	text, err := json.Marshal(unpacked{Names: manifest[0].RepoTags, Config: config.Config})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, unpackedFile), text, 0o644)
}

func readJSON(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return nil
}
