package policies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// CopyName is the file in the agent's directory that keeps what the controller has told.
const CopyName = "policies.json"

// copyInterval is how long changes are collected before the copy is written.
const copyInterval = time.Second

// keeper keeps on disk what the controller has told, so that the agent of a Node that starts again need not wait for it.
type keeper struct {
	file string
	told *queue
	have map[policy.Key]policy.Object
	at   place
}

// place is how far the controller has told; nowhere is the zero value.
type place struct {
	instance string
	version  uint64
}

// openCopy reads the copy. There is none if it was not written whole, or is not understood.
func openCopy(ctx context.Context, file string) (k *keeper, last policy.Batch, ok bool) {
	k = &keeper{file: file, told: newQueue(), have: make(map[policy.Key]policy.Object)}
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	if err != nil || !last.Whole {
		if !errors.Is(err, os.ErrNotExist) {
			klog.FromContext(ctx).Info("There is no use for the copy of what the controller has told", "file", file, "err", fmt.Sprint(err))
		}
		return k, policy.Batch{}, false
	}
	k.apply(last)
	return k, last, true
}

func (k *keeper) apply(b policy.Batch) {
	if b.Whole {
		clear(k.have)
	}
	for _, o := range b.Objects {
		k.have[o.Key()] = o
	}
	for _, key := range b.Gone {
		delete(k.have, key)
	}
	k.at = place{b.Instance, b.Version}
}

// run writes what it is told until ctx is done.
func (k *keeper) run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-k.told.more:
			select {
			case <-ctx.Done():
			case <-time.After(copyInterval):
			}
		}
		changed := false
		for _, b := range k.told.take() {
			k.apply(b)
			changed = changed || b.Whole || len(b.Objects)+len(b.Gone) > 0
		}
		if !changed {
			continue
		}
		if err := k.write(); err != nil {
			klog.FromContext(ctx).Error(err, "Could not keep a copy of what the controller has told: a start without the controller will take longer")
		}
	}
}

// write replaces the file at once. What nowhere has told, which is who knows better than the controller, is not kept.
func (k *keeper) write() error {
	if k.at == (place{}) {
		if err := os.Remove(k.file); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	b := policy.Batch{Instance: k.at.instance, Version: k.at.version, Whole: true}
	for _, o := range k.have {
		b.Objects = append(b.Objects, o)
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(k.file), 0o700); err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(k.file), CopyName+".*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name())
	_, err = bytes.NewReader(text).WriteTo(next)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), k.file)
}
