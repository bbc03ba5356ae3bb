package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/antrea-mc/antrea-mc/pkg/lab"
	"github.com/antrea-mc/antrea-mc/pkg/version"
)

// flags are those of every command.
type flags struct{ lab, source string }

func (f flags) open() (*lab.Lab, error) {
	cache, err := lab.OpenCache()
	if err != nil {
		return nil, err
	}
	l, err := lab.Open(cache, f.lab)
	if err == nil {
		l.Progress = lab.NewProgress(os.Stderr)
	}
	return l, err
}

func (f flags) builder() (lab.Builder, error) {
	cache, err := lab.OpenCache()
	if err != nil {
		return lab.Builder{}, err
	}
	source := f.source
	if source == "" {
		if source, err = lab.FindSource(); err != nil {
			return lab.Builder{}, err
		}
	}
	return lab.Builder{Cache: cache, Source: source, Progress: lab.NewProgress(os.Stderr)}, nil
}

func newCommand() *cobra.Command {
	var f flags
	root := &cobra.Command{
		Use:   "antrea-lab",
		Short: "Whole Kubernetes clusters on this machine, for development and tests",
		Long: `Whole Kubernetes clusters on this machine: each node is a set of namespaces with its own address on a
routed underlay, its own kubelet and containerd; each cluster has a real control plane. Needs root.`,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&f.lab, "lab", "lab", "name of the lab; several can run side by side")
	root.PersistentFlags().StringVar(&f.source, "source", "", "the antrea-mc repository, where versions and sources are (default: around the working directory)")
	root.AddCommand(upCommand(&f), downCommand(&f), statusCommand(&f), kubectlCommand(&f), execCommand(&f), kubeconfigCommand(&f),
		loadImageCommand(&f), captureCommand(&f), linkCommand(&f), dropCommand(&f), killCommand(&f), startCommand(&f), buildCommand(&f))
	return root
}

func upCommand(f *flags) *cobra.Command {
	var images []string
	cmd := &cobra.Command{
		Use: "up [FILE]", Short: "bring up the lab that FILE describes (default: test/lab/three-clusters.yaml)", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := f.builder()
			if err != nil {
				return err
			}
			file := filepath.Join(b.Source, "test", "lab", "three-clusters.yaml")
			if len(args) > 0 {
				file = args[0]
			}
			d, err := lab.ReadDescription(file)
			if err != nil {
				return err
			}
			for _, i := range images {
				abs, err := filepath.Abs(i)
				if err != nil {
					return err
				}
				d.Images = append(d.Images, abs)
			}
			_, err = lab.Up(cmd.Context(), b, f.lab, d)
			return err
		},
	}
	cmd.Flags().StringArrayVar(&images, "image", nil, "archive of an image that every node has from the start (may be repeated)")
	return cmd
}

func downCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "end the lab and remove everything of it but the build cache", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := lab.OpenCache()
			if err != nil {
				return err
			}
			if err := lab.Down(cmd.Context(), cache, f.lab); err != nil {
				return err
			}
			fmt.Printf("lab %s is gone; the build cache stays in %s\n", f.lab, cache.Dir)
			return nil
		},
	}
}

func statusCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "show clusters, nodes and what runs on them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			if !l.Status(cmd.Context(), os.Stdout) {
				return errors.New("not everything of the lab runs")
			}
			return nil
		},
	}
}

func kubectlCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "kubectl CLUSTER ARGS...", Short: "run kubectl in a cluster", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			kubeconfig, err := l.Kubeconfig(args[0])
			if err != nil {
				return err
			}
			return lab.Exec(append([]string{l.Program("kubectl"), "--kubeconfig=" + kubeconfig, "--cache-dir=" + l.KubectlCache()}, args[1:]...))
		},
	}
	cmd.Flags().SetInterspersed(false) // flags after CLUSTER are kubectl's
	return cmd
}

func execCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "exec NODE [-- CMD...]", Short: "run a command in all namespaces of a node (default: a shell)", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			argv, err := l.Enter(args[0], command(args[1:], "bash")...)
			if err != nil {
				return err
			}
			return lab.Exec(argv)
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// command takes off the dashes that part a command from what is before it.
func command(args []string, otherwise ...string) []string {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return otherwise
	}
	return args
}

func kubeconfigCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "kubeconfig CLUSTER", Short: "print the path of a kubeconfig that works from this machine; its context is named CLUSTER", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			path, err := l.Kubeconfig(args[0])
			if err == nil {
				fmt.Println(path)
			}
			return err
		},
	}
}

func loadImageCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "load-image FILE...", Short: "import image archives into all nodes", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			return l.LoadImages(cmd.Context(), args...)
		},
	}
}

func captureCommand(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "capture NODE [-- TCPDUMP ARGS...]", Short: "show tunnel packets on a node's underlay link, or what tcpdump is told", Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			argv, err := l.Capture(args[0], command(args[1:])...)
			if err != nil {
				return err
			}
			return lab.Exec(argv)
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func linkCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "link NODE down|up", Short: "unplug a node's underlay cable, or plug it in again", Args: cobra.ExactArgs(2), ValidArgs: []string{"down", "up"},
		RunE: func(_ *cobra.Command, args []string) error {
			if args[1] != "down" && args[1] != "up" {
				return fmt.Errorf("link %s: want down or up, not %q", args[0], args[1])
			}
			l, err := f.open()
			if err != nil {
				return err
			}
			return l.SetLink(args[0], args[1] == "up")
		},
	}
}

func dropCommand(f *flags) *cobra.Command {
	var peers []string
	cmd := &cobra.Command{
		Use: "drop NODE in|out|both|off", Short: "have a node's link lose packets silently, or end that", Args: cobra.ExactArgs(2), ValidArgs: []string{"in", "out", "both", "off"},
		RunE: func(cmd *cobra.Command, args []string) error {
			var addresses []netip.Addr
			for _, text := range peers {
				a, err := netip.ParseAddr(text)
				if err != nil {
					return fmt.Errorf("--peer: %w", err)
				}
				addresses = append(addresses, a)
			}
			l, err := f.open()
			if err != nil {
				return err
			}
			return l.Drop(cmd.Context(), args[0], args[1], addresses...)
		},
	}
	cmd.Flags().StringSliceVar(&peers, "peer", nil, "only packets from or to this address (may be repeated)")
	return cmd
}

func killCommand(f *flags) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "kill NODE " + strings.Join(lab.Victims(), "|"),
		Short: "kill a program of a node, or take the node's power", Args: cobra.ExactArgs(2), ValidArgs: lab.Victims(),
		RunE: func(cmd *cobra.Command, args []string) error {
			sig := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
			if sig == 0 {
				return fmt.Errorf("there is no signal %q; KILL, TERM, STOP and CONT are common", name)
			}
			l, err := f.open()
			if err != nil {
				return err
			}
			return l.Kill(cmd.Context(), args[0], args[1], sig)
		},
	}
	cmd.Flags().StringVarP(&name, "signal", "s", "KILL", "signal to send")
	return cmd
}

func startCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "start NODE", Short: "start a node that was killed", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := f.open()
			if err != nil {
				return err
			}
			return l.Start(cmd.Context(), args[0])
		},
	}
}

func buildCommand(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "build", Short: "fill the cache: Kubernetes' programs and the lab's images; prints the programs' folder", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := f.builder()
			if err != nil {
				return err
			}
			bin, err := b.All(cmd.Context())
			if err == nil {
				fmt.Println(bin)
			}
			return err
		},
	}
}
