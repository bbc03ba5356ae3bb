package antctl

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"antctl": func() {
			if err := NewCommand().Execute(); err != nil {
				fmt.Fprintln(os.Stderr, "antctl:", err)
				os.Exit(ExitCode(err))
			}
		},
	})
}

// TestScripts runs testdata/*.txtar. Each has an API server that answers GET /x/y with the file api/x/y.json; where the file is
// api/x/y.CODE.json, with that code. Requests are written to the file requests.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(apiServer{env.WorkDir})
			env.Defer(server.Close)
			env.Setenv("KUBECONFIG", filepath.Join(env.WorkDir, "kubeconfig"))
			env.Setenv("HOME", env.WorkDir)
			config := "{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: '%s'}}], " +
				"contexts: [{name: c, context: {cluster: c}}, {name: gone, context: {cluster: gone}}, {name: west, context: {cluster: c}}]}"
			return os.WriteFile(filepath.Join(env.WorkDir, "kubeconfig"), fmt.Appendf(nil, config, server.URL), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exit CODE COMMAND…: the command ends with that code.
			"exit": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec(args[1], args[2:]...)
				if err == nil || err.Error() != "exit status "+args[0] {
					ts.Fatalf("ended with %v, want exit status %s", err, args[0])
				}
			},
		},
	})
}

type apiServer struct{ dir string }

func (s apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	log, err := os.OpenFile(filepath.Join(s.dir, "requests"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		fmt.Fprintf(log, "%s %s\n", r.Method, r.URL)
		log.Close()
	}
	w.Header().Set("Content-Type", "application/json")
	base := filepath.Join(s.dir, "api", filepath.FromSlash(r.URL.Path))
	if text, err := os.ReadFile(base + ".json"); err == nil {
		w.Write(text)
		return
	}
	if names, _ := filepath.Glob(base + ".*.json"); len(names) == 1 {
		text, _ := os.ReadFile(names[0])
		var code int
		fmt.Sscanf(strings.TrimPrefix(names[0], base), ".%d.json", &code)
		w.WriteHeader(code)
		w.Write(text)
		return
	}
	// What an API server says about a group that it does not have.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintln(w, "404 page not found")
}
