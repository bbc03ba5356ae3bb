package ovsdb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/go-logr/logr"

	"github.com/ovn-kubernetes/libovsdb/cache"
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
	libovsdb "github.com/ovn-kubernetes/libovsdb/ovsdb"
)

const (
	// attemptTimeout bounds one attempt to connect and to fetch the monitored columns.
	attemptTimeout = 5 * time.Second
	// retryInterval is the pause between attempts; the server is on the same machine.
	retryInterval = 300 * time.Millisecond
	// transactTimeout bounds a transaction whose caller has no deadline. While the server is away, transactions wait.
	transactTimeout = 10 * time.Second
)

// ErrNotFound says that there is no bridge or port of that name.
var ErrNotFound = errors.New("not in the database of Open vSwitch")

// DB is a connection to ovsdb-server. It connects again by itself.
type DB struct {
	client client.Client

	mu       sync.Mutex
	watchers map[chan struct{}]bool
}

// Connect connects to the server at socket, a path, and returns once the copy of its content is complete. It tries until
// ctx is done.
func Connect(ctx context.Context, socket string) (*DB, error) {
	for {
		db, err := connect(ctx, socket)
		if err == nil {
			return db, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to ovsdb-server at %s: %w (is the antrea-ovs container running?)", socket, err)
		case <-time.After(retryInterval):
		}
	}
}

func connect(ctx context.Context, socket string) (*DB, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	dbModel, err := databaseModel()
	if err != nil {
		return nil, err
	}
	quiet := logr.Discard() // the library's own logger prints every row
	c, err := client.NewOVSDBClient(dbModel, client.WithEndpoint("unix:"+socket), client.WithLogger(&quiet),
		client.WithReconnect(attemptTimeout, backoff.NewConstantBackOff(retryInterval)))
	if err != nil {
		return nil, err
	}
	if err := c.Connect(ctx); err != nil {
		return nil, err
	}
	db := &DB{client: c, watchers: make(map[chan struct{}]bool)}
	c.Cache().AddEventHandler(&cache.EventHandlerFuncs{
		AddFunc:    func(string, model.Model) { db.changed() },
		UpdateFunc: func(string, model.Model, model.Model) { db.changed() },
		DeleteFunc: func(string, model.Model) { db.changed() },
	})
	// One monitor only: the library forgets its copy for good if it has several when the connection breaks.
	if _, err := c.Monitor(ctx, c.NewMonitor(monitored()...)); err != nil {
		c.Close()
		return nil, err
	}
	return db, nil
}

// Close ends the connection.
func (d *DB) Close() { d.client.Close() }

// Connected reports whether the server answers now.
func (d *DB) Connected() bool { return d.client.Connected() }

// Version is the version of ovs-vswitchd, "" as long as none has started.
func (d *DB) Version(ctx context.Context) (string, error) {
	root, err := d.root(ctx)
	if err != nil || root.OVSVersion == nil {
		return "", err
	}
	return *root.OVSVersion, nil
}

// Watch returns a channel that has a value whenever something changed since the last receive, and a function that ends the
// watch.
func (d *DB) Watch() (changes <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watchers[c] = true
	return c, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watchers, c)
	}
}

func (d *DB) changed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// wait returns when done does not return false any more, which is asked after every change.
func (d *DB) wait(ctx context.Context, done func() (bool, error)) error {
	changes, stop := d.Watch()
	defer stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changes:
		}
	}
}

// transact runs operations as one transaction. None is success.
func (d *DB) transact(ctx context.Context, ops []libovsdb.Operation) ([]libovsdb.OperationResult, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, transactTimeout)
	defer cancel()
	results, err := d.client.Transact(ctx, ops...)
	if err != nil {
		return nil, err
	}
	if details, err := libovsdb.CheckOperationResults(results, ops); err != nil {
		return nil, errors.Join(append([]error{err}, asErrors(details)...)...)
	}
	return results, nil
}

// change is transact for what has no result.
func (d *DB) change(ctx context.Context, ops []libovsdb.Operation) error {
	_, err := d.transact(ctx, ops)
	return err
}

func asErrors(details []libovsdb.OperationError) []error {
	var errs []error
	for _, d := range details {
		errs = append(errs, d)
	}
	return errs
}

// root is the one row of table Open_vSwitch.
func (d *DB) root(ctx context.Context) (*openvSwitchRow, error) {
	var rows []openvSwitchRow
	if err := d.client.List(ctx, &rows); err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("table Open_vSwitch has %d rows: run ovs-vsctl init", len(rows))
	}
	return &rows[0], nil
}

// Applied returns when ovs-vswitchd has done all that the database asked for before the call. Without this wait a port that is
// deleted and made again may be the same to the switch, which then keeps an interface that is gone.
func (d *DB) Applied(ctx context.Context) error {
	root, err := d.root(ctx)
	if err != nil {
		return err
	}
	ops, err := d.client.Where(root).Mutate(root, model.Mutation{
		Field: &root.NextCfg, Mutator: libovsdb.MutateOperationAdd, Value: 1,
	})
	if err != nil {
		return err
	}
	ops = append(ops, libovsdb.Operation{Op: libovsdb.OperationSelect, Table: "Open_vSwitch", Columns: []string{"next_cfg"}})
	results, err := d.transact(ctx, ops)
	if err != nil {
		return fmt.Errorf("ask ovs-vswitchd for a sign: %w", err)
	}
	next, err := number(results[len(ops)-1], "next_cfg")
	if err != nil {
		return fmt.Errorf("ask ovs-vswitchd for a sign: %w", err)
	}
	err = d.wait(ctx, func() (bool, error) {
		root, err := d.root(ctx)
		return err == nil && root.CurCfg >= next, err
	})
	if err != nil {
		return fmt.Errorf("ovs-vswitchd does not follow the database: %w", err)
	}
	return nil
}

// number is an integer column of the one row of a result.
func number(r libovsdb.OperationResult, column string) (int, error) {
	if len(r.Rows) == 1 {
		switch v := r.Rows[0][column].(type) {
		case float64:
			return int(v), nil
		case int:
			return v, nil
		}
	}
	return 0, fmt.Errorf("no number in column %s of %v", column, r.Rows)
}

// DatapathTypes are those that ovs-vswitchd offers; empty until it runs.
func (d *DB) DatapathTypes(ctx context.Context) ([]string, error) {
	root, err := d.root(ctx)
	if err != nil {
		return nil, err
	}
	return root.DatapathTypes, nil
}
