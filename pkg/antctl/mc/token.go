package mc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	"github.com/antrea-mc/antrea-mc/pkg/antctl/output"
	"github.com/antrea-mc/antrea-mc/pkg/multicluster/join"
)

const (
	// tokenLifetime is how long a join token can be used.
	tokenLifetime = 24 * time.Hour
	// defaultToken is the one that init makes.
	defaultToken = "default-member-token"
	// anyCluster is how a token for no particular cluster ID is shown.
	anyCluster = "<any>"
)

// makeToken makes a join token, or prolongs the one of that name: a ServiceAccount that may only ask to join. The token itself
// is kept nowhere; deleting the ServiceAccount voids it.
func (a *api) makeToken(ctx context.Context, namespace, name, clusterID string, lifetime time.Duration) (*corev1.Secret, error) {
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	err := a.Get(ctx, client.ObjectKeyFromObject(sa), sa)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return nil, err
	case err == nil && sa.Labels[join.LabelToken] != "true":
		return nil, fmt.Errorf("ServiceAccount %s/%s exists and is no join token: choose another name", namespace, name)
	case err == nil && sa.Annotations[join.AnnotationClusterID] != clusterID:
		return nil, fmt.Errorf("join token %q exists and is for cluster ID %s: choose another name, or delete it with `antctl mc delete membertoken %s -n %s`", name, cmp.Or(sa.Annotations[join.AnnotationClusterID], anyCluster), name, namespace)
	}
	expires := time.Now().Add(lifetime)
	if err := a.put(ctx, sa, func() {
		metav1.SetMetaDataLabel(&sa.ObjectMeta, join.LabelToken, "true")
		metav1.SetMetaDataAnnotation(&sa.ObjectMeta, join.AnnotationExpires, expires.UTC().Format(time.RFC3339))
		if clusterID != "" {
			metav1.SetMetaDataAnnotation(&sa.ObjectMeta, join.AnnotationClusterID, clusterID)
		}
		sa.AutomountServiceAccountToken = ptr.To(false)
	}); err != nil {
		return nil, fmt.Errorf("make join token %s: %w", name, err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: join.RoleJoin},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}},
	}
	if err := a.Create(ctx, binding); err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, fmt.Errorf("allow join token %s to ask: %w", name, err)
	}
	return a.issue(ctx, sa, lifetime)
}

// issue is a Secret with a token of a join token's ServiceAccount, as a join file has it.
func (a *api) issue(ctx context.Context, sa *corev1.ServiceAccount, lifetime time.Duration) (*corev1.Secret, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To(int64(max(lifetime, 10*time.Minute).Seconds()))}}
	if err := a.SubResource("token").Create(ctx, sa, request); err != nil {
		return nil, fmt.Errorf("issue join token %s: %w", sa.Name, err)
	}
	ca, err := a.rootCA(ctx, sa.Namespace)
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: sa.Name}, Data: map[string][]byte{
		corev1.ServiceAccountRootCAKey:    ca,
		corev1.ServiceAccountNamespaceKey: []byte(sa.Namespace),
		corev1.ServiceAccountTokenKey:     []byte(request.Status.Token),
	}}, nil
}

// rootCA is what members check the leader's API server with.
func (a *api) rootCA(ctx context.Context, namespace string) ([]byte, error) {
	var cm corev1.ConfigMap
	err := a.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "kube-root-ca.crt"}, &cm)
	if err == nil && cm.Data["ca.crt"] != "" {
		return []byte(cm.Data["ca.crt"]), nil
	}
	if client.IgnoreNotFound(err) != nil {
		return nil, err
	}
	if len(a.config.CAData) > 0 {
		return a.config.CAData, nil
	}
	return nil, fmt.Errorf("namespace %s has no ConfigMap kube-root-ca.crt, which kube-controller-manager makes: try again in a moment", namespace)
}

// Token is a join token as `antctl mc get membertoken` shows it.
type Token struct {
	Name      string    `json:"name"`
	Namespace string    `json:"namespace"`
	ClusterID string    `json:"clusterID,omitempty"`
	Expires   time.Time `json:"expires"`
}

func (a *api) tokens(ctx context.Context, namespace string) ([]Token, error) {
	var list corev1.ServiceAccountList
	if err := a.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{join.LabelToken: "true"}); err != nil {
		return nil, fmt.Errorf("list join tokens: %w", err)
	}
	all := []Token{}
	for _, sa := range list.Items {
		expires, _ := time.Parse(time.RFC3339, sa.Annotations[join.AnnotationExpires])
		all = append(all, Token{Name: sa.Name, Namespace: sa.Namespace, ClusterID: sa.Annotations[join.AnnotationClusterID], Expires: expires})
	}
	slices.SortFunc(all, func(a, b Token) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

func newCreateToken(target *cluster.Flags) *cobra.Command {
	var namespace, clusterID, file, server string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "membertoken NAME",
		Short: "Make a token that lets one cluster ask to join",
		Example: `  antctl mc create membertoken east -n antrea-multicluster --cluster-id east -o join-east.yml
  antctl mc create membertoken spare -n antrea-multicluster`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if problems := validation.IsDNS1123Label(clusterID); clusterID != "" && len(problems) > 0 {
				return fmt.Errorf("cluster ID %q: %s", clusterID, problems[0])
			}
			if lifetime < 10*time.Minute {
				return errors.New("--expires-in must be 10m or more")
			}
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			if err := a.requireController(cmd.Context(), Leader, namespace); err != nil {
				return err
			}
			secret, err := a.makeToken(cmd.Context(), namespace, args[0], clusterID, lifetime)
			if err != nil {
				return err
			}
			whose := "any cluster ID that is not reserved"
			if clusterID != "" {
				whose = "cluster ID " + clusterID + " only"
			}
			a.say("join token %s made, for %s, good for %s", args[0], whose, duration.HumanDuration(lifetime))
			if file == "" {
				a.sayHowToWrite(namespace, args[0])
				return nil
			}
			return a.writeJoinFile(cmd.Context(), namespace, server, file, secret)
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "antrea-multicluster", "namespace of the leader")
	cmd.Flags().StringVar(&clusterID, "cluster-id", "", "the only cluster ID that the token may be used for, and that no other token may")
	cmd.Flags().StringVarP(&file, "output-file", "o", "", "write a join file with the token")
	cmd.Flags().StringVar(&server, "leader-apiserver", "", serverHelp)
	cmd.Flags().DurationVar(&lifetime, "expires-in", tokenLifetime, "how long the token can be used")
	return cmd
}

func (a *api) sayHowToWrite(namespace, token string) {
	a.say("write a join file with: antctl mc get joinconfig -n %s --member-token %s >join-config.yml", namespace, token)
}

func newDeleteToken(target *cluster.Flags) *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use:     "membertoken NAME",
		Short:   "Make a join token void; clusters that joined with it stay",
		Example: `  antctl mc delete membertoken default-member-token -n antrea-multicluster`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			return a.deleteToken(cmd.Context(), namespace, args[0])
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "antrea-multicluster", "namespace of the leader")
	return cmd
}

func (a *api) deleteToken(ctx context.Context, namespace, name string) error {
	sa := &corev1.ServiceAccount{}
	err := a.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, sa)
	if apierrors.IsNotFound(err) || err == nil && sa.Labels[join.LabelToken] != "true" {
		return fmt.Errorf("namespace %s has no join token %q: see `antctl mc get membertoken -n %s`", namespace, name, namespace)
	}
	if err != nil {
		return err
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	for _, o := range []client.Object{binding, sa} {
		if err := a.Delete(ctx, o); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete join token %s: %w", name, err)
		}
	}
	a.say("join token %s deleted", name)
	return nil
}

func newGetToken(target *cluster.Flags) *cobra.Command {
	var namespace string
	var format output.Format
	cmd := &cobra.Command{
		Use:     "membertoken",
		Aliases: []string{"membertokens"},
		Short:   "Show the join tokens of a leader",
		Example: `  antctl mc get membertoken -n antrea-multicluster
  antctl mc get membertoken -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := connect(cmd, target)
			if err != nil {
				return err
			}
			tokens, err := a.tokens(cmd.Context(), namespace)
			if err != nil {
				return err
			}
			if len(tokens) == 0 {
				a.note("no join token in namespace %s: make one with `antctl mc create membertoken`", namespace)
			}
			return format.Print(a.out, tokens, func(w io.Writer) error {
				t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
				fmt.Fprintln(t, "NAME\tCLUSTER ID\tEXPIRES IN")
				for _, token := range tokens {
					fmt.Fprintf(t, "%s\t%s\t%s\n", token.Name, cmp.Or(token.ClusterID, anyCluster), duration.HumanDuration(time.Until(token.Expires)))
				}
				return t.Flush()
			})
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "antrea-multicluster", "namespace of the leader")
	format.AddTo(cmd)
	return cmd
}
