// Package mc is `antctl mc`: the commands that form, show and end a ClusterSet.
//
// Start at [NewCommand]; each file is named after its command. deploy.go installs the controllers from manifests/ (manifests.go),
// which are part of the binary; init.go and join.go form the ClusterSet, with the file of joinfile.go between them; wait.go
// says what is being waited for; token.go makes join tokens. peers.go asks agents what they see of each other, for
// connections.go, gateways.go and status.go, whose findings are in findings.go. The commands write only objects of the API: what
// follows is done by the controllers.
package mc

import (
	"context"
	"fmt"
	"io"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster"
)

// NewCommand is `antctl mc`, on the cluster that target says.
func NewCommand(target *cluster.Flags) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "mc",
		Aliases: []string{"multicluster"},
		Short:   "Form, show and end a ClusterSet",
	}
	deploy := &cobra.Command{Use: "deploy", Short: "Install the multi-cluster controller"}
	deploy.AddCommand(newDeploy(target, Leader), newDeploy(target, Member))
	get := &cobra.Command{Use: "get", Short: "Show ClusterSets, Gateways, join tokens"}
	get.AddCommand(newGetClusterSet(target), newGetGateway(target), newGetToken(target), newGetJoinConfig(target))
	create := &cobra.Command{Use: "create", Short: "Make a join token"}
	create.AddCommand(newCreateToken(target))
	del := &cobra.Command{Use: "delete", Short: "Delete a join token"}
	del.AddCommand(newDeleteToken(target))
	show := &cobra.Command{Use: "show", Short: "Show gateways and connections as they are now"}
	show.AddCommand(newShowConnections(target), newShowGateways(target))
	drain := &cobra.Command{Use: "drain", Short: "Move traffic away"}
	drain.AddCommand(newDrainGateway(target))
	cmd.AddCommand(deploy, get, create, del, show, drain, newStatus(target), newInit(target), newJoin(target), newLeave(target), newDestroy(target))
	return cmd
}

// api is one cluster's API, and where the answers of a command go.
type api struct {
	client.Client
	config *rest.Config
	out    io.Writer
	err    io.Writer // for what is not part of the answer
}

func connect(cmd *cobra.Command, target *cluster.Flags) (*api, error) {
	config, err := target.RESTConfig()
	if err != nil {
		return nil, err
	}
	return newAPI(config, cmd.OutOrStdout(), cmd.ErrOrStderr())
}

func newAPI(config *rest.Config, out, errOut io.Writer) (*api, error) {
	ctrllog.SetLogger(logr.Discard()) // the client library must not write between our lines
	c, err := client.New(config, client.Options{Scheme: multicluster.NewScheme()})
	if err != nil {
		return nil, fmt.Errorf("reach the API server at %s: %w", config.Host, err)
	}
	return &api{Client: c, config: config, out: out, err: errOut}, nil
}

func (a *api) say(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

func (a *api) note(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }

// notDeployed turns the API server's ignorance of our kinds into advice.
func notDeployed(err error, role Role, namespace string) error {
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("this cluster does not know ClusterSets: run `antctl mc deploy %scluster -n %s` first", role, namespace)
	}
	return err
}

// put creates an object, or replaces what mutate changes if it is there.
func (a *api) put(ctx context.Context, o client.Object, mutate func()) error {
	err := a.Get(ctx, client.ObjectKeyFromObject(o), o)
	if client.IgnoreNotFound(err) != nil {
		return err
	}
	mutate()
	if err != nil {
		return a.Create(ctx, o)
	}
	return a.Update(ctx, o)
}
