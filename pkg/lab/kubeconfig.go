package lab

import (
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfig makes a kubeconfig whose names are all the cluster's, so that several can be merged and --context is the
// cluster's name.
func kubeconfig(cluster, server string, ca []byte, user pair) ([]byte, error) {
	k := clientcmdapi.NewConfig()
	k.Clusters[cluster] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	k.AuthInfos[cluster] = &clientcmdapi.AuthInfo{ClientCertificateData: user.cert, ClientKeyData: user.key}
	k.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: cluster}
	k.CurrentContext = cluster
	return clientcmd.Write(*k)
}
