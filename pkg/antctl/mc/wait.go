package mc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// errTimeout is what a wait ends with that took too long.
var errTimeout = errors.New("took too long")

// waitFor looks until done, and says what is missing whenever that changes. The error after a timeout wraps errTimeout and
// has the last thing that was missing.
func (a *api) waitFor(ctx context.Context, timeout time.Duration, look func(context.Context) (missing string, err error)) error {
	start := time.Now()
	last := ""
	err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, timeout, true, func(ctx context.Context) (bool, error) {
		missing, err := look(ctx)
		if end, _ := ctx.Deadline(); err != nil && !time.Now().Before(end) {
			return false, context.DeadlineExceeded // clients out of time have words of their own
		}
		if err != nil {
			return false, err
		}
		if missing != "" && missing != last {
			a.say("  %4.1fs  %s", time.Since(start).Seconds(), missing)
			last = missing
		}
		return missing == "", nil
	})
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w (%s): %s", errTimeout, timeout, last)
	}
	return err
}
