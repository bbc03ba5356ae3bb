package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/containernetworking/cni/pkg/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ktypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// The kinds that a claim begins with; NAMESPACE/NAME follows, of the Pod or of the IPAMClaim.
const (
	ofStatefulSet = "statefulset/"
	ofIPAMClaim   = "ipamclaim/"
)

// ipamClaims is the kind IPAMClaim of the Network Plumbing Working Group's de-facto standard.
const ipamClaims = "/apis/k8s.cni.cncf.io/v1alpha1/namespaces/%s/ipamclaims/%s"

// ipamClaim is as much of it as is read.
type ipamClaim struct {
	Spec struct {
		Network    string   `json:"network"`
		Interface  string   `json:"interface"`
		IPRequests []string `json:"ipRequests"`
	} `json:"spec"`
	Status struct {
		IPs      []string `json:"ips"`
		OwnerPod string   `json:"ownerPod"`
	} `json:"status"`
}

// kept is for whom the addresses of an attachment stay when its sandbox ends. The zero value is nobody.
type kept struct {
	claim string
	path  string    // of the IPAMClaim
	have  ipamClaim // as it was read
}

// keptFor finds out for whom the addresses are to stay. What an IPAMClaim has already is asked for again.
func (d *daemon) keptFor(ctx context.Context, conf *whereabouts.Config, ifName string) (kept, error) {
	later := func(err error) error {
		return types.NewError(types.ErrTryAgainLater, "error at storage engine: "+err.Error(), "")
	}
	pod, err := d.pods.find(ctx, conf.Pod)
	switch {
	case err != nil:
		return kept{}, later(fmt.Errorf("read Pod %s: %w", conf.Pod.Ref(), err))
	case pod == nil: // a static Pod whose mirror is not there yet, or one that is gone
		return kept{}, nil
	}
	if conf.Pod.UID == "" {
		conf.Pod.UID = uids(pod)[0]
	}
	for i, reference := range references(pod) {
		if reference.name == "" || reference.ifName != "" && reference.ifName != ifName {
			continue
		}
		k := kept{claim: ofIPAMClaim + conf.Pod.Namespace + "/" + reference.name, path: fmt.Sprintf(ipamClaims, conf.Pod.Namespace, reference.name)}
		err := d.readObject(ctx, k.path, &k.have)
		mine := k.have.Spec.Interface == ifName
		switch {
		case reference.ifName == "" && err == nil && !mine: // of another network of the Pod
			continue
		case reference.ifName == "" && err != nil && fmt.Sprint("net", i+1) != ifName: // the same, most likely
			continue
		case err != nil:
			return kept{}, later(fmt.Errorf("read IPAMClaim %s of Pod %s: %w", reference.name, conf.Pod.Ref(), err))
		case !mine || k.have.Spec.Network != conf.Network:
			return kept{}, types.NewError(types.ErrInvalidNetworkConfig, fmt.Sprintf("IPAMClaim %s is for network %q and interface %q, but Pod %s refers to it for network %q and interface %q",
				reference.name, k.have.Spec.Network, k.have.Spec.Interface, conf.Pod.Ref(), conf.Network, ifName), "")
		}
		asked, key := k.have.Status.IPs, "status.ips"
		if len(asked) == 0 {
			asked, key = k.have.Spec.IPRequests, "spec.ipRequests"
		}
		if err := conf.Ask(fmt.Sprintf("IPAMClaim %s: key %s", reference.name, key), asked); err != nil {
			return kept{}, types.NewError(types.ErrInvalidNetworkConfig, err.Error(), "")
		}
		return k, nil
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "StatefulSet" && strings.HasPrefix(owner.APIVersion, appsv1.GroupName+"/") {
		return kept{claim: ofStatefulSet + conf.Pod.Ref()}, nil
	}
	return kept{}, nil
}

// reference is where a Pod refers to an IPAMClaim, in the order of its networks.
type reference struct{ name, ifName string }

func references(pod *corev1.Pod) (all []reference) {
	selections, err := netplan.ParseSelections(pod.Annotations[netplan.NetworksAnnotation], pod.Namespace)
	if err != nil {
		return nil // the Pod is attached to none of them
	}
	for _, s := range selections {
		all = append(all, reference{s.IPAMClaim, s.Interface})
	}
	return all
}

func (d *daemon) readObject(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	text, err := d.Client.CoreV1().RESTClient().Get().AbsPath(path).DoRaw(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// told writes the addresses into the status of the IPAMClaim, if they are not there.
func (k kept) told(ctx context.Context, client kubernetes.Interface, conf whereabouts.Config, addrs []netip.Addr) error {
	if k.path == "" {
		return nil
	}
	want := k.have.Status
	want.OwnerPod = conf.Pod.Name
	want.IPs = nil
	for i, c := range conf.Claims {
		want.IPs = append(want.IPs, netip.PrefixFrom(addrs[i], c.Range.Subnet.Bits()).String())
	}
	body, err := json.Marshal(map[string]any{"status": want})
	if err != nil {
		return err
	}
	_, err = client.CoreV1().RESTClient().Patch(ktypes.MergePatchType).AbsPath(k.path + "/status").Body(body).DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("write the status of %s: %w", k.claim, err)
	}
	return nil
}

// wanted implements [store.Keep]: an IPAMClaim keeps its addresses until it is deleted, a StatefulSet as long as it wants a Pod of
// that name.
func (d *daemon) wanted(ctx context.Context, claim string) (bool, error) {
	kind, rest, _ := strings.Cut(claim, "/")
	namespace, name, _ := strings.Cut(rest, "/")
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var err error
	wanted := true
	switch kind + "/" {
	case ofIPAMClaim:
		err = d.readObject(ctx, fmt.Sprintf(ipamClaims, namespace, name), new(ipamClaim))
	case ofStatefulSet:
		at := strings.LastIndex(name, "-")
		if at < 0 {
			return false, nil
		}
		var set *appsv1.StatefulSet
		if set, err = d.Client.AppsV1().StatefulSets(namespace).Get(ctx, name[:at], metav1.GetOptions{}); err == nil {
			wanted = wants(set, name[at+1:])
		}
	}
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return wanted, err
}

// wants reports whether a StatefulSet has, or makes again, its Pod with that ordinal.
func wants(set *appsv1.StatefulSet, ordinal string) bool {
	n, err := strconv.ParseInt(ordinal, 10, 64)
	if err != nil || set.DeletionTimestamp != nil {
		return false
	}
	first, replicas := int64(0), int64(1)
	if set.Spec.Ordinals != nil {
		first = int64(set.Spec.Ordinals.Start)
	}
	if set.Spec.Replicas != nil {
		replicas = int64(*set.Spec.Replicas)
	}
	return n >= first && n < first+replicas
}
