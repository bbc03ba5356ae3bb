package antctl

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
)

// The exit codes of antctl.
const (
	ExitFailed      = 1 // the command could not do what it was asked
	ExitUsage       = 3 // it was asked for something that makes no sense
	ExitUnreachable = 4 // the API server does not answer
)

// ExitCode is the code that antctl ends with after an error.
func ExitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		return ExitUsage
	case unreachable(err):
		return ExitUnreachable
	}
	return ExitFailed
}

// usageError is about how a command was written.
type usageError struct {
	cmd *cobra.Command
	err error
}

func (e usageError) Error() string {
	return fmt.Sprintf("%v; see %s --help", e.err, e.cmd.CommandPath())
}

func (e usageError) Unwrap() error { return e.err }

func unreachable(err error) bool {
	return errors.As(err, new(*url.Error)) // of the HTTP client: there was no answer
}
