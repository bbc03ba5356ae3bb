// Package nftable makes an nft table hold exactly what it should, and leaves one alone that does already.
//
// Start at [Table.Ensure]. A table is replaced as a whole, in one transaction, so no packet meets half of it. nft does not list
// rules as they were written, so every rule carries a comment that is made from its text.
package nftable

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"

	"sigs.k8s.io/knftables"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Table is a table as it should be.
type Table struct {
	Family knftables.Family
	Name   string
	Sets   []Set
	Chains []Chain
}

// Set is a set of ranges of addresses, which must not overlap, or of several values at once, as in "tcp . 80".
type Set struct {
	Name     string
	Type     string // "ipv4_addr", "ipv6_addr", or several types with " . " between them
	Elements []string
}

// separator is between the values of an element.
const separator = " . "

// Chain is a base chain.
type Chain struct {
	Name     string
	Type     knftables.BaseChainType
	Hook     knftables.BaseChainHook
	Priority knftables.BaseChainPriority
	Device   string // of family netdev
	// Index is that of Device. A device that was made anew under its old name is another one, which some kernels do not hook.
	Index int
	Rules []string
}

// String names the table as nft does.
func (t Table) String() string { return fmt.Sprintf("nft table %s %s", t.Family, t.Name) }

func (t Table) open() (knftables.Interface, error) {
	nft, err := knftables.New(t.Family, t.Name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return nft, nil
}

// Ensure makes the kernel hold the table and reports whether it did not.
func (t Table) Ensure(ctx context.Context) (changed bool, err error) {
	nft, err := t.open()
	if err != nil {
		return false, err
	}
	return t.ensure(ctx, nft)
}

// Remove deletes the table and reports whether there was one.
func (t Table) Remove(ctx context.Context) (changed bool, err error) {
	nft, err := t.open()
	if err != nil {
		return false, err
	}
	return t.remove(ctx, nft)
}

// Compare tells how the kernel's table differs, and changes nothing.
func (t Table) Compare(ctx context.Context) ([]systemv1alpha1.Drift, error) {
	nft, err := t.open()
	if err != nil {
		return nil, err
	}
	return t.compare(ctx, nft)
}

// Extra is one difference if the kernel has a table of this name at all, none if not.
func (t Table) Extra(ctx context.Context) ([]systemv1alpha1.Drift, error) {
	nft, err := t.open()
	if err != nil {
		return nil, err
	}
	if _, err := nft.List(ctx, "chains"); knftables.IsNotFound(err) {
		return nil, nil
	}
	return []systemv1alpha1.Drift{drift("", t.String())}, nil
}

func (t Table) ensure(ctx context.Context, nft knftables.Interface) (changed bool, err error) {
	differs, err := t.compare(ctx, nft)
	if err != nil || len(differs) == 0 {
		return false, err
	}
	return true, t.write(ctx, nft)
}

func (t Table) write(ctx context.Context, nft knftables.Interface) error {
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{})
	tx.Delete(&knftables.Table{})
	tx.Add(&knftables.Table{})
	for _, s := range t.Sets {
		set := &knftables.Set{Name: s.Name, Type: s.Type}
		if !strings.Contains(s.Type, separator) {
			set.Flags = []knftables.SetFlag{knftables.IntervalFlag}
		}
		tx.Add(set)
		for _, e := range s.Elements {
			tx.Add(&knftables.Element{Set: s.Name, Key: strings.Split(e, separator)})
		}
	}
	for _, c := range t.Chains {
		chain := &knftables.Chain{Name: c.Name, Type: &c.Type, Hook: &c.Hook, Priority: &c.Priority}
		if c.Device != "" {
			chain.Device = &c.Device
		}
		tx.Add(chain)
		for _, rule := range c.Rules {
			tx.Add(&knftables.Rule{Chain: c.Name, Rule: rule, Comment: knftables.PtrTo(c.mark(rule))})
		}
	}
	if err := nft.Run(ctx, tx); err != nil {
		return fmt.Errorf("%s: %w", t, err)
	}
	return nil
}

func (t Table) remove(ctx context.Context, nft knftables.Interface) (changed bool, err error) {
	if _, err := nft.List(ctx, "chains"); knftables.IsNotFound(err) {
		return false, nil
	}
	tx := nft.NewTransaction()
	tx.Add(&knftables.Table{})
	tx.Delete(&knftables.Table{})
	if err := nft.Run(ctx, tx); err != nil {
		return false, fmt.Errorf("delete %s: %w", t, err)
	}
	return true, nil
}

func (t Table) setNames() []string {
	var names []string
	for _, s := range t.Sets {
		names = append(names, s.Name)
	}
	return names
}

func (t Table) chainNames() []string {
	var names []string
	for _, c := range t.Chains {
		names = append(names, c.Name)
	}
	return names
}

// mark is a comment that says what the rule does and where its chain is hooked.
func (c Chain) mark(rule string) string {
	sum := sha1.Sum(fmt.Appendf(nil, "%s %s %s %s %d %s", c.Type, c.Hook, c.Priority, c.Device, c.Index, rule))
	return hex.EncodeToString(sum[:8])
}
