package mc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
)

const serverHelp = "URL by which members reach the leader's API server (default: found)"

func newInit(target *cluster.Flags) *cobra.Command {
	var clusterSet, clusterID, namespace, file, server string
	var createToken bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a ClusterSet, with this cluster as its leader",
		Example: `  antctl mc init --clusterset demo --clusterid hub -n antrea-multicluster --create-token -j join-config.yml
  antctl mc init --clusterset demo --clusterid hub -n antrea-multicluster -j join-config.yml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkIDs(clusterSet, clusterID); err != nil {
				return err
			}
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			return a.initialize(cmd.Context(), namespace, clusterSet, clusterID, server, file, createToken)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "antrea-multicluster", "namespace of the leader")
	cmd.Flags().StringVar(&clusterSet, "clusterset", "", "ID of the ClusterSet")
	cmd.Flags().StringVar(&clusterID, "clusterid", "", "ID of this cluster as the leader")
	cmd.Flags().BoolVar(&createToken, "create-token", false, "make a join token that any cluster can ask with for 24 hours")
	cmd.Flags().StringVarP(&file, "join-config-file", "j", "", "write what members need to join to this file; - is standard output")
	cmd.Flags().StringVar(&server, "leader-apiserver", "", serverHelp)
	return cmd
}

func checkIDs(clusterSet, clusterID string) error {
	var errs []error
	for _, id := range []struct {
		flag, value string
		problems    []string
	}{
		{"--clusterset", clusterSet, validation.IsDNS1123Subdomain(clusterSet)},
		{"--clusterid", clusterID, validation.IsDNS1123Label(clusterID)},
	} {
		switch {
		case id.value == "":
			errs = append(errs, fmt.Errorf("%s is missing", id.flag))
		case len(id.problems) > 0:
			errs = append(errs, fmt.Errorf("%s %q: %s", id.flag, id.value, id.problems[0]))
		}
	}
	return errors.Join(errs...)
}

// initialize checks everything first, and then writes.
func (a *api) initialize(ctx context.Context, namespace, clusterSet, clusterID, server, file string, createToken bool) error {
	if err := a.requireController(ctx, Leader, namespace); err != nil {
		return err
	}
	var list v1alpha2.ClusterSetList
	if err := a.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return notDeployed(err, Leader, namespace)
	}
	exists := false
	for _, had := range list.Items {
		if had.Name != clusterSet || string(had.Spec.ClusterID) != clusterID {
			return fmt.Errorf("namespace %s has ClusterSet %q with cluster ID %q: end it with `antctl mc destroy --clusterset %s -n %s` first, or choose another namespace", namespace, had.Name, had.Spec.ClusterID, had.Name, namespace)
		}
		exists = true
	}
	if file != "" {
		var err error
		if server, err = a.serverForMembers(ctx, server); err != nil {
			return err
		}
	}
	if exists {
		a.say("ClusterSet %s exists in namespace %s", clusterSet, namespace)
	} else {
		set := &v1alpha2.ClusterSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: clusterSet},
			Spec: v1alpha2.ClusterSetSpec{
				ClusterID: v1alpha2.ClusterID(clusterID),
				Leaders:   []v1alpha2.LeaderCluster{{ClusterID: v1alpha2.ClusterID(clusterID)}},
				Namespace: namespace,
			},
		}
		if err := a.Create(ctx, set); err != nil {
			return fmt.Errorf("make ClusterSet %s: %w", clusterSet, err)
		}
		a.say("ClusterSet %s made in namespace %s", clusterSet, namespace)
	}
	var secret *corev1.Secret
	if createToken {
		var err error
		if secret, err = a.makeToken(ctx, namespace, defaultToken, "", tokenLifetime); err != nil {
			return err
		}
		a.say("join token %s made, good for 24h: clusters can ask to join with it, and do nothing else", defaultToken)
	}
	if file == "" {
		if createToken {
			a.sayHowToWrite(namespace, defaultToken)
		}
		return nil
	}
	return a.writeJoinFile(ctx, namespace, server, file, secret)
}

// writeJoinFile writes what a member needs. An empty server is found.
func (a *api) writeJoinFile(ctx context.Context, namespace, server, file string, secret *corev1.Secret) error {
	config, err := a.joinConfig(ctx, namespace, server)
	if err != nil {
		return err
	}
	text, err := config.format(secret)
	if err != nil {
		return err
	}
	if file == "-" {
		_, err := a.out.Write(text)
		return err
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("write %s: it is a folder", file)
	}
	if err := writePrivate(file, text); err != nil {
		return err
	}
	a.say("join file %s written; in each member: antctl mc join --clusterid ID --config-file %s", file, file)
	return nil
}

// joinConfig describes the ClusterSet of a leader.
func (a *api) joinConfig(ctx context.Context, namespace, server string) (*JoinConfig, error) {
	var list v1alpha2.ClusterSetList
	if err := a.List(ctx, &list, client.InNamespace(namespace)); err != nil {
		return nil, notDeployed(err, Leader, namespace)
	}
	if len(list.Items) == 0 {
		return nil, fmt.Errorf("namespace %s has no ClusterSet: run `antctl mc init` first, or give the right -n", namespace)
	}
	server, err := a.serverForMembers(ctx, server)
	if err != nil {
		return nil, err
	}
	set := list.Items[0]
	return &JoinConfig{ClusterSetID: set.Name, LeaderClusterID: string(set.Spec.ClusterID), LeaderNamespace: namespace, LeaderAPIServer: server}, nil
}

// serverForMembers is the URL by which other clusters reach this API server: what the user says, else what the kubeconfig says
// unless it is an address of this machine, else what the API server says of itself.
func (a *api) serverForMembers(ctx context.Context, given string) (string, error) {
	if given != "" {
		u, err := url.Parse(given)
		if err != nil || u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("leader API server %q: use a URL such as https://192.0.2.1:6443", given)
		}
		return given, nil
	}
	if u, err := url.Parse(a.config.Host); err == nil && u.Scheme == "https" && !isLocal(u.Hostname()) {
		return strings.TrimSuffix(a.config.Host, "/"), nil
	}
	var slices discoveryv1.EndpointSliceList
	if err := a.List(ctx, &slices, client.InNamespace("default"), client.MatchingLabels{discoveryv1.LabelServiceName: "kubernetes"}); err != nil {
		return "", fmt.Errorf("find the address of the API server: %w", err)
	}
	for _, s := range slices.Items {
		for _, e := range s.Endpoints {
			for _, address := range e.Addresses {
				if len(s.Ports) > 0 && s.Ports[0].Port != nil && !isLocal(address) {
					return "https://" + net.JoinHostPort(address, strconv.Itoa(int(*s.Ports[0].Port))), nil
				}
			}
		}
	}
	return "", fmt.Errorf("the kubeconfig reaches the API server at %s, which members cannot: give --leader-apiserver https://ADDRESS:PORT", a.config.Host)
}

// isLocal says whether a host means this machine only.
func isLocal(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (a.IsLoopback() || a.IsUnspecified())
}
