// Command cniload attaches a network namespace of a Node to its network and detaches it, over and over, as a container
// runtime does: libcni and the installed plugin. It runs on the Node and prints how long each verb took, as JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/containernetworking/cni/libcni"
)

// network is the plugin alone, as the first of the conflist that the agent installs.
const network = `{"cniVersion":"1.0.0","name":"antrea","plugins":[{"type":"antrea"}]}`

// Took is how long one verb took, in nanoseconds: the median and the 99th of 100.
type Took struct{ P50, P99 time.Duration }

func main() {
	log.SetFlags(0)
	count := flag.Int("count", 100, "how often")
	pod := flag.String("pod", "", "namespace/name of a Pod in the API that is not run: agents wait for what policies say of one that is not there")
	flag.Parse()
	took, err := measure(context.Background(), *pod, *count)
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(took); err != nil {
		log.Fatal(err)
	}
}

func measure(ctx context.Context, pod string, count int) (took map[string]Took, err error) {
	namespace, podName, _ := strings.Cut(pod, "/")
	name := fmt.Sprintf("cniload-%d", os.Getpid())
	if out, err := exec.CommandContext(ctx, "ip", "netns", "add", name).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ip netns add %s: %w: %s", name, err, out)
	}
	defer func() {
		if out, e := exec.Command("ip", "netns", "delete", name).CombinedOutput(); e != nil && err == nil {
			err = fmt.Errorf("ip netns delete %s: %w: %s", name, e, out)
		}
	}()
	list, err := libcni.NetworkConfFromBytes([]byte(network))
	if err != nil {
		return nil, err
	}
	cache, err := os.MkdirTemp("", "cniload-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	runtime := libcni.NewCNIConfigWithCacheDir([]string{"/opt/cni/bin"}, cache, nil)
	seen := map[string][]time.Duration{}
	for i := range count {
		conf := &libcni.RuntimeConf{
			ContainerID: fmt.Sprintf("%s-%d", name, i), NetNS: "/run/netns/" + name, IfName: "eth0",
			Args: [][2]string{{"IgnoreUnknown", "1"}, {"K8S_POD_NAMESPACE", namespace}, {"K8S_POD_NAME", podName}},
		}
		start := time.Now()
		if _, err := runtime.AddNetworkList(ctx, list, conf); err != nil {
			return nil, fmt.Errorf("ADD %d: %w", i, err)
		}
		added := time.Now()
		if err := runtime.DelNetworkList(ctx, list, conf); err != nil {
			return nil, fmt.Errorf("DEL %d: %w", i, err)
		}
		seen["ADD"] = append(seen["ADD"], added.Sub(start))
		seen["DEL"] = append(seen["DEL"], time.Since(added))
	}
	took = map[string]Took{}
	for verb, durations := range seen {
		slices.Sort(durations)
		took[verb] = Took{P50: durations[count/2], P99: durations[count*99/100]}
	}
	return took, nil
}
