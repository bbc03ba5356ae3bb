package lab

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLock(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	release, err := cache.lock("east")
	require.NoError(t, err)
	_, err = cache.lock("east")
	require.ErrorContains(t, err, "another antrea-lab")
	other, err := cache.lock("west")
	require.NoError(t, err, "labs do not wait for each other")
	other()
	release()
	again, err := cache.lock("east")
	require.NoError(t, err)
	again()
	left, err := os.ReadDir(filepath.Join(cache.Dir, "locks"))
	require.NoError(t, err)
	require.Empty(t, left)
}
