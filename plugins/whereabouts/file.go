package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// files is where the configuration of a Node is looked for, if the network's configuration names none.
var files = []string{
	"/etc/kubernetes/cni/net.d/whereabouts.d/whereabouts.conf",
	"/etc/cni/net.d/whereabouts.d/whereabouts.conf",
	"/host/etc/cni/net.d/whereabouts.d/whereabouts.conf",
}

// readFile is the content of the first file that exists, nothing if there is none. One that is named has to exist: what it is to
// say would be missing.
func readFile(named string) ([]byte, error) {
	if named != "" {
		info, err := os.Stat(named)
		if err != nil {
			return nil, err
		}
		if info.IsDir() { // where Whereabouts keeps the name of the Node
			named += "/whereabouts.conf"
		}
		return os.ReadFile(named)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		switch {
		case err == nil:
			return content, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("file of the Node: %w", err)
		}
	}
	return nil, nil
}
