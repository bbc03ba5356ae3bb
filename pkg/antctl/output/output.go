// Package output is the flag -o of antctl's commands: a table for people, JSON or YAML for programs.
package output

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// Format is the value of -o.
type Format string

// What -o can be.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

var _ pflag.Value = (*Format)(nil)

// String implements [pflag.Value].
func (f *Format) String() string { return string(*f) }

// Type implements [pflag.Value].
func (f *Format) Type() string { return "format" }

// Set implements [pflag.Value].
func (f *Format) Set(s string) error {
	switch Format(s) {
	case Table, JSON, YAML:
		*f = Format(s)
		return nil
	}
	return fmt.Errorf("is none of table, json, yaml")
}

// AddTo gives a command the flag -o.
func (f *Format) AddTo(cmd *cobra.Command) {
	*f = Table
	cmd.Flags().VarP(f, "output", "o", "table, json or yaml")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json", "yaml"}, cobra.ShellCompDirectiveNoFileComp))
}

// Print writes v as JSON or YAML, or else has table write it.
func (f Format) Print(w io.Writer, v any, table func(io.Writer) error) error {
	switch f {
	case JSON:
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	case YAML:
		text, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	}
	return table(w)
}
