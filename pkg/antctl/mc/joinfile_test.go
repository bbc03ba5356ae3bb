package mc

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var update = flag.Bool("update", false, "rewrite testdata")

var demoJoin = JoinConfig{APIVersion: joinAPIVersion, Kind: joinKind, ClusterSetID: "demo-clusterset", LeaderClusterID: "demo-cluster-leader", LeaderNamespace: "antrea-multicluster", LeaderAPIServer: "https://192.168.150.101:6443"}

func demoToken() *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "default-member-token"}, Data: map[string][]byte{"ca.crt": []byte("certificate"), "namespace": []byte("antrea-multicluster"), "token": []byte("secret")}}
}

// TestJoinFile compares with testdata/join-config.yml, and reads it back.
func TestJoinFile(t *testing.T) {
	text, err := demoJoin.format(demoToken())
	require.NoError(t, err)
	golden := "testdata/join-config.yml"
	if *update {
		require.NoError(t, os.WriteFile(golden, text, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(text))

	config, secret, err := parseJoinFile(text)
	require.NoError(t, err)
	require.Equal(t, demoJoin, *config)
	require.Equal(t, demoToken().Data, secret.Data)
}

func TestParseJoinFileRefuses(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a field that does not exist", "kind: ClusterSetJoinConfig\nclusterSet: x\n", "clusterSet"},
		{"another kind", "kind: Pod\n", `kind "Pod" has no place`},
		{"no YAML", "\t", "yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := parseJoinFile([]byte(tc.text))
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestReadJoin(t *testing.T) {
	dir := t.TempDir()
	text, err := demoJoin.format(demoToken())
	require.NoError(t, err)
	full := filepath.Join(dir, "full.yml")
	require.NoError(t, writePrivate(full, text))
	info, err := os.Stat(full)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err = demoJoin.format(nil)
	require.NoError(t, err)
	bare := filepath.Join(dir, "bare.yml")
	require.NoError(t, writePrivate(bare, text))
	secret := filepath.Join(dir, "secret.yml")
	require.NoError(t, writePrivate(secret, []byte("kind: Secret\nstringData: {token: other}\n")))

	for _, tc := range []struct {
		name, file string
		flags      JoinConfig
		token      string // "" means that it is in the cluster
		err        string
	}{
		{"file and ID", full, JoinConfig{ClusterID: "east"}, "secret", ""},
		{"token in another file", full, JoinConfig{ClusterID: "east", TokenSecretFile: secret}, "other", ""},
		{"token in the cluster", full, JoinConfig{ClusterID: "east", TokenSecretName: "x"}, "", ""},
		{"no file", "", JoinConfig{ClusterID: "east", ClusterSetID: "s", LeaderClusterID: "l", LeaderNamespace: "n", LeaderAPIServer: "https://a", TokenSecretName: "x"}, "", ""},
		{"no ID", full, JoinConfig{}, "", "--clusterid is missing"},
		{"a wrong ID", full, JoinConfig{ClusterID: "East"}, "", `--clusterid "East"`},
		{"no token", bare, JoinConfig{ClusterID: "east"}, "", "there is no join token"},
		{"nothing", "", JoinConfig{}, "", "--leader-apiserver is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config, secret, err := readJoin(tc.file, tc.flags)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "kube-system", config.Namespace)
			if tc.token == "" {
				require.Nil(t, secret)
			} else {
				require.Equal(t, tc.token, string(secret.Data["token"]))
			}
		})
	}
}
