package antctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/nad"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
)

func newCheckNAD(target *cluster.Flags) *cobra.Command {
	var c checkNAD
	var out output.Format
	cmd := &cobra.Command{
		Use:     "nad [[NAMESPACE/]NAME...]",
		Aliases: []string{"net-attach-def", "networkattachmentdefinition"},
		Short:   "Find what is wrong with NetworkAttachmentDefinitions",
		Long: `Reads the configuration of each network as the daemons of multus and whereabouts do when they attach a Pod, and
compares the ranges of all of them: needs the right to list NetworkAttachmentDefinitions in all Namespaces. Fails if there is an
error; a warning may be meant. Which plugins and files the Nodes have is not known here: see the flags.`,
		Example: `  antctl check nad -A
  antctl check nad macvlan-conf -o json
  antctl check nad -f networks.yml --bin-dir /opt/cni/bin`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c.names, c.target, c.stdin = args, target, cmd.InOrStdin()
			return c.run(cmd.Context(), out, cmd.OutOrStdout())
		},
	}
	out.AddTo(cmd)
	cmd.Flags().StringVarP(&c.namespace, "namespace", "n", "", "Namespace of the names (default that of the context)")
	cmd.Flags().BoolVarP(&c.all, "all-namespaces", "A", false, "all of the cluster")
	cmd.Flags().StringVarP(&c.file, "filename", "f", "", "read a file instead of the cluster, - for standard input; other objects in it are passed over")
	cmd.Flags().StringSliceVar(&c.plugins, "plugins", nil, "plugins that the Nodes have; any other is an error")
	cmd.Flags().StringVar(&c.binDir, "bin-dir", "", "a directory with the plugins that the Nodes have; any other is an error")
	cmd.Flags().StringVar(&c.whereaboutsConf, "whereabouts-conf", "", "the file whereabouts.conf of the Nodes")
	return cmd
}

type checkNAD struct {
	names                                    []string
	namespace, file, binDir, whereaboutsConf string
	plugins                                  []string
	all                                      bool
	target                                   *cluster.Flags
	stdin                                    io.Reader
}

func (c checkNAD) run(ctx context.Context, out output.Format, w io.Writer) error {
	if c.all && (len(c.names) > 0 || c.namespace != "") {
		return errors.New("--all-namespaces is for all, so give no names and no --namespace")
	}
	node, err := c.node()
	if err != nil {
		return err
	}
	var all []nad.Definition
	wanted := func(nad.Definition) bool { return true }
	if c.file != "" {
		all, err = c.read()
	} else {
		if all, err = c.list(ctx); err == nil && !c.all {
			wanted, err = c.selection(all)
		}
	}
	if err != nil {
		return err
	}
	result := listOf[nad.Report]{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, Items: []nad.Report{}}
	failed := 0
	for i, r := range nad.Check(all, node) {
		if !wanted(all[i]) {
			continue
		}
		result.Items = append(result.Items, r)
		if r.Fails() {
			failed++
		}
	}
	err = out.Print(w, result, func(w io.Writer) error { return writeReports(w, result.Items) })
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d NetworkAttachmentDefinitions are wrong", failed, len(result.Items)))
	}
	return err
}

// node is what the flags say of the Nodes.
func (c checkNAD) node() (n nad.Node, err error) {
	n.Plugins = c.plugins
	if c.binDir != "" {
		entries, err := os.ReadDir(c.binDir)
		if err != nil {
			return n, fmt.Errorf("--bin-dir: %w", err)
		}
		for _, e := range entries {
			n.Plugins = append(n.Plugins, e.Name())
		}
	}
	if c.whereaboutsConf != "" {
		if n.WhereaboutsFile, err = os.ReadFile(c.whereaboutsConf); err != nil {
			return n, fmt.Errorf("--whereabouts-conf: %w", err)
		}
	}
	return n, nil
}

// networkAttachmentDefinition is what is read of one.
type networkAttachmentDefinition struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Config string `json:"config"`
	} `json:"spec"`
}

func (o networkAttachmentDefinition) definition() nad.Definition {
	return nad.Definition{Namespace: o.Namespace, Name: o.Name, Config: o.Spec.Config}
}

func (c checkNAD) list(ctx context.Context) (all []nad.Definition, err error) {
	client, err := c.target.Client()
	if err != nil {
		return nil, err
	}
	body, err := client.Discovery().RESTClient().Get().AbsPath("/apis/k8s.cni.cncf.io/v1/network-attachment-definitions").DoRaw(ctx)
	if apierrors.IsNotFound(err) {
		return nil, errors.New("the cluster has no kind NetworkAttachmentDefinition: kubectl apply -f antrea-mc-multus.yml")
	}
	var list struct {
		Items []networkAttachmentDefinition `json:"items"`
	}
	if err == nil {
		err = json.Unmarshal(body, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("list NetworkAttachmentDefinitions: %w", err)
	}
	for _, o := range list.Items {
		all = append(all, o.definition())
	}
	return all, nil
}

// selection are the definitions that were named, or those of the Namespace.
func (c checkNAD) selection(all []nad.Definition) (func(nad.Definition) bool, error) {
	namespace := c.namespace
	if namespace == "" {
		var err error
		if namespace, _, err = c.target.ClientConfig().Namespace(); err != nil {
			return nil, err
		}
	}
	if len(c.names) == 0 {
		return func(d nad.Definition) bool { return d.Namespace == namespace }, nil
	}
	named := map[[2]string]bool{}
	var errs []error
	for _, name := range c.names {
		at := [2]string{namespace, name}
		if ns, rest, ok := strings.Cut(name, "/"); ok {
			at = [2]string{ns, rest}
		}
		named[at] = true
		if !slices.ContainsFunc(all, func(d nad.Definition) bool { return d.Namespace == at[0] && d.Name == at[1] }) {
			errs = append(errs, fmt.Errorf("there is no NetworkAttachmentDefinition %s/%s", at[0], at[1]))
		}
	}
	return func(d nad.Definition) bool { return named[[2]string{d.Namespace, d.Name}] }, errors.Join(errs...)
}

// read takes the definitions out of a file.
func (c checkNAD) read() (all []nad.Definition, err error) {
	var text []byte
	if c.file == "-" {
		text, err = io.ReadAll(c.stdin)
	} else {
		text, err = os.ReadFile(c.file)
	}
	if err != nil {
		return nil, err
	}
	for d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		var raw json.RawMessage
		if err := d.Decode(&raw); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", c.file, err)
		}
		var kind metav1.TypeMeta
		if len(raw) == 0 || json.Unmarshal(raw, &kind) != nil {
			continue
		}
		items := []json.RawMessage{raw}
		if kind.Kind == "List" || kind.Kind == "NetworkAttachmentDefinitionList" {
			var list struct{ Items []json.RawMessage }
			if err := json.Unmarshal(raw, &list); err != nil {
				return nil, fmt.Errorf("%s: %w", c.file, err)
			}
			items = list.Items
		}
		for _, item := range items {
			var o networkAttachmentDefinition
			if json.Unmarshal(item, &kind) != nil || kind.Kind != "NetworkAttachmentDefinition" {
				continue
			}
			if err := json.Unmarshal(item, &o); err != nil {
				return nil, fmt.Errorf("%s: NetworkAttachmentDefinition: %w", c.file, err)
			}
			if o.Namespace == "" {
				o.Namespace = "default"
			}
			all = append(all, o.definition())
		}
	}
}

// writeReports writes a line for each problem, and one for each definition that has none.
func writeReports(w io.Writer, reports []nad.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "NETWORK\tLEVEL\tKEY\tPROBLEM\tFIX")
	for _, r := range reports {
		name := r.Namespace + "/" + r.Name
		switch {
		case r.OnNodes:
			fmt.Fprintf(table, "%s\tok\t-\tconfiguration is in files of the Nodes\t-\n", name)
		case len(r.Problems) == 0:
			fmt.Fprintf(table, "%s\tok\t-\t-\t-\n", name)
		}
		for _, p := range r.Problems {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", name, p.Level, p.Key, p.Problem, p.Fix)
		}
	}
	return table.Flush()
}
