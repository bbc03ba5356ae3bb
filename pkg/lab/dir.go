package lab

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
)

// dirs is where a lab keeps its files; all of it goes with the lab.
type dirs string

func (d dirs) path(parts ...string) string {
	return filepath.Join(append([]string{string(d)}, parts...)...)
}

func (d dirs) state() string                  { return d.path("lab.json") }
func (d dirs) complete() string               { return d.path("complete") } // there once it came up
func (d dirs) socket() string                 { return d.path("init.sock") }
func (d dirs) log(name string) string         { return d.path("log", name+".log") }
func (d dirs) etcd() string                   { return d.path("etcd") }
func (d dirs) fast() string                   { return d.path("fast") }
func (d dirs) pki(cluster string) string      { return d.path("pki", cluster) }
func (d dirs) kubeconfig(c string) string     { return d.path("kubeconfig", c+".yaml") }
func (d dirs) node(name string) string        { return d.path("nodes", name) }
func (d dirs) nodeSocket(name string) string  { return d.path("nodes", name, "init.sock") }
func (d dirs) nodeLog(name, of string) string { return d.path("nodes", name, "log", of+".log") }

// validLab is what may name a lab: it becomes part of cgroup and folder names.
var validLab = regexp.MustCompile(`^[a-z0-9][-a-z0-9]{0,30}$`)

// maxSocket is what sun_path holds, less the closing zero.
const maxSocket = 107

func newDirs(c Cache, name string) (dirs, error) {
	if !validLab.MatchString(name) {
		return "", fmt.Errorf("lab name %q: want lower-case letters, digits and dashes", name)
	}
	d := dirs(filepath.Join(c.Dir, "labs", name))
	if longest := d.nodeSocket("123456789012345"); len(longest) > maxSocket {
		return "", errors.New("the path of the cache is too long for the sockets in it; set ANTREA_MC_CACHE to a shorter one: " + c.Dir)
	}
	return d, nil
}
