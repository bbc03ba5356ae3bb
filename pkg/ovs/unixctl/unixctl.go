// Package unixctl runs commands of ovs-appctl by talking to the control socket of an OVS daemon itself.
//
// Start at [Call]. The daemons speak JSON-RPC 1.0 on a Unix socket: one request with string arguments, one answer.
package unixctl

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// callTimeout bounds a call whose caller has no deadline: a daemon that is stopped accepts connections and never answers.
const callTimeout = 10 * time.Second

// Error is the answer of a daemon that refused a command.
type Error struct {
	Command string
	Message string
}

// Error is what the daemon said, and to which command.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Command, e.Message) }

// VSwitchd is the control socket of the ovs-vswitchd whose run directory is dir: ovs-vswitchd.ctl where it was started so,
// else the one named after its process.
func VSwitchd(dir string) (string, error) {
	if fixed := filepath.Join(dir, "ovs-vswitchd.ctl"); exists(fixed) {
		return fixed, nil
	}
	pidfile := filepath.Join(dir, "ovs-vswitchd.pid")
	text, err := os.ReadFile(pidfile)
	if err != nil {
		return "", fmt.Errorf("find ovs-vswitchd: %w", err)
	}
	return filepath.Join(dir, "ovs-vswitchd."+strings.TrimSpace(string(text))+".ctl"), nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Call runs a command, such as "ovs/route/show", and returns its output.
func Call(ctx context.Context, socket, command string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", socket)
	if err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	if args == nil {
		args = []string{}
	}
	request := struct {
		Method string   `json:"method"`
		Params []string `json:"params"`
		ID     int      `json:"id"`
	}{command, args, 0}
	if err := json.NewEncoder(conn).Encode(request); err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	var answer struct {
		Result *string `json:"result"`
		Error  *string `json:"error"`
	}
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return "", fmt.Errorf("%s: no answer: %w", command, err)
	}
	if answer.Error != nil {
		return "", &Error{command, strings.TrimSpace(*answer.Error)}
	}
	if answer.Result == nil {
		return "", nil
	}
	return *answer.Result, nil
}
