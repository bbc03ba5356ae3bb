package antctl

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
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

// advise says what to do about an error of a request to system.antrea.io.
func advise(err error) error {
	var status apierrors.APIStatus
	switch {
	case err == nil || !errors.As(err, &status):
		return err
	case apierrors.IsNotFound(err) && (status.Status().Details == nil || status.Status().Details.Name == ""):
		return fmt.Errorf("this cluster has no system.antrea.io: install antrea-mc with kubectl apply -f antrea-mc.yml (%w)", err)
	case apierrors.IsServiceUnavailable(err) && status.Status().Details != nil: // the API server's own; ours have none
		return fmt.Errorf("antrea-controller does not answer: look at kubectl -n kube-system get pods -l component=antrea-controller (%w)", err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w: have ClusterRole antctl bound to you", err)
	}
	return err
}
