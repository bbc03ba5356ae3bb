package unixctl

import (
	"bufio"
	"errors"
	"net"
	"path/filepath"
	"testing"
)

// daemon answers one call with the given line and returns the request.
func daemon(t *testing.T, answer string) (socket string, request <-chan string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "d.ctl")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		line, _ := bufio.NewReader(conn).ReadString('\n')
		got <- line
		_, _ = conn.Write([]byte(answer))
	}()
	return socket, got
}

func TestCall(t *testing.T) {
	socket, request := daemon(t, `{"id":0,"result":"done\n","error":null}`)
	out, err := Call(t.Context(), socket, "ovs/route/add", "10.0.0.0/8", "br-phy")
	if err != nil || out != "done\n" {
		t.Fatalf("got %q, %v", out, err)
	}
	if want := `{"method":"ovs/route/add","params":["10.0.0.0/8","br-phy"],"id":0}` + "\n"; <-request != want {
		t.Errorf("the request is not %s", want)
	}
}

func TestCallRefused(t *testing.T) {
	socket, _ := daemon(t, `{"id":0,"result":null,"error":"no such bridge\n"}`)
	_, err := Call(t.Context(), socket, "ovs/route/add")
	var refused *Error
	if !errors.As(err, &refused) || refused.Error() != "ovs/route/add: no such bridge" {
		t.Errorf("got %v", err)
	}
}

func TestCallNobodyThere(t *testing.T) {
	if _, err := Call(t.Context(), filepath.Join(t.TempDir(), "none.ctl"), "version"); err == nil {
		t.Error("no error from a socket that does not exist")
	}
}
