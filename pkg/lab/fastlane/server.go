package fastlane

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// serve answers the API server's requests for kubectl exec and kubectl logs, as kubelet does. Who has a client
// certificate of the cluster may ask.
func (d *Driver) serve(ctx context.Context) error {
	ca, err := os.ReadFile(d.CAFile)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", d.exec)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", d.logs)
	srv := &http.Server{
		Addr: fmt.Sprintf(":%d", kubeletPort), Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12},
	}
	stopped := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stopped()
	if err := srv.ListenAndServeTLS(d.CertFile, d.KeyFile); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve exec and logs: %w", err)
	}
	return nil
}

func (d *Driver) exec(w http.ResponseWriter, r *http.Request) {
	p, err := d.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	opts, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, executor{p}, p.spec.Name, string(p.spec.UID), r.PathValue("container"), r.URL.Query()["command"],
		opts, 4*time.Hour, remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

// executor runs commands in the containers of a Pod. There is no terminal.
type executor struct{ pod *pod }

func (e executor) ExecInContainer(ctx context.Context, _, _, container string, command []string, in io.Reader, out, errOut io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	cmd, err := e.pod.enter(ctx, container, command)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.WaitDelay = in, time.Second
	if out != nil {
		cmd.Stdout = out
	}
	if errOut != nil {
		cmd.Stderr = errOut
	}
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

// enter runs a command in a container: first into the Pod, where its processes have the numbers that its process 1 knows,
// then into the container.
func (p *pod) enter(ctx context.Context, container string, command []string) (*exec.Cmd, error) {
	s, err := p.status(ctx, container)
	if err != nil {
		return nil, err
	}
	if !s.Running {
		return nil, fmt.Errorf("container %s does not run: %s", container, s.Last)
	}
	init, err := p.box.init().PID()
	if err != nil {
		return nil, err
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/proc/%d/environ", init, s.PID))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{
		fmt.Sprintf("--target=%d", init), "--mount", "--uts", "--ipc", "--net", "--pid", "--",
		"nsenter", fmt.Sprintf("--target=%d", s.PID), "--mount", "--wd", "--",
	}, command...)...)
	cmd.Env = strings.Split(strings.TrimRight(string(env), "\x00"), "\x00")
	return cmd, nil
}

// logs prints what a container has printed; it does not follow.
func (d *Driver) logs(w http.ResponseWriter, r *http.Request) {
	p, err := d.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil || p.box == nil {
		http.Error(w, fmt.Sprint("there is no such Pod: ", err), http.StatusNotFound)
		return
	}
	text, err := os.ReadFile(p.box.log(filepath.Base(r.PathValue("container"))))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("tailLines")); err == nil {
		lines := strings.SplitAfter(string(text), "\n")
		text = []byte(strings.Join(lines[max(0, len(lines)-n-1):], ""))
	}
	_, _ = w.Write(text)
}
