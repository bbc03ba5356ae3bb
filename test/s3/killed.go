package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/apis/whereabouts/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/ipam"
	"github.com/antrea-mc/antrea-mc/pkg/ipam/whereabouts"
	"github.com/antrea-mc/antrea-mc/pkg/lab"
	"github.com/antrea-mc/antrea-mc/test/s1"
)

var nodes = []string{"cl1-master", "cl1-node1"}

// labelKilled is on the Pods that come and go while everything is killed.
const labelKilled = "scenario=killed"

// Life is a lab in which Pods with three networks come and go while its programs are killed, and what its Pods have been told:
// which address is whose. As long as nobody has asked for a Pod's end, whoever else gets one of its addresses has stolen it.
type Life struct {
	s1.Lab
	lab    *lab.Lab
	client kubernetes.Interface
	pools  client.Client
	seed   uint64

	mu         sync.Mutex
	owner      map[netip.Addr]string
	duplicates []string
	started    int // Pods that had all of their networks
	early      int // Pods that were deleted before they had
	deleted    int
	kills      map[string]int
}

// Summary is what has happened.
func (l *Life) Summary() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kills []string
	n := 0
	for _, what := range slices.Sorted(maps.Keys(l.kills)) {
		kills = append(kills, fmt.Sprintf("%s %d", what, l.kills[what]))
		n += l.kills[what]
	}
	return fmt.Sprintf("seed %d: %d ADDs and %d DELs of networks (%d Pods started, %d deleted, %d more before they had started), %d kills (%s), duplicates %d",
		l.seed, 3*l.started, 3*(l.deleted+l.early), l.started, l.deleted, l.early, n, strings.Join(kills, ", "), len(l.duplicates))
}

// worker starts and ends Pods of one name, one after the other, on whatever Node.
func (l *Life) worker(ctx context.Context, name string, pods int, random *rand.Rand) error {
	for range pods {
		uid, err := l.create(ctx, name, nodes[random.IntN(len(nodes))])
		if err != nil {
			return err
		}
		started := false
		if random.IntN(5) == 0 { // in the middle of its start
			time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
		} else if started, err = l.awaitStart(ctx, name, uid); err != nil {
			return err
		} else {
			time.Sleep(time.Duration(random.IntN(4000)) * time.Millisecond)
		}
		if err := l.end(ctx, name, uid, started, random.IntN(4) == 0); err != nil {
			return err
		}
	}
	return nil
}

// again repeats what the API server could not answer.
func again(ctx context.Context, what string, limit time.Duration, try func(context.Context) (done bool, err error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s: not done within %s", what, limit))
	defer cancel()
	for last := error(nil); ; {
		once, stop := context.WithTimeout(ctx, 20*time.Second)
		done, err := try(once)
		stop()
		if done && err == nil {
			return nil
		}
		if err != nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), last)
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (l *Life) create(ctx context.Context, name, node string) (uid string, err error) {
	grace := int64(0)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"scenario": "killed"},
			Annotations: map[string]string{"k8s.v1.cni.cncf.io/networks": "killed-macvlan, killed-segment"},
		},
		Spec: corev1.PodSpec{
			NodeName: node, TerminationGracePeriodSeconds: &grace, Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
			Containers: []corev1.Container{{Name: "c", Image: lab.ImageToolbox, ImagePullPolicy: corev1.PullNever, Command: []string{"sleep", "infinity"}}},
		},
	}
	err = again(ctx, "create Pod "+name, 5*time.Minute, func(ctx context.Context) (bool, error) {
		made, err := l.client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) { // an attempt without an answer
			made, err = l.client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		}
		if err == nil {
			uid = string(made.UID)
		}
		return err == nil, err
	})
	return uid, err
}

// awaitStart waits until the Pod runs, and notes its addresses.
func (l *Life) awaitStart(ctx context.Context, name, uid string) (bool, error) {
	err := again(ctx, "start of Pod "+name, 10*time.Minute, func(ctx context.Context) (bool, error) {
		pod, err := l.client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		if err != nil || pod.Status.Phase != corev1.PodRunning {
			return false, err
		}
		found, err := interfaces(pod)
		if err != nil {
			return false, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.started++
		for _, i := range found {
			for _, a := range i.addrs {
				if other := l.owner[a]; other != "" && other != uid {
					l.duplicates = append(l.duplicates, fmt.Sprintf("%s was given to Pod %s %s, but %s has it", a, name, uid, other))
				}
				l.owner[a] = uid
			}
		}
		return true, nil
	})
	return err == nil, err
}

// end deletes the Pod, by force or not, and waits until the API has it no more. Its sandbox may still be there then.
func (l *Life) end(ctx context.Context, name, uid string, started, force bool) error {
	l.mu.Lock()
	if started {
		l.deleted++
	} else {
		l.early++
	}
	maps.DeleteFunc(l.owner, func(_ netip.Addr, of string) bool { return of == uid })
	l.mu.Unlock()
	o := metav1.DeleteOptions{}
	if force {
		o = *metav1.NewDeleteOptions(0)
	}
	return again(ctx, "end of Pod "+name, 10*time.Minute, func(ctx context.Context) (bool, error) {
		err := l.client.CoreV1().Pods("default").Delete(ctx, name, o)
		if apierrors.IsNotFound(err) {
			return true, nil
		}
		return false, err
	})
}

// attachment is an interface of a Pod with its addresses.
type attachment struct {
	ifName string
	addrs  []netip.Addr
}

// interfaces are those that the Pod's status tells: eth0, net1 with two addresses and net2.
func interfaces(pod *corev1.Pod) ([]attachment, error) {
	text := pod.Annotations["k8s.v1.cni.cncf.io/network-status"]
	var told []attached
	if err := json.Unmarshal([]byte(text), &told); err != nil {
		return nil, fmt.Errorf("status of Pod %s: %w: %q", pod.Name, err, text)
	}
	var all []attachment
	var short []string
	for _, t := range told {
		a := attachment{ifName: t.Interface}
		for _, ip := range t.IPs {
			addr, err := netip.ParseAddr(ip)
			if err != nil {
				return nil, fmt.Errorf("status of Pod %s: %w", pod.Name, err)
			}
			a.addrs = append(a.addrs, addr)
		}
		all = append(all, a)
		short = append(short, fmt.Sprint(a.ifName, " ", len(a.addrs)))
	}
	if got := strings.Join(short, ", "); got != "eth0 1, net1 2, net2 1" {
		return nil, fmt.Errorf("interfaces of Pod %s with so many addresses: %s", pod.Name, got)
	}
	return all, nil
}

// progress is how often something has worked.
func (l *Life) progress() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.started + l.deleted + l.early
}

// recovery is how long nothing else is killed if nothing works.
const recovery = 30 * time.Second

// killAll kills something of a Node every now and then, mostly when something has worked since the last time, until ctx is done.
func (l *Life) killAll(ctx context.Context, random *rand.Rand) {
	victims := []string{
		"plugin", "plugin", "plugin", "plugin", "plugin", "plugin", "multus", "multus", "whereabouts", "whereabouts", "agent", "kubelet", "apiserver", "etcd",
	}
	for ctx.Err() == nil {
		before := l.progress()
		for end := time.Now().Add(recovery); ctx.Err() == nil && l.progress() == before && time.Now().Before(end); {
			time.Sleep(50 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(random.IntN(2000)) * time.Millisecond):
		}
		what, node := victims[random.IntN(len(victims))], nodes[random.IntN(len(nodes))]
		if what == "apiserver" {
			node = nodes[0]
		}
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(2 * time.Millisecond) {
			if err := l.lab.Kill(ctx, node, what, syscall.SIGKILL); err == nil { // it may have been killed just before
				l.mu.Lock()
				l.kills[what]++
				l.mu.Unlock()
				break
			}
		}
	}
}

// revive replaces Pods whose containers kubelet does not start again soon because they have been killed so often.
func (l *Life) revive(ctx context.Context) {
	for ctx.Err() == nil {
		pods, err := l.client.CoreV1().Pods("kube-system").List(ctx, metav1.ListOptions{})
		for i := range pods.Items {
			p := &pods.Items[i]
			if err == nil && p.DeletionTimestamp == nil && slices.ContainsFunc(p.Status.ContainerStatuses, func(s corev1.ContainerStatus) bool {
				return s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff"
			}) {
				_ = l.client.CoreV1().Pods("kube-system").Delete(ctx, p.Name, metav1.DeleteOptions{}) // if not now, in a moment
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
}

// settle waits until what is held, remembered and attached is what the living Pods have, and nothing else. It returns what is not so in
// the end: leaks, and what is missing.
func (l *Life) settle(ctx context.Context, living int) (differences []string, err error) {
	err = again(ctx, "everything belongs to a living Pod, and the other way round", 10*time.Minute, func(ctx context.Context) (bool, error) {
		var err error
		differences, err = l.differs(ctx, living)
		return len(differences) == 0, err
	})
	return differences, err
}

// differs is what is left over or missing. An error says that it is not known, or that a Pod does not have what its status says.
func (l *Life) differs(ctx context.Context, living int) ([]string, error) {
	pods, err := l.client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: labelKilled})
	if err != nil {
		return nil, err
	}
	if len(pods.Items) != living {
		return nil, fmt.Errorf("%d Pods, not %d", len(pods.Items), living)
	}
	boxes, err := l.ports(ctx)
	if err != nil {
		return nil, err
	}
	var held, records, ports []string
	for i := range pods.Items {
		p := &pods.Items[i]
		found, err := interfaces(p)
		if err != nil {
			return nil, err
		}
		box := boxes.eth0["default/"+p.Name]
		out, err := l.Kubectl(ctx, cluster, "exec", p.Name, "--", "ip", "-brief", "addr")
		if err != nil {
			return nil, err
		}
		for _, a := range found {
			for _, addr := range a.addrs {
				if !strings.Contains(out, addr.String()+"/") {
					return nil, fmt.Errorf("address %s is not in Pod %s: %s", addr, p.Name, out)
				}
				if a.ifName != "eth0" {
					held = append(held, fmt.Sprintf("%s default/%s %s %s %s", addr, p.Name, p.UID, box, a.ifName))
				}
			}
			if a.ifName != "net1" { // macvlan has no port
				ports = append(ports, fmt.Sprintf("default/%s %s %s", p.Name, a.ifName, a.addrs[0]))
			}
			if a.ifName != "eth0" {
				records = append(records, p.Spec.NodeName+" "+box+":"+a.ifName)
			}
		}
	}
	inPools, reserved, err := l.held(ctx)
	if err != nil {
		return nil, err
	}
	var remembered []string
	for _, node := range nodes {
		out, err := l.Exec(ctx, node, "ls", "/var/lib/whereabouts")
		if err != nil {
			return nil, err
		}
		for _, name := range strings.Fields(out) {
			remembered = append(remembered, node+" "+name)
		}
	}
	all, err := l.differsFromMultus(ctx, boxes)
	return slices.Concat(all, compare("pools", held, inPools), compare("reservations", held, reserved),
		compare("records of whereabouts", records, remembered), compare("ports of Open vSwitch", ports, boxes.ports)), err
}

func compare(where string, want, got []string) (differences []string) {
	for _, line := range want {
		if !slices.Contains(got, line) {
			differences = append(differences, "missing in "+where+": "+line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			differences = append(differences, "left over in "+where+": "+line)
		}
	}
	return differences
}

// differsFromMultus compares the sandboxes that multus remembers with those that have a port: it knows all of the scenario's.
func (l *Life) differsFromMultus(ctx context.Context, b boxes) (differences []string, err error) {
	for _, node := range nodes {
		out, err := l.Exec(ctx, node, "ls", "/var/lib/multus")
		if err != nil {
			return nil, err
		}
		remembered := strings.Fields(out)
		for _, id := range remembered {
			if b.node[id] != node {
				differences = append(differences, fmt.Sprintf("left over in records of multus: %s on %s, which has no port there", id, node))
			}
		}
		for pod, id := range b.eth0 {
			if strings.HasPrefix(pod, "default/") && b.node[id] == node && !slices.Contains(remembered, id) {
				differences = append(differences, fmt.Sprintf("missing in records of multus: %s of %s on %s", id, pod, node))
			}
		}
	}
	return differences, nil
}

// boxes are the sandboxes that have ports.
type boxes struct {
	eth0  map[string]string // container by Pod
	node  map[string]string // by container
	ports []string          // of Pods in namespace default
}

func (l *Life) ports(ctx context.Context) (boxes, error) {
	b := boxes{eth0: map[string]string{}, node: map[string]string{}}
	out, err := l.Antctl(ctx, cluster, "get", "podinterfaces", "-o", "json")
	if err != nil {
		return b, err
	}
	var lists struct {
		Items []systemv1alpha1.PodInterfaceList
	}
	if err := json.Unmarshal([]byte(out), &lists); err != nil {
		return b, err
	}
	for _, list := range lists.Items {
		for _, i := range list.Items {
			pod := i.PodNamespace + "/" + i.PodName
			if b.node[i.ContainerID] = list.Node; i.Interface == "eth0" {
				b.eth0[pod] = i.ContainerID
			}
			if i.PodNamespace == "default" {
				addr, _, _ := strings.Cut(strings.Join(i.IPs, " "), "/")
				b.ports = append(b.ports, fmt.Sprintf("%s %s %s", pod, i.Interface, addr))
			}
		}
	}
	return b, nil
}

// held is what the pools and the reservations have, as "address Pod UID sandbox interface".
func (l *Life) held(ctx context.Context) (inPools, reserved []string, err error) {
	var pools v1alpha1.IPPoolList
	if err := l.pools.List(ctx, &pools, client.InNamespace("kube-system")); err != nil {
		return nil, nil, err
	}
	for _, p := range pools.Items {
		subnet, err := netip.ParsePrefix(p.Spec.Range)
		if err != nil {
			return nil, nil, err
		}
		for offset, h := range p.Spec.Allocations {
			a, err := ipam.AtOffset(subnet, offset)
			if err != nil {
				return nil, nil, err
			}
			inPools = append(inPools, fmt.Sprintf("%s %s %s %s %s", a, h.PodRef, h.PodUID, h.ContainerID, h.IfName))
		}
	}
	var reservations v1alpha1.OverlappingRangeIPReservationList
	if err := l.pools.List(ctx, &reservations, client.InNamespace("kube-system")); err != nil {
		return nil, nil, err
	}
	for _, r := range reservations.Items {
		a, ok := whereabouts.Reserved("", r.Name)
		if !ok {
			return nil, nil, fmt.Errorf("reservation %s is of no address", r.Name)
		}
		reserved = append(reserved, fmt.Sprintf("%s %s %s %s %s", a, r.Spec.PodRef, r.Spec.PodUID, r.Spec.ContainerID, r.Spec.IfName))
	}
	return inPools, reserved, nil
}
