package mc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

// scope is -n and -A.
type scope struct {
	namespace string
	all       bool
}

func (s *scope) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&s.namespace, "namespace", "n", "kube-system", "namespace")
	cmd.Flags().BoolVarP(&s.all, "all-namespaces", "A", false, "all namespaces")
}

// missing is what to say when there is nothing: an error if one was asked for by its name.
func (a *api) missing(kind string, s scope, names []string) error {
	where := "namespace " + s.namespace
	if s.all {
		where = "this cluster"
	}
	text := fmt.Sprintf("%s has no %s", where, strings.Join(append([]string{kind}, names...), " "))
	if !s.all {
		text += ": -A looks in all namespaces"
	}
	if len(names) > 0 {
		return errors.New(text)
	}
	a.note("%s", text)
	return nil
}

func (s *scope) options(names []string) []client.ListOption {
	var options []client.ListOption
	if !s.all {
		options = append(options, client.InNamespace(s.namespace))
	}
	if len(names) > 0 {
		options = append(options, client.MatchingFields{"metadata.name": names[0]})
	}
	return options
}

func newGetClusterSet(target *cluster.Flags) *cobra.Command {
	var where scope
	var format output.Format
	cmd := &cobra.Command{
		Use:     "clusterset [NAME]",
		Aliases: []string{"clustersets"},
		Short:   "Show ClusterSets and their members",
		Example: `  antctl mc get clusterset -A
  antctl mc get clusterset -n antrea-multicluster -o yaml`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			var list v1alpha2.ClusterSetList
			if err := a.List(cmd.Context(), &list, where.options(args)...); err != nil {
				return notDeployed(err, Member, where.namespace)
			}
			if len(list.Items) == 0 {
				if err := a.missing("ClusterSet", where, args); err != nil {
					return err
				}
			}
			return format.Print(a.out, list.Items, func(w io.Writer) error { return printClusterSets(w, list.Items) })
		},
	}
	where.addTo(cmd)
	format.AddTo(cmd)
	return cmd
}

// printClusterSets has one line a ClusterSet, and under it one a cluster that it knows.
func printClusterSets(w io.Writer, sets []v1alpha2.ClusterSet) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAMESPACE\tCLUSTERSET\tCLUSTER\tROLE\tREADY\tREASON\tMESSAGE")
	for _, s := range sets {
		role := Member
		if s.Spec.Leaders[0].Server == "" {
			role = Leader
		}
		status, reason, message := summary(s.Status.Conditions, v1alpha2.ConditionReady)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Namespace, s.Name, s.Spec.ClusterID, role, status, reason, message)
		for _, c := range s.Status.ClusterStatuses {
			if role == Member {
				continue // the leader: that is what the line above says
			}
			status, reason, message := summary(c.Conditions, v1alpha2.ConditionConnected, v1alpha2.ConditionAccepted)
			fmt.Fprintf(t, "\t\t%s\t%s\t%s\t%s\t%s\n", c.ClusterID, Member, status, reason, message)
		}
	}
	return t.Flush()
}

// summary is the first condition that is not True, else the last.
func summary(conditions []metav1.Condition, types ...string) (status, reason, message string) {
	status = "Unknown"
	for _, kind := range types {
		c := meta.FindStatusCondition(conditions, kind)
		if c == nil {
			return "Unknown", "Pending", "not looked at yet"
		}
		status, reason, message = string(c.Status), c.Reason, c.Message
		if c.Status != metav1.ConditionTrue {
			break
		}
	}
	return status, reason, message
}

func newGetGateway(target *cluster.Flags) *cobra.Command {
	var where scope
	var format output.Format
	cmd := &cobra.Command{
		Use:     "gateway [NAME]",
		Aliases: []string{"gateways"},
		Short:   "Show the Nodes that carry traffic to other clusters, and the gateways of the others",
		Example: `  antctl mc get gateway -n kube-system
  antctl mc get gateway -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			var own v1alpha1.GatewayList
			if err := a.List(cmd.Context(), &own, where.options(args)...); err != nil {
				return notDeployed(err, Member, where.namespace)
			}
			var others v1alpha1.ClusterInfoImportList
			if err := a.List(cmd.Context(), &others, where.options(nil)...); err != nil {
				return notDeployed(err, Member, where.namespace)
			}
			if len(args) > 0 {
				others.Items = nil
			}
			if len(own.Items) == 0 {
				if err := a.missing("Gateway", where, args); err != nil {
					return err
				}
			}
			both := map[string]any{"gateways": own.Items, "imports": others.Items}
			return format.Print(a.out, both, func(w io.Writer) error { return printGateways(w, own.Items, others.Items) })
		},
	}
	where.addTo(cmd)
	format.AddTo(cmd)
	return cmd
}

func printGateways(w io.Writer, own []v1alpha1.Gateway, others []v1alpha1.ClusterInfoImport) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "CLUSTER\tNAME\tGATEWAY IP\tINTERNAL IP\tWEIGHT\tPOD CIDRS\tAGE")
	for _, g := range own {
		fmt.Fprintf(t, "<this>\t%s\t%s\t%s\t%d\t\t%s\n", g.Name, g.GatewayIP, g.InternalIP, g.Weight, age(g.CreationTimestamp))
	}
	for _, o := range others {
		for _, g := range o.Spec.GatewayInfos {
			fmt.Fprintf(t, "%s\t%s\t%s\t\t%d\t%v\t%s\n", o.Spec.ClusterID, g.Name, g.GatewayIP, g.Weight, o.Spec.PodCIDRs, age(o.CreationTimestamp))
		}
		if len(o.Spec.GatewayInfos) == 0 {
			fmt.Fprintf(t, "%s\t<none>\t\t\t\t%v\t%s\n", o.Spec.ClusterID, o.Spec.PodCIDRs, age(o.CreationTimestamp))
		}
	}
	return t.Flush()
}

func age(t metav1.Time) string { return duration.HumanDuration(time.Since(t.Time)) }

func newGetJoinConfig(target *cluster.Flags) *cobra.Command {
	var namespace, name, server string
	cmd := &cobra.Command{
		Use:   "joinconfig",
		Short: "Print the join file of a leader",
		Example: `  antctl mc get joinconfig -n antrea-multicluster
  antctl mc get joinconfig -n antrea-multicluster --member-token default-member-token >join-config.yml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			var secret *corev1.Secret
			if name != "" {
				sa := &corev1.ServiceAccount{}
				if err := a.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, sa); client.IgnoreNotFound(err) != nil {
					return err
				}
				expires, err := time.Parse(time.RFC3339, sa.Annotations[join.AnnotationExpires])
				if sa.Labels[join.LabelToken] != "true" || err != nil {
					return fmt.Errorf("namespace %s has no join token %q: see `antctl mc get membertoken -n %s`", namespace, name, namespace)
				}
				if secret, err = a.issue(ctx, sa, time.Until(expires)); err != nil {
					return err
				}
			}
			return a.writeJoinFile(ctx, namespace, server, "-", secret)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "antrea-multicluster", "namespace of the leader")
	cmd.Flags().StringVar(&name, "member-token", "", "join token to put into the file")
	cmd.Flags().StringVar(&server, "leader-apiserver", "", serverHelp)
	return cmd
}
