package main

import (
	"iter"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/antrea-mc/antrea-mc/pkg/ociimage"
)

// nobody is the user of everything that needs no privilege, by number so that kubelet can check runAsNonRoot.
const nobody = "65532:65532"

// pluginDir is where `antrea-cni install` looks for the CNI plugins that it copies to the Node beside itself.
const pluginDir = "/opt/cni/bin"

// contents yields every image by name: the binaries of bin, and for the agent Open vSwitch and the CNI plugins.
func contents(bin, rootfs string, plugins []string) iter.Seq2[string, ociimage.Image] {
	return func(yield func(string, ociimage.Image) bool) {
		_ = yield("antrea-agent", agent(bin, rootfs, plugins)) &&
			yield("antrea-controller", controller(bin, "antrea-controller")) &&
			yield("antrea-mc-controller", controller(bin, "antrea-mc-controller")) &&
			yield("multus", daemonAndPlugin(bin, "multus")) &&
			yield("whereabouts", daemonAndPlugin(bin, "whereabouts"))
	}
}

func agent(bin, rootfs string, plugins []string) ociimage.Image {
	files := []ociimage.File{
		{Path: "/usr/local/bin/antrea-agent", Source: filepath.Join(bin, "antrea-agent")},
		{Path: "/usr/local/bin/start-ovs", Source: "build/images/antrea-agent/start-ovs"},
		{Path: "/usr/local/bin/antrea-cni", Source: filepath.Join(bin, "antrea-cni")},
	}
	for _, p := range plugins {
		files = append(files, ociimage.File{Path: pluginDir + "/" + filepath.Base(p), Source: p})
	}
	return ociimage.Image{
		Layers: []ociimage.Layer{ociimage.TarLayer(rootfs), ociimage.FilesLayer(files...)},
		Config: ocispec.ImageConfig{
			Env:        []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Entrypoint: []string{"/usr/local/bin/antrea-agent"},
		},
	}
}

// controller is an image of one static binary and nothing else.
func controller(bin, name string) ociimage.Image {
	return ociimage.Image{
		Layers: []ociimage.Layer{ociimage.FilesLayer(
			ociimage.File{Path: "/usr/local/bin/" + name, Source: filepath.Join(bin, name)},
		)},
		Config: ocispec.ImageConfig{User: nobody, Entrypoint: []string{"/usr/local/bin/" + name}},
	}
}

// daemonAndPlugin is a CNI plugin and its daemon, which puts the plugin on the Node and writes there, as root.
func daemonAndPlugin(bin, name string) ociimage.Image {
	return ociimage.Image{
		Layers: []ociimage.Layer{ociimage.FilesLayer(
			ociimage.File{Path: "/usr/local/bin/" + name + "-daemon", Source: filepath.Join(bin, name+"-daemon")},
			ociimage.File{Path: pluginDir + "/" + name, Source: filepath.Join(bin, name)},
		)},
		Config: ocispec.ImageConfig{Entrypoint: []string{"/usr/local/bin/" + name + "-daemon"}},
	}
}
