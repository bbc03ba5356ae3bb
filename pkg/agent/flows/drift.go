package flows

import (
	"slices"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

// Drifts are the meters, groups and flows that differ, one by one, foreign flows last.
func (d Difference) Drifts() []systemv1alpha1.Drift {
	all := slices.Clone(d.Meters)
	for _, g := range d.GroupsSet {
		drift := systemv1alpha1.Drift{Kind: systemv1alpha1.DriftMissing, Object: systemv1alpha1.DriftGroup, Want: g.String()}
		if have, ok := d.haveGroups[g.ID]; ok {
			drift.Kind, drift.Have = systemv1alpha1.DriftChanged, have.String()
		}
		all = append(all, drift)
	}
	for _, f := range d.Added {
		all = append(all, systemv1alpha1.Drift{Kind: systemv1alpha1.DriftMissing, Object: systemv1alpha1.DriftFlow, Want: f.String()})
	}
	for _, m := range d.Modified {
		all = append(all, systemv1alpha1.Drift{Kind: systemv1alpha1.DriftChanged, Object: systemv1alpha1.DriftFlow, Want: m.Want.String(), Have: m.Have.String()})
	}
	for _, f := range d.Deleted {
		all = append(all, systemv1alpha1.Drift{Kind: systemv1alpha1.DriftUnwanted, Object: systemv1alpha1.DriftFlow, Have: f.String()})
	}
	for _, g := range d.GroupsDeleted {
		all = append(all, systemv1alpha1.Drift{Kind: systemv1alpha1.DriftUnwanted, Object: systemv1alpha1.DriftGroup, Have: g.String()})
	}
	for _, f := range d.Foreign {
		all = append(all, systemv1alpha1.Drift{Kind: systemv1alpha1.DriftForeign, Object: systemv1alpha1.DriftFlow, Have: f.String()})
	}
	return all
}
