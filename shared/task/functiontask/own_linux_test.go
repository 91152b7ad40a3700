package functiontask_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/shared/task/functiontask"
)

// relatives starts processes from a function, and returns the status that each got from the runtime
// API.
func relatives() map[string]string {
	got := map[string]string{}
	for name, session := range map[string]bool{"child": false, "child in another session": true} {
		got[name] = run("probe", &syscall.SysProcAttr{Setsid: session})
	}
	got["orphan"] = run("orphan", nil)
	return got
}

func run(role string, attributes *syscall.SysProcAttr) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CHILD="+role, "ADDRESS="+os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	cmd.SysProcAttr = attributes
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return err.Error()
	}
	return out.String()
}

// descriptors returns the descriptors of the process and their targets.
func descriptors() []string {
	var all []string
	names, _ := filepath.Glob("/proc/self/fd/*")
	for _, name := range names {
		if to, err := os.Readlink(name); err == nil {
			all = append(all, filepath.Base(name)+" "+to)
		}
	}
	return all
}

// TestStrangersAreRefused: a function's runtime API serves neither other users, nor other processes
// of the same user, nor the server's own calls. They get no response, not even a status.
func TestStrangersAreRefused(t *testing.T) {
	out := newLogOutput()
	r := newRunner(t, functiontask.Options{
		Functions: []functiontask.Function{child("lambda")}, Log: out.log,
	})
	address := runtimeAPI(t, r)
	t.Setenv("AWS_LAMBDA_RUNTIME_API", address)
	program := copyOfThis(t)
	for name, attributes := range map[string]*syscall.SysProcAttr{
		"same user": nil, "same user in another group": {Setpgid: true},
		"same user in another session": {Setsid: true},
		"another user":                 {Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
	} {
		if attributes != nil && attributes.Credential != nil && os.Geteuid() != 0 {
			continue // only root can run a program as another user
		}
		cmd := exec.Command(program)
		cmd.Env = []string{"CHILD=probe", "ADDRESS=" + address}
		cmd.Dir, cmd.SysProcAttr = "/", attributes
		got, err := cmd.Output()
		if err != nil || len(got) > 0 {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if status := probe(address, "", nil); status != "" {
		t.Errorf("the server's own process: %s", status)
	}
	out.wait(t, "rejected a connection to the runtime API: ")
}

// TestStrangersGetNoEvents has another process request events while a function works. It gets none.
func TestStrangersGetNoEvents(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	address := runtimeAPI(t, r)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stolen := make(chan string, 1)
	go func() {
		for ctx.Err() == nil {
			url := "http://" + address + "/2018-06-01/runtime/invocation/next"
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			if resp, err := http.DefaultClient.Do(request); err == nil {
				resp.Body.Close()
				stolen <- resp.Status
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	calls, end := context.WithTimeout(ctx, 30*time.Second)
	defer end()
	for range 20 {
		if got := r.Run(calls, request(`{"card":"4111"}`)); got.Error != nil {
			t.Error(got.Error)
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case status := <-stolen:
		t.Errorf("another process got an event: %s", status)
	default:
	}
}

// TestRelativesAreServed: programs that a function starts, such as one started by a shell, belong
// to it.
func TestRelativesAreServed(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	got := mustRun(t, r, request(`{"do":"relatives"}`)).Body
	if len(got) != 3 {
		t.Fatalf("%v", got)
	}
	for who, status := range got {
		if status != "400 Bad Request" { // served: no invocation has this id
			t.Errorf("%s: %q", who, status)
		}
	}
}

// TestShellIsServed: the runtime is a child of the command.
func TestShellIsServed(t *testing.T) {
	for _, script := range []string{
		"'" + os.Args[0] + "'; true", "'" + os.Args[0] + "' & wait",
		"setsid '" + os.Args[0] + "'; true",
	} {
		f := child("lambda")
		f.Command = []string{"/bin/sh", "-c", script}
		mustRun(t, newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}}),
			request(`{}`))
	}
}

// TestMappedSocketsAreServed: some runtimes connect to IPv4 addresses from IPv6 sockets.
func TestMappedSocketsAreServed(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	f := child("x")
	f.Command = []string{python, "-c", `
import http.client, os, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
while True:
    c = http.client.HTTPConnection(host, int(port))
    c.sock = socket.socket(socket.AF_INET6); c.sock.connect(("::ffff:" + host, int(port)))
    c.request("GET", "/2018-06-01/runtime/invocation/next"); r = c.getresponse(); event = r.read()
    c = http.client.HTTPConnection(host, int(port))
    c.request("POST", "/2018-06-01/runtime/invocation/" + r.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", event)
    c.getresponse().read()
`}
	if got := mustRun(t, newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}}),
		request(`{"a":1}`)); got.Body["a"] != 1.0 {
		t.Errorf("%v", got)
	}
}

// copyOfThis copies this program to a path from which every user may start it.
func copyOfThis(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "fctask")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "program")
	if err := os.WriteFile(path, text, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{dir, path} {
		if err := os.Chmod(p, 0o755); err != nil { // independent of the umask
			t.Fatal(err)
		}
	}
	return path
}

// list calls the function and returns the list in its result.
func list(t *testing.T, r *functiontask.Runner, do string) []string {
	t.Helper()
	got := r.Run(context.Background(), request(`{"do":"`+do+`"}`))
	var e struct{ Body []any }
	if err := json.Unmarshal(got.Output, &e); got.Error != nil || err != nil {
		t.Fatalf("%s, %v, %v", got.Output, got.Error, err)
	}
	var all []string
	for _, v := range e.Body {
		all = append(all, fmt.Sprint(v))
	}
	return all
}

// TestCommandsGetNoSecrets: a command sees none of its server's variables and descriptors, except
// the base variables and those that its entry names.
func TestCommandsGetNoSecrets(t *testing.T) {
	for _, name := range []string{
		"AWS_SECRET_ACCESS_KEY", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "SERVERSECRET", "path",
		"LD_PRELOAD_X", "PATHX",
		"HTTP_PROXY_X", "AWS_LAMBDA_MAX_CONCURRENCY", "FC_ACCOUNT_ID", "LANGX",
	} {
		t.Setenv(name, "planted")
	}
	for _, name := range []string{"LANG", "LC_ALL", "TZ", "TMPDIR", "WANTED"} {
		t.Setenv(name, "/of-the-server")
	}
	f := child("lambda")
	f.Inherit = []string{"WANTED", "NOT_THERE"}
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
	all := strings.Join(list(t, r, "environment"), "\n") + "\n"
	if strings.Contains(all, "planted") || strings.Contains(all, "NOT_THERE") {
		t.Errorf("the command has\n%s", all)
	}
	for _, want := range []string{
		"PATH=" + os.Getenv("PATH"), "LANG=/of-the-server", "LC_ALL=/of-the-server",
		"TZ=/of-the-server",
		"TMPDIR=/of-the-server", "WANTED=/of-the-server", "CHILD=lambda", "FC_FUNCTION_NAME=f",
	} {
		if !strings.Contains(all, want+"\n") {
			t.Errorf("the command has no %s:\n%s", want, all)
		}
	}
}

// TestAccountOfAProcess: a process has FC_ACCOUNT_ID only if it serves a single account.
func TestAccountOfAProcess(t *testing.T) {
	for _, c := range []struct{ match, only, want string }{
		{"*", "", ""}, {"f", "", ""}, {"acs:fc:*:*:functions/f/*", "", ""},
		{"acs:fc:*:?:functions/f/*", "", ""},
		{"acs:fc:*:1:functions/f/*", "", "FC_ACCOUNT_ID=1"}, {"*", "1", "FC_ACCOUNT_ID=1"},
	} {
		f := child("lambda")
		f.Match = c.match
		r := newRunner(t, functiontask.Options{
			Functions: []functiontask.Function{f}, Account: c.only,
		})
		got := ""
		for _, v := range list(t, r, "environment") {
			if strings.HasPrefix(v, "FC_ACCOUNT_ID=") {
				got = v
			}
		}
		if got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.match, c.only, got, c.want)
		}
	}
}

// TestDescriptorsStayWithTheServer: a function does not get the files with which its server was
// started, except the standard streams.
func TestDescriptorsStayWithTheServer(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(secret)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), "CHILD=descriptors")
	server.ExtraFiles = []*os.File{file}
	got, err := server.Output()
	if err != nil || !strings.Contains(string(got), "pipe:") {
		t.Fatalf("%s, %v", got, err)
	}
	if strings.Contains(string(got), secret) {
		t.Errorf("the function has %s", got)
	}
}

// TestAnotherUser: a command with `user` runs as that user, with its groups and home directory, and
// is served.
func TestAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can start programs as another user")
	}
	program := copyOfThis(t)
	for user, want := range map[string]string{
		"nobody": "[65534 65534", "65534:1": "[65534 1 <nil>]", "4711:4712": "[4711 4712 <nil>]",
	} {
		f := child("lambda")
		f.Command, f.Dir, f.User = []string{program}, "/", user
		r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
		if got := fmt.Sprint(list(t, r, "identity")); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", user, got, want)
		}
		if all := strings.Join(list(t, r, "environment"), "\n"); strings.Contains(all,
			"HOME="+os.Getenv("HOME")+"\n") {
			t.Errorf("%s has the server's home:\n%s", user, all)
		}
	}
	f := child("lambda")
	f.User, f.Dir = "nobody", t.TempDir()
	f.Command = []string{filepath.Join(f.Dir, "none")}
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
	wantError(t, r, request(`{}`), "FC.Unknown", "as user nobody")
	for text, want := range map[string]string{
		"no-such-user": "this machine has no user of that name",
		"4711":         "no user with that id; write uid:gid",
		"nobody:x":     `"x" is no group id`, "": "user must be the name",
	} {
		_, err := functiontask.Parse("functions", []byte("functions:\n- match: x\n  command: [x]\n  user: '"+
			text+"'\n"))
		if err == nil || !strings.Contains(err.Error(), "functions:4:9: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
