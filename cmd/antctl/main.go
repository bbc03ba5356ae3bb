// Command antctl is the command line of antrea-mc.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/antrea-mc/antrea-mc/pkg/antctl"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := antctl.NewCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "antctl:", err)
		os.Exit(antctl.ExitCode(err))
	}
}
