// Package manifests holds what antrea-mc.yml is made of: the numbered files here, in their order, after the kinds of
// build/crds. [Render] fills in what differs between builds. [Whereabouts] and [Multus] are manifests of their own, for clusters
// that want them.
package manifests

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"text/template"

	"github.com/antrea-mc/antrea-mc/build/crds"
	"github.com/antrea-mc/antrea-mc/pkg/cni"
)

//go:embed *.yaml *.conf
var files embed.FS

//go:embed whereabouts/whereabouts.yaml
var whereabouts string

// IPAMClaim is the kind that keeps addresses.
//
//go:embed whereabouts/ipamclaim.yaml
var IPAMClaim string

// NetworkAttachmentDefinition is the kind that Multus reads.
//
//go:embed multus/crd.yaml
var NetworkAttachmentDefinition string

//go:embed multus/multus.yaml
var multus string

// Images says where Pods get their images from.
type Images struct {
	Prefix string // registry and organization, such as "antrea-mc" or "registry.example.com/net"
	Tag    string
}

// DefaultImages are those that `make images` makes.
var DefaultImages = Images{Prefix: "antrea-mc", Tag: "latest"}

const header = "# Installs antrea-mc: kubectl apply -f antrea-mc.yml\n# Generated from build/ by `make manifest`; not to be edited.\n"

// Render is the manifest that installs everything.
func Render(images Images) ([]byte, error) {
	out := bytes.NewBufferString(header)
	for _, kinds := range []fs.FS{crds.Agent, crds.Multicluster} {
		if err := appendFiles(out, kinds, func(text string) (string, error) { return text, nil }); err != nil {
			return nil, err
		}
	}
	if err := appendFiles(out, files, images.fill); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

const whereaboutsHeader = "# Installs the IPAM plugin whereabouts, beside any CNI: kubectl apply -f antrea-mc-whereabouts.yml\n" +
	"# Generated from build/ by `make manifest`; not to be edited.\n"

// Whereabouts is the manifest that installs the IPAM plugin.
func Whereabouts(images Images) ([]byte, error) {
	out := bytes.NewBufferString(whereaboutsHeader)
	if err := appendFiles(out, crds.Whereabouts, func(text string) (string, error) { return text, nil }); err != nil {
		return nil, err
	}
	text, err := images.fill(whereabouts)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "---\n%s\n---\n%s\n", strings.TrimSpace(IPAMClaim), strings.TrimSpace(text))
	return out.Bytes(), nil
}

const multusHeader = "# Installs multus, which attaches Pods to several networks, beside any CNI: kubectl apply -f antrea-mc-multus.yml\n" +
	"# Generated from build/ by `make manifest`; not to be edited.\n"

// Multus is the manifest that installs multus.
func Multus(images Images) ([]byte, error) {
	text, err := images.fill(multus)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s---\n%s\n---\n%s\n", multusHeader, strings.TrimSpace(NetworkAttachmentDefinition), strings.TrimSpace(text)), nil
}

// appendFiles writes all YAML files of a directory, each as documents of its own.
func appendFiles(out *bytes.Buffer, dir fs.FS, fill func(string) (string, error)) error {
	names, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		filled, err := fill(string(text))
		if err != nil {
			return fmt.Errorf("manifest %s: %w", name, err)
		}
		fmt.Fprintf(out, "---\n%s\n", strings.TrimSpace(strings.TrimPrefix(filled, "---\n")))
	}
	return nil
}

func (i Images) fill(text string) (string, error) {
	t, err := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"image":    func(name string) string { return i.Prefix + "/" + name + ":" + i.Tag },
		"conflist": func(spaces int) string { return indent(cni.DefaultConflist, spaces) },
		"file": func(name string, spaces int) (string, error) {
			content, err := files.ReadFile(name)
			return indent(string(content), spaces), err
		},
	}).Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = t.Execute(&b, nil)
	return b.String(), err
}

func indent(text string, spaces int) string {
	pad := strings.Repeat(" ", spaces)
	return pad + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+pad)
}
