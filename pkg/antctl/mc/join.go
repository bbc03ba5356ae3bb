package mc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/apis/multicluster/v1alpha2"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/member"
)

func newJoin(target *cluster.Flags) *cobra.Command {
	var file string
	var flags JoinConfig
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "join",
		Short: "Make this cluster a member of a ClusterSet",
		Example: `  antctl mc join --clusterid east -n kube-system --config-file join-config.yml
  antctl mc join --clusterid east --clusterset demo --leader-clusterid hub --leader-namespace antrea-multicluster \
      --leader-apiserver https://192.0.2.1:6443 --token-secret-file token.yml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, secret, err := readJoin(file, flags)
			if err != nil {
				return err
			}
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			if secret == nil {
				if secret, err = a.tokenSecret(cmd.Context(), config); err != nil {
					return err
				}
			}
			return a.join(cmd.Context(), config, secret, timeout)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "config-file", "f", "", "join file, as `antctl mc init -j` writes it")
	f.StringVarP(&flags.Namespace, "namespace", "n", "", "namespace of the member controller (default kube-system)")
	f.StringVar(&flags.ClusterID, "clusterid", "", "ID of this cluster in the ClusterSet")
	f.StringVar(&flags.ClusterSetID, "clusterset", "", "ID of the ClusterSet")
	f.StringVar(&flags.LeaderClusterID, "leader-clusterid", "", "ID of the leader")
	f.StringVar(&flags.LeaderNamespace, "leader-namespace", "", "namespace of the leader, in its cluster")
	f.StringVar(&flags.LeaderAPIServer, "leader-apiserver", "", "URL of the leader's API server")
	f.StringVar(&flags.TokenSecretName, "token-secret-name", "", "Secret with the join token, in the member's namespace")
	f.StringVar(&flags.TokenSecretFile, "token-secret-file", "", "file with a Secret with the join token")
	f.DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until this cluster is a member")
	return cmd
}

// readJoin puts file and flags together; flags win. The Secret is nil if it is in the cluster.
func readJoin(file string, flags JoinConfig) (JoinConfig, *corev1.Secret, error) {
	c := JoinConfig{}
	var secret *corev1.Secret
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return c, nil, err
		}
		config, s, err := parseJoinFile(text)
		if err != nil {
			return c, nil, fmt.Errorf("%s: %w", file, err)
		}
		if config != nil {
			c = *config
		}
		secret = s
	}
	c = JoinConfig{
		ClusterSetID:    cmp.Or(flags.ClusterSetID, c.ClusterSetID),
		LeaderClusterID: cmp.Or(flags.LeaderClusterID, c.LeaderClusterID),
		LeaderNamespace: cmp.Or(flags.LeaderNamespace, c.LeaderNamespace),
		LeaderAPIServer: cmp.Or(flags.LeaderAPIServer, c.LeaderAPIServer),
		ClusterID:       cmp.Or(flags.ClusterID, c.ClusterID),
		Namespace:       cmp.Or(flags.Namespace, c.Namespace, "kube-system"),
		TokenSecretName: cmp.Or(flags.TokenSecretName, c.TokenSecretName),
		TokenSecretFile: cmp.Or(flags.TokenSecretFile, c.TokenSecretFile),
	}
	var errs []error
	for _, field := range []struct{ name, value string }{
		{"--clusterset", c.ClusterSetID}, {"--clusterid", c.ClusterID}, {"--leader-clusterid", c.LeaderClusterID},
		{"--leader-namespace", c.LeaderNamespace}, {"--leader-apiserver", c.LeaderAPIServer},
	} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf("%s is missing: give it, or a join file that has it", field.name))
		}
	}
	if problems := validation.IsDNS1123Label(c.ClusterID); c.ClusterID != "" && len(problems) > 0 {
		errs = append(errs, fmt.Errorf("--clusterid %q: %s", c.ClusterID, problems[0]))
	}
	if err := errors.Join(errs...); err != nil {
		return c, nil, err
	}
	if c.TokenSecretFile != "" {
		text, err := os.ReadFile(c.TokenSecretFile)
		if err != nil {
			return c, nil, err
		}
		if _, secret, err = parseJoinFile(text); err != nil {
			return c, nil, fmt.Errorf("%s: %w", c.TokenSecretFile, err)
		}
	}
	if flags.TokenSecretName != "" {
		secret = nil
	}
	if secret == nil && c.TokenSecretName == "" {
		return c, nil, errors.New("there is no join token: give a join file that has one, --token-secret-file or --token-secret-name")
	}
	return c, secret, nil
}

// tokenSecret reads the join token that is in the cluster already.
func (a *api) tokenSecret(ctx context.Context, c JoinConfig) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	if err := a.Get(ctx, client.ObjectKey{Namespace: c.Namespace, Name: c.TokenSecretName}, secret); err != nil {
		return nil, fmt.Errorf("read the join token: %w", err)
	}
	return secret, nil
}

// secondLook is when the controller has certainly looked again at a cluster that had been refused before.
const secondLook = 15 * time.Second

// join writes the join token and the ClusterSet, and waits until the cluster is a member. What the leader refuses is taken
// back.
func (a *api) join(ctx context.Context, c JoinConfig, token *corev1.Secret, timeout time.Duration) error {
	if len(token.Data[corev1.ServiceAccountTokenKey]) == 0 {
		return fmt.Errorf("there is no token in Secret %s", token.Name)
	}
	if err := a.requireController(ctx, Member, c.Namespace); err != nil {
		return err
	}
	set, err := a.memberOf(ctx, c)
	if err != nil {
		return err
	}
	isNew := set == nil
	if isNew {
		set = &v1alpha2.ClusterSet{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: c.ClusterSetID}}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: member.JoinSecret}}
	if err := a.put(ctx, secret, func() { secret.Type, secret.Data = corev1.SecretTypeOpaque, token.Data }); err != nil {
		return fmt.Errorf("write the join token: %w", err)
	}
	if err := a.put(ctx, set, func() {
		set.Spec.ClusterID = v1alpha2.ClusterID(c.ClusterID)
		set.Spec.Namespace = c.LeaderNamespace
		set.Spec.Leaders = []v1alpha2.LeaderCluster{{ClusterID: v1alpha2.ClusterID(c.LeaderClusterID), Server: c.LeaderAPIServer, Secret: member.JoinSecret}}
	}); err != nil {
		if isNew {
			_ = a.Delete(ctx, secret)
		}
		return fmt.Errorf("write ClusterSet %s: %w", c.ClusterSetID, err)
	}
	a.say("waiting until the leader at %s has accepted %s", c.LeaderAPIServer, c.ClusterID)
	start := time.Now()
	err = a.waitFor(ctx, timeout, func(ctx context.Context) (string, error) {
		missing, err := a.membership(ctx, set)
		if refusal := (refusedError{}); !isNew && errors.As(err, &refusal) && time.Since(start) < secondLook {
			return refusal.Error(), nil // perhaps from before this join
		}
		return missing, err
	})
	switch {
	case errors.As(err, new(refusedError)) && isNew:
		if undo := a.leave(ctx, set, time.Minute); undo != nil {
			return errors.Join(err, undo)
		}
		return fmt.Errorf("%w; nothing was left behind", err)
	case errors.Is(err, errTimeout):
		return fmt.Errorf("%w; the controller goes on trying: see `kubectl describe clusterset -n %s %s`, or give up with `antctl mc leave --clusterset %[3]s -n %[2]s`", err, c.Namespace, c.ClusterSetID)
	case err != nil:
		return err
	}
	a.say("cluster %s is a member of ClusterSet %s", c.ClusterID, c.ClusterSetID)
	return nil
}

// memberOf is the ClusterSet if this cluster is in it, and fails if it is in another or under another name.
func (a *api) memberOf(ctx context.Context, c JoinConfig) (*v1alpha2.ClusterSet, error) {
	var list v1alpha2.ClusterSetList
	if err := a.List(ctx, &list, client.InNamespace(c.Namespace)); err != nil {
		return nil, notDeployed(err, Member, c.Namespace)
	}
	var set *v1alpha2.ClusterSet
	for i := range list.Items {
		had := &list.Items[i]
		leave := fmt.Sprintf("`antctl mc leave --clusterset %s -n %s`", had.Name, had.Namespace)
		switch {
		case !had.DeletionTimestamp.IsZero():
			return nil, fmt.Errorf("this cluster is still leaving ClusterSet %q: wait for %s to end", had.Name, leave)
		case had.Name != c.ClusterSetID || string(had.Spec.ClusterID) != c.ClusterID:
			return nil, fmt.Errorf("this cluster is in ClusterSet %q as %q: leave that first with %s", had.Name, had.Spec.ClusterID, leave)
		}
		set = had
	}
	return set, nil
}

// refusedError is what the leader said no with.
type refusedError struct{ reason, message string }

func (e refusedError) Error() string {
	return fmt.Sprintf("the leader refused: %s: %s", e.reason, e.message)
}

// final are the refusals that waiting does not change.
var final = []string{
	join.ReasonOtherClusterSet, join.ReasonInvalidRequest, join.ReasonTokenUnknown, join.ReasonTokenExpired, join.ReasonTokenForOther,
	join.ReasonClusterIDReserved, join.ReasonClusterIDTaken, member.ReasonTokenRefused, member.ReasonRemoved,
}

// membership says what is missing until this cluster is a member in every respect.
func (a *api) membership(ctx context.Context, set *v1alpha2.ClusterSet) (string, error) {
	var now v1alpha2.ClusterSet
	if err := a.Get(ctx, client.ObjectKeyFromObject(set), &now); err != nil {
		return "", err
	}
	ready := meta.FindStatusCondition(now.Status.Conditions, v1alpha2.ConditionReady)
	switch {
	case ready == nil || ready.ObservedGeneration != now.Generation:
		return fmt.Sprintf("antrea-mc-controller in namespace %s has not looked at the ClusterSet yet", now.Namespace), nil
	case ready.Status == metav1.ConditionTrue:
		return "", nil
	case slices.Contains(final, ready.Reason):
		return "", refusedError{ready.Reason, ready.Message}
	}
	if accepted := meta.FindStatusCondition(now.Status.Conditions, v1alpha2.ConditionAccepted); accepted != nil && ready.Reason == accepted.Reason && accepted.Status == metav1.ConditionFalse {
		return "", fmt.Errorf("this cluster joined, but the leader does not publish its addresses: %s: %s", accepted.Reason, accepted.Message)
	}
	return ready.Reason + ": " + ready.Message, nil
}
