package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

func TestRealS1(t *testing.T) {
	needLab(t)
	for _, c := range s1.Checks(lab, pods) {
		t.Run(c.Point+" "+c.What, func(t *testing.T) { expect(t, []s1.Check{c}) })
	}
}

func TestRealS1SourceNATAlways(t *testing.T) {
	needLab(t)
	results, err := lab.SourceNATAlways(t.Context(), pods, func(r s1.Result) { t.Log(r.Line()) })
	require.NoError(t, err)
	for _, r := range results {
		require.NoError(t, r.Err, r.What)
	}
}
