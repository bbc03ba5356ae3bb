package fqdn

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// FileName is the file in the agent's directory that keeps what has been learned.
const FileName = "fqdncache.json"

// saved is an address in the file.
type saved struct {
	Namespace, Pod, Name string
	Address              netip.Addr
	Expires              time.Time
}

// Open is the cache in a file, which is empty if there is none. What has lapsed since it was written stays for connections that there
// are.
func Open(file string, l Limits) (*Cache, error) {
	c := NewCache(l)
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	var all []saved
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return c, fmt.Errorf("what was learned of domain names: %w", err)
	}
	for _, s := range all {
		pod, at := types.NamespacedName{Namespace: s.Namespace, Name: s.Pod}, pair{s.Name, s.Address}
		if c.pods[pod] == nil {
			c.pods[pod] = make(map[pair]Entry)
		}
		if _, twice := c.pods[pod][at]; s.Address.IsValid() && !twice && len(c.pods[pod]) < c.PerPod && c.count < c.PerNode {
			c.pods[pod][at] = Entry{Expires: s.Expires}
			c.count++
		}
	}
	return c, nil
}

// Save replaces the file at once. It need not outlive the Node: no connection does.
func (c *Cache) Save(file string) error {
	all := make([]saved, 0, c.count)
	for pod, known := range c.pods {
		for at, e := range known {
			all = append(all, saved{pod.Namespace, pod.Name, at.name, at.address, e.Expires})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	next := file + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, file)
}
