package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/cni"
	"github.com/antrea-mc/antrea-mc/pkg/netplan"
)

// call is a request of the runtime, read.
type call struct {
	cni.Request
	conf netplan.Config
	args [][2]string
	pod  podID
}

func parse(req cni.Request) (call, error) {
	c := call{Request: req}
	var err error
	if c.conf, err = netplan.ParseConfig(req.Stdin); err != nil {
		return c, types.NewError(types.ErrInvalidNetworkConfig, err.Error(), "")
	}
	for pair := range strings.SplitSeq(req.Args, ";") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			if pair != "" {
				return c, types.NewError(types.ErrInvalidEnvironmentVariables, fmt.Sprintf("CNI_ARGS: %q is not KEY=VALUE", pair), "")
			}
			continue
		}
		c.args = append(c.args, [2]string{key, value})
		switch key {
		case "K8S_POD_NAMESPACE":
			c.pod.Namespace = value
		case "K8S_POD_NAME":
			c.pod.Name = value
		case "K8S_POD_UID":
			c.pod.UID = value
		}
	}
	return c, nil
}

// record is a new one for the call.
func (d *daemon) record(c call) record {
	r := record{ContainerID: c.ContainerID, NetNS: c.NetNS, Boot: d.boot, Pod: c.pod, Args: c.args, State: adding}
	for _, dir := range append([]string{c.conf.BinDir}, filepath.SplitList(c.Path)...) {
		if dir != "" && !slices.Contains(r.Path, dir) {
			r.Path = append(r.Path, dir)
		}
	}
	return r
}

func (d *daemon) add(ctx context.Context, req cni.Request, netns *os.File) (json.RawMessage, error) {
	c, err := parse(req)
	if err != nil {
		return nil, err
	}
	if netns == nil {
		return nil, types.NewError(types.ErrInvalidEnvironmentVariables, "CNI_NETNS is missing", "")
	}
	defer d.journal.Lock(c.ContainerID)()
	ctx, cancel := context.WithTimeoutCause(ctx, addTimeout, fmt.Errorf("not done within %s", addTimeout))
	defer cancel()
	if err := d.waitReadiness(ctx, c.conf.ReadinessFile); err != nil {
		return nil, types.NewError(types.ErrTryAgainLater, err.Error(), "")
	}
	if old, ok := d.journal.Get(c.ContainerID); ok { // what the runtime tries again has failed before
		if err := d.releaseOrRetry(ctx, old, d.namespaceOf(old)); err != nil {
			return nil, types.NewError(types.ErrTryAgainLater, "an earlier attempt is not undone yet: "+err.Error(), "")
		}
	}
	var pod *corev1.Pod
	if c.pod.Name != "" {
		if pod, err = d.podFor(ctx, c.pod); err != nil {
			return nil, types.NewError(types.ErrTryAgainLater, err.Error(), "")
		}
	}
	planned, warnings, err := d.plan(ctx, c, pod)
	if err != nil {
		return nil, fmt.Errorf("networks of Pod %s: %w", c.pod, err)
	}
	r := d.record(c)
	for _, a := range planned {
		r.Attachments = append(r.Attachments, attached{Attachment: a})
	}
	if pod != nil {
		r.Conf, r.Networks = c.Stdin, pod.Annotations[netplan.NetworksAnnotation]
	}
	r.Attachments[0].Begun = true
	// From here on everything is undone, whatever happens to this process.
	if err := d.journal.Put(r); err != nil {
		return nil, types.NewError(types.ErrIOFailure, err.Error(), "")
	}
	if err := d.attach(ctx, &r, netns, pod); err != nil {
		return nil, errors.Join(fmt.Errorf("attach Pod %s: %w", c.pod, err), d.rollBack(context.WithoutCancel(ctx), r))
	}
	d.tell(pod, r, warnings)
	if d.HotPlug {
		d.plugs.Add(r.ContainerID) // the annotation may be another one by now
	}
	return toRuntime(r.Attachments[0].Result, c.conf.CNIVersion)
}

// attach executes the plugins of all attachments in order, and says in the API what came of it.
func (d *daemon) attach(ctx context.Context, r *record, netns *os.File, pod *corev1.Pod) error {
	links, err := openLinks(netns)
	if err != nil {
		return err
	}
	defer links.Close()
	for i := range r.Attachments {
		if err := d.attachOne(ctx, *r, &r.Attachments[i], links); err != nil {
			return err
		}
		if i+1 < len(r.Attachments) {
			r.Attachments[i+1].Begun = true
		}
		if err := d.journal.Put(*r); err != nil {
			return err
		}
	}
	if pod != nil {
		if err := d.tellNowOrLater(ctx, r, pod); err != nil {
			return err
		}
	}
	r.State = done
	return d.journal.Put(*r)
}

// tellStatus writes into the API what the sandbox has.
func (d *daemon) tellStatus(ctx context.Context, r record, pod *corev1.Pod) error {
	var all []netplan.Status
	for _, a := range r.Attachments {
		if a.Auxiliary || a.Leaving || a.Result == nil {
			continue
		}
		result, err := newest(a.Result)
		var device json.RawMessage
		if err == nil {
			device, err = d.host.deviceInfo(a.Attachment)
		}
		if err != nil {
			return fmt.Errorf("network %s: %w", a.Network, err)
		}
		all = append(all, netplan.Statuses(a.Attachment, result, device)...)
	}
	text, err := netplan.FormatStatuses(all)
	if err != nil {
		return err
	}
	return d.api.annotate(ctx, pod, netplan.StatusAnnotation, text)
}

// attachOne attaches one network, and puts the result into it.
func (d *daemon) attachOne(ctx context.Context, r record, a *attached, links links) error {
	var before json.RawMessage
	if a.Auxiliary {
		before = r.Attachments[0].Result
	} else if free, err := links.free(a.IfName); err != nil || !free {
		return errors.Join(fmt.Errorf("network %s: the sandbox already has an interface %s", a.Network, a.IfName), err)
	}
	if err := d.host.prepareDevice(a.Attachment); err != nil {
		return fmt.Errorf("network %s: %w", a.Network, err)
	}
	text, err := d.plugins.add(ctx, r.sandbox(), a.Attachment, before)
	if err != nil {
		return err
	}
	if text == nil { // a chain without plugins
		text = before
	}
	if a.Result = text; a.Auxiliary {
		return nil
	}
	result, err := newest(text)
	if err != nil {
		return fmt.Errorf("network %s: result: %w", a.Network, err)
	}
	if err := links.reroute(a.IfName, a.Routes); err != nil {
		return fmt.Errorf("network %s: %w", a.Network, err)
	}
	if a.Routes != (netplan.Routes{}) {
		a.Routes.Apply(result)
		a.Result, err = toRuntime(result, a.List.CNIVersion)
	}
	return err
}

// tell writes Events about what was done.
func (d *daemon) tell(pod *corev1.Pod, r record, warnings []string) {
	if pod == nil {
		return
	}
	for _, a := range r.Attachments {
		result, err := newest(a.Result)
		if err != nil || a.Auxiliary {
			continue
		}
		var ips []string
		for _, ip := range result.IPs {
			ips = append(ips, ip.Address.String())
		}
		d.api.events.Eventf(pod, corev1.EventTypeNormal, "AddedInterface", "Add %s %v from %s", a.IfName, ips, a.Network)
	}
	for _, text := range warnings {
		d.api.events.Event(pod, corev1.EventTypeWarning, "CapabilityMissing", text)
	}
}

// rollBack undoes what was begun. What cannot be undone now is tried until it is.
func (d *daemon) rollBack(ctx context.Context, r record) error {
	r.State = releasing
	d.counts.rolledBack.Inc()
	if err := d.releaseOrRetry(ctx, r, r.NetNS); err != nil {
		klog.FromContext(ctx).Error(err, "Could not undo all yet", "pod", r.Pod, "container", r.ContainerID)
		return fmt.Errorf("undoing it: %w", err)
	}
	return nil
}

// toRuntime is a result in a version of the specification.
func toRuntime[R json.RawMessage | *current.Result](from R, cniVersion string) (json.RawMessage, error) {
	var result *current.Result
	var err error
	switch from := any(from).(type) {
	case json.RawMessage:
		if result, err = newest(from); err != nil {
			return nil, types.NewError(types.ErrDecodingFailure, "result: "+err.Error(), "")
		}
	case *current.Result:
		result = from
	}
	converted, err := result.GetAsVersion(cniVersion)
	if err != nil {
		return nil, types.NewError(types.ErrIncompatibleCNIVersion, err.Error(), "")
	}
	return json.MarshalIndent(converted, "", "    ")
}

// waitReadiness waits for the file that says that the default network works.
func (d *daemon) waitReadiness(ctx context.Context, file string) error {
	if file == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readinessTimeout)
	defer cancel()
	for !d.host.exists(file) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("key readinessindicatorfile: there is no %s yet: is the default network up?", file)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
