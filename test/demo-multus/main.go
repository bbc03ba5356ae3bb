// Command demo-multus runs scenario S3 in a lab: it brings a cluster of two Nodes up, types the commands of the scenario, shows
// their output, checks every point and leaves the lab running. It exits with 1 if a check fails.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

func main() {
	name := flag.String("lab", "multus", "name of the lab")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	d := &demo{lab: s1.Lab{Bin: "bin", Name: *name, Out: "out", Clusters: []string{"cl1"}}}
	err := d.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo-multus: %v\nThe lab is left as it is: bin/antrea-lab --lab %s status; take it down with: make clean-lab LAB=%s\n", err, *name, *name)
		os.Exit(1)
	}
}

// folder has the description of the lab and the manifests of the scenario.
const folder = "test/demo-multus/"

// demo shows and counts.
type demo struct {
	lab    s1.Lab
	failed int
}

func (d *demo) run(ctx context.Context) error {
	fmt.Printf("\n# one cluster of two Nodes: bin/antrea-lab --lab %s up %slab.yaml\n", d.lab.Name, folder)
	if err := d.lab.Up(ctx, folder+"lab.yaml", func(chunk string) { fmt.Print(chunk) }); err != nil {
		return err
	}
	for _, node := range []string{"cl1-master", "cl1-node1"} { // as the packages of a Node would
		if _, err := d.lab.Exec(ctx, node, "cp", "/usr/lib/cni/macvlan", "/opt/cni/bin/"); err != nil {
			return err
		}
	}
	steps := []s1.Step{
		{Title: "install the network, whereabouts and multus", Command: "kubectl --context cl1 apply -f antrea-mc.yml -f antrea-mc-whereabouts.yml -f antrea-mc-multus.yml"},
		{Command: "for d in antrea-agent whereabouts multus; do kubectl --context cl1 -n kube-system rollout status daemonset/$d --timeout=300s || exit 1; done"},
		{Command: "kubectl --context cl1 wait --for=condition=Ready node --all --timeout=120s"},
		{Title: "a macvlan network on the underlay", Command: "kubectl --context cl1 apply -f " + folder + "network.yaml"},
	}
	for _, pod := range []string{"pod0", "pod1", "pod2"} {
		steps = append(steps, s1.Step{Title: pod, Command: start(pod)})
	}
	steps = append(steps, s1.Step{Title: "what pod0 has", Command: "kubectl --context cl1 exec pod0 -- ip -brief addr"},
		s1.Step{Command: `kubectl --context cl1 get pod pod0 -o jsonpath='{.metadata.annotations.k8s\.v1\.cni\.cncf\.io/network-status}'`},
		s1.Step{Command: "kubectl --context cl1 -n kube-system get ippools"})
	if err := d.shell(ctx, steps...); err != nil {
		return err
	}
	d.check("addresses, lowest first over both Nodes", "192.168.20.10 192.168.20.11 192.168.20.12", func() (string, error) { return d.addresses(ctx, "pod0", "pod1", "pod2") })
	for _, to := range []string{"192.168.20.11", "192.168.20.12"} {
		d.check("pod0 pings "+to+" over net1", "5 of 5 answered, ttl=64", func() (string, error) { return d.ping(ctx, "pod0", to) })
	}
	d.check("pod0 pings the eth0 of pod2", "5 of 5 answered", func() (string, error) { return d.pingEth0(ctx, "pod0", "pod2") })

	err := d.shell(ctx,
		s1.Step{Title: "a Pod that goes frees its address", Command: "kubectl --context cl1 delete pod pod1"},
		s1.Step{Title: "the next one gets it, on the other Node", Command: start("pod3")})
	if err != nil {
		return err
	}
	d.check("address of pod3", "192.168.20.11", func() (string, error) { return d.addresses(ctx, "pod3") })

	if _, err := d.lab.Tool(ctx, "kill", "cl1-node1", "node"); err != nil {
		return err
	}
	err = d.shell(ctx, s1.Step{
		Title: "cl1-node1 loses its power and is deleted: its Pods' addresses are free", Command: "kubectl --context cl1 delete node cl1-node1 && kubectl --context cl1 delete pod pod2 pod3 --force --ignore-not-found",
	})
	if err != nil {
		return err
	}
	d.check("addresses in use", "192.168.20.10", func() (string, error) { return d.until(ctx, "192.168.20.10", d.used) })
	if d.failed > 0 {
		return fmt.Errorf("%d checks failed", d.failed)
	}
	fmt.Printf("\nThe lab goes on running; take it down with: make clean-lab LAB=%s\n", d.lab.Name)
	return nil
}

// start is the line that starts a Pod and waits for it.
func start(pod string) string {
	return "kubectl --context cl1 apply -f " + folder + pod + ".yaml && kubectl --context cl1 wait --for=condition=Ready pod/" + pod + " --timeout=180s"
}

// shell runs lines as a person would type them, in the folder that the demo was started in.
func (d *demo) shell(ctx context.Context, steps ...s1.Step) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, s := range steps {
		if s.Title != "" {
			fmt.Printf("\n# %s\n", s.Title)
		}
		fmt.Printf("$ %s\n", s.Command)
		out, err := d.lab.Shell(ctx, "cd "+dir+" && "+s.Command)
		fmt.Println(strings.TrimRight(out, "\n"))
		if err != nil {
			return err
		}
	}
	return nil
}

// check compares what is with what is to be.
func (d *demo) check(what, want string, get func() (string, error)) {
	got, err := get()
	switch {
	case err != nil:
		d.failed++
		fmt.Printf("FAIL  %-45s %v\n", what, err)
	case got != want:
		d.failed++
		fmt.Printf("FAIL  %-45s %s, not %s\n", what, got, want)
	default:
		fmt.Printf("ok    %-45s %s\n", what, got)
	}
}

// addresses are those that the Pods' status says for net1.
func (d *demo) addresses(ctx context.Context, pods ...string) (string, error) {
	var all []string
	for _, pod := range pods {
		text, err := d.lab.Kubectl(ctx, "cl1", "get", "pod", pod, "-o", `jsonpath={.metadata.annotations.k8s\.v1\.cni\.cncf\.io/network-status}`)
		if err != nil {
			return "", err
		}
		var interfaces []struct {
			Name, Interface string
			IPs             []string
		}
		if err := json.Unmarshal([]byte(text), &interfaces); err != nil {
			return "", fmt.Errorf("status of %s: %w in %s", pod, err, text)
		}
		if len(interfaces) != 2 || interfaces[0].Interface != "eth0" || interfaces[1].Name != "default/macvlan-conf" || interfaces[1].Interface != "net1" {
			return "", fmt.Errorf("status of %s is %s", pod, text)
		}
		all = append(all, interfaces[1].IPs...)
	}
	return strings.Join(all, " "), nil
}

// ping is the answers that a Pod gets, and their time to live: 64 is that of a neighbour.
func (d *demo) ping(ctx context.Context, from, to string) (string, error) {
	out, err := d.lab.Kubectl(ctx, "cl1", "exec", from, "--", "ping", "-c", "5", "-i", "0.2", to)
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	p, err := s1.ParsePing(out)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%d of %d answered", p.Received, p.Sent)
	if p.OnlyTTL(64) {
		text += ", ttl=64"
	}
	return text, nil
}

func (d *demo) pingEth0(ctx context.Context, from, to string) (string, error) {
	ip, err := d.lab.Kubectl(ctx, "cl1", "get", "pod", to, "-o", "jsonpath={.status.podIP}")
	if err != nil {
		return "", err
	}
	return d.ping(ctx, from, ip)
}

// used are the addresses that the pool has.
func (d *demo) used(ctx context.Context) (string, error) {
	text, err := d.lab.Kubectl(ctx, "cl1", "-n", "kube-system", "get", "ippool", "192.168.20.0-24", "-o", "json")
	if err != nil {
		return "", err
	}
	var pool struct {
		Spec struct{ Allocations map[string]any }
	}
	if err := json.Unmarshal([]byte(text), &pool); err != nil {
		return "", err
	}
	var all []string
	for offset := range pool.Spec.Allocations {
		all = append(all, "192.168.20."+offset)
	}
	slices.Sort(all)
	return strings.Join(all, " "), nil
}

// until asks again until the answer is right, for as long as an audit of the addresses may take.
func (d *demo) until(ctx context.Context, want string, ask func(context.Context) (string, error)) (string, error) {
	for end := time.Now().Add(3 * time.Minute); ; {
		got, err := ask(ctx)
		if err == nil && got == want || time.Now().After(end) || ctx.Err() != nil {
			return got, err
		}
		time.Sleep(time.Second)
	}
}
