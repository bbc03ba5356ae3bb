package nftable

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/knftables"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

func example() Table {
	return Table{
		Family: knftables.InetFamily, Name: "antrea-mc",
		Sets: []Set{{Name: "known-ipv4", Type: "ipv4_addr", Elements: []string{"10.244.0.0/20", "10.244.16.0/20"}}},
		Chains: []Chain{{
			Name: "postrouting", Type: knftables.NATType, Hook: knftables.PostroutingHook, Priority: knftables.SNATPriority,
			Rules: []string{`ip saddr 10.244.1.0/24 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade`},
		}},
	}
}

func TestEnsure(t *testing.T) {
	nft := knftables.NewFake(knftables.InetFamily, "antrea-mc")
	ensure := func(table Table, want bool) {
		t.Helper()
		if changed, err := table.ensure(t.Context(), nft); err != nil || changed != want {
			t.Errorf("changed %t, %v; want %t\n%s", changed, err, want, nft.Dump())
		}
	}
	table := example()
	ensure(table, true)
	ensure(table, false)

	table.Sets[0].Elements = append(table.Sets[0].Elements, "10.244.32.0/20")
	ensure(table, true)
	ensure(table, false)

	table.Chains[0].Rules = []string{`ip saddr 10.244.2.0/24 masquerade`}
	ensure(table, true)
	ensure(table, false)

	tx := nft.NewTransaction()
	tx.Add(&knftables.Rule{Chain: "postrouting", Rule: "drop"}) // by somebody else
	if err := nft.Run(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	ensure(table, true)
	ensure(table, false)

	for _, want := range []bool{true, false} {
		if changed, err := table.remove(t.Context(), nft); err != nil || changed != want {
			t.Errorf("removed %t, %v; want %t", changed, err, want)
		}
	}
}

// What somebody else has done is told so that an operator finds it.
func TestCompare(t *testing.T) {
	table := example()
	for _, tt := range []struct {
		name string
		do   func(tx *knftables.Transaction)
		want []systemv1alpha1.Drift
	}{
		{"nothing", func(*knftables.Transaction) {}, nil},
		{"the table", func(tx *knftables.Transaction) { tx.Delete(&knftables.Table{}) }, []systemv1alpha1.Drift{drift("nft table inet antrea-mc", "")}},
		{"an element", func(tx *knftables.Transaction) {
			tx.Delete(&knftables.Element{Set: "known-ipv4", Key: []string{"10.244.0.0/20"}})
			tx.Add(&knftables.Element{Set: "known-ipv4", Key: []string{"10.9.0.0/16"}})
		}, []systemv1alpha1.Drift{
			drift("inet antrea-mc: element of set known-ipv4 10.244.0.0/20", ""), drift("", "inet antrea-mc: element of set known-ipv4 10.9.0.0/16"),
		}},
		{"the rules", func(tx *knftables.Transaction) { tx.Flush(&knftables.Chain{Name: "postrouting"}) }, []systemv1alpha1.Drift{
			drift(`inet antrea-mc postrouting: ip saddr 10.244.1.0/24 oifname != "antrea-gw0" ip daddr != @known-ipv4 masquerade`, ""),
		}},
		{"a chain of somebody else", func(tx *knftables.Transaction) { tx.Add(&knftables.Chain{Name: "theirs"}) },
			[]systemv1alpha1.Drift{drift("", "inet antrea-mc: chain theirs")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nft := knftables.NewFake(knftables.InetFamily, "antrea-mc")
			if err := table.write(t.Context(), nft); err != nil {
				t.Fatal(err)
			}
			tx := nft.NewTransaction()
			tt.do(tx)
			if err := nft.Run(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
			got, err := table.compare(t.Context(), nft)
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}
