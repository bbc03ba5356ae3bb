// Command antrea-lab runs whole Kubernetes clusters on this machine; see package lab.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/antrea-mc/antrea-mc/pkg/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	isChild, err := lab.Child(ctx, os.Args[1:])
	if !isChild {
		err = newCommand().ExecuteContext(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "antrea-lab: "+err.Error())
		os.Exit(1)
	}
}
