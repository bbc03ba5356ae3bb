// Command manifest writes antrea-mc.yml, antrea-mc-cleanup.yml, antrea-mc-multus.yml and antrea-mc-whereabouts.yml.
package main

import (
	"flag"
	"log"
	"os"
	"path/filepath"

	"github.com/antrea-mc/antrea-mc/build/manifests"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/uninstall"
)

func main() {
	log.SetFlags(0)
	images := manifests.DefaultImages
	flag.StringVar(&images.Prefix, "prefix", images.Prefix, "what stands before the name of each image")
	flag.StringVar(&images.Tag, "tag", images.Tag, "tag of the images")
	dir := flag.String("out", ".", "directory to write to")
	flag.Parse()
	for name, render := range map[string]func(manifests.Images) ([]byte, error){
		"antrea-mc.yml":             manifests.Render,
		"antrea-mc-cleanup.yml":     uninstall.Manifest,
		"antrea-mc-multus.yml":      manifests.Multus,
		"antrea-mc-whereabouts.yml": manifests.Whereabouts,
	} {
		text, err := render(images)
		if err != nil {
			log.Fatalf("manifest %s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(*dir, name), text, 0o644); err != nil {
			log.Fatalf("manifest: %v", err)
		}
	}
}
