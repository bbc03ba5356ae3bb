package cni

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

// DefaultSocket is where the agent listens.
const DefaultSocket = "/var/run/antrea/cni.sock"

// protocolVersion is the first byte of a request. It changes when an older peer would misread what follows.
const protocolVersion = 1

// maxRequest bounds a request: a configuration with the results of a long chain is a few kilobytes.
const maxRequest = 4 << 20

// Command is a verb of the specification.
type Command string

// The verbs that reach the agent; VERSION is answered by the plugin.
const (
	Add    Command = "ADD"
	Del    Command = "DEL"
	Check  Command = "CHECK"
	GC     Command = "GC"
	Status Command = "STATUS"
)

// Request is one call of the plugin by the runtime. It travels as a byte with the protocol's version, which also carries the
// open network namespace, and JSON up to the end of the stream.
type Request struct {
	Command     Command         `json:"command"`
	ContainerID string          `json:"containerID,omitempty"`
	NetNS       string          `json:"netns,omitempty"`
	IfName      string          `json:"ifname,omitempty"`
	Args        string          `json:"args,omitempty"`
	Path        string          `json:"path,omitempty"`
	Stdin       json.RawMessage `json:"stdin,omitempty"`
	// IPAMResult is what another IPAM plugin answered; the agent then allocates nothing.
	IPAMResult json.RawMessage `json:"ipamResult,omitempty"`
	// ResolvConf is the content of the file that ipam.resolvConf names on the node.
	ResolvConf string `json:"resolvConf,omitempty"`
	// IPAMFile is the content of the file on the node that completes the key ipam.
	IPAMFile json.RawMessage `json:"ipamFile,omitempty"`
}

// Response is the agent's answer: a result in the version of the configuration, nothing, or an error.
type Response struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  *types.Error    `json:"error,omitempty"`
}

// Attachment is what the CNI specification identifies an attachment by, within a network.
type Attachment struct {
	ContainerID string
	IfName      string
}

// Call sends a request to the agent and waits for the answer. netns may be nil. An error means that there is no answer, and
// that the agent may or may not have done what was asked.
func Call(ctx context.Context, socket string, req Request, netns *os.File) (Response, error) {
	// A Dialer would link all that looks names up into the plugin. This call does not wait, so ctx cannot end it.
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		return Response{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	resp, err := exchange(conn, req, netns)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return resp, err
}

func exchange(conn *net.UnixConn, req Request, netns *os.File) (Response, error) {
	body, err := json.Marshal(req)
	if err != nil {
		return Response{}, fmt.Errorf("encode request: %w", err)
	}
	var rights []byte
	if netns != nil {
		rights = syscall.UnixRights(int(netns.Fd()))
	}
	if _, _, err := conn.WriteMsgUnix([]byte{protocolVersion}, rights, nil); err != nil {
		return Response{}, fmt.Errorf("send request: %w", err)
	}
	if _, err := conn.Write(body); err != nil {
		return Response{}, fmt.Errorf("send request: %w", err)
	}
	if err := conn.CloseWrite(); err != nil {
		return Response{}, fmt.Errorf("send request: %w", err)
	}
	var resp Response
	if err := json.NewDecoder(conn).Decode(&resp); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the agent closed the connection; it may be restarting")
		}
		return Response{}, fmt.Errorf("read answer: %w", err)
	}
	return resp, nil
}

// ReadRequest is the agent's end of [Call]. The caller closes netns, which is nil if none was sent.
func ReadRequest(conn *net.UnixConn) (req Request, netns *os.File, err error) {
	defer func() {
		if err != nil && netns != nil {
			netns.Close()
			netns = nil
		}
	}()
	version := make([]byte, 1)
	oob := make([]byte, syscall.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(version, oob)
	if err != nil {
		return req, nil, fmt.Errorf("read request: %w", err)
	}
	if netns, err = receivedFile(oob[:oobn]); err != nil {
		return req, nil, err
	}
	if n != 1 || version[0] != protocolVersion {
		return req, netns, types.NewError(types.ErrInternal, fmt.Sprintf(
			"the plugin speaks version %d of the agent's protocol, the agent version %d: install the plugin of the agent's image again",
			version[0], protocolVersion), "")
	}
	body, err := io.ReadAll(io.LimitReader(conn, maxRequest+1))
	switch {
	case err != nil:
		return req, netns, fmt.Errorf("read request: %w", err)
	case len(body) > maxRequest:
		return req, netns, types.NewError(types.ErrDecodingFailure, fmt.Sprintf("request of more than %d bytes", maxRequest), "")
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return req, netns, types.NewError(types.ErrDecodingFailure, "request: "+err.Error(), "")
	}
	return req, netns, nil
}

// receivedFile is the file in the control messages of a request, nil if there is none.
func receivedFile(oob []byte) (file *os.File, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, fmt.Errorf("control message of the request: %w", err)
	}
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return nil, fmt.Errorf("control message of the request: %w", err)
		}
		for _, fd := range fds {
			if file != nil {
				_ = syscall.Close(fd)
				continue
			}
			file = os.NewFile(uintptr(fd), "netns")
		}
	}
	return file, nil
}

// The error codes of this plugin, beside those of the specification.
const (
	CodeIPAM      uint = 101 // no address could be given
	CodeInterface uint = 102 // the container's interface could not be set up
	CodeCheck     uint = 103 // CHECK found something else than ADD left
)
