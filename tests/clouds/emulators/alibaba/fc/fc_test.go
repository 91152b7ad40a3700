package fc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/fc"
)

var built struct {
	once   sync.Once
	dir    string
	err    error
	output []byte
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// probe compiles the probe, once.
func probe(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "fc-probe-"); built.err == nil {
			build := exec.Command("go", "build", "-o", built.dir+"/", "./probe")
			built.output, built.err = build.CombinedOutput()
		}
	})
	if built.err != nil {
		t.Fatalf("%v\n%s", built.err, built.output)
	}
	return built.dir + "/probe"
}

// deploy returns a function that runs the probe.
func deploy(t testing.TB, runtime fc.Runtime, change func(*fc.Function)) *fc.Function {
	t.Helper()
	f := &fc.Function{Name: "probe", Binary: probe(t), Runtime: runtime}
	if change != nil {
		change(f)
	}
	t.Cleanup(func() {
		f.Close()
		if t.Failed() {
			t.Logf("output of the function:\n%s", f.Output())
		}
	})
	return f
}

// both runs a test in both runtimes.
func both(t *testing.T, test func(t *testing.T, r fc.Runtime)) {
	for _, r := range []fc.Runtime{fc.BuiltIn, fc.Custom} {
		t.Run(r.String(), func(t *testing.T) { t.Parallel(); test(t, r) })
	}
}

// said returns what the probe has printed, and waits for at least n lines: the output arrives after
// the response.
func said(f *fc.Function, n int) (lines []string) {
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		lines = nil
		for line := range strings.SplitSeq(f.Output(), "\n") {
			if text, ok := strings.CutPrefix(line, "PROBE "); ok {
				lines = append(lines, text)
			}
		}
		if len(lines) >= n || time.Now().After(end) {
			return lines
		}
	}
}

// seen is the probe's response to an HTTP request.
type seen struct {
	Path, Body, Key string
	Pid             int
}

// get makes a request and returns the status and what the probe has seen.
func get(t testing.TB, r *http.Request) (int, seen, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var s seen
	json.Unmarshal(text, &s)
	return response.StatusCode, s, string(text)
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func front(t testing.TB, f *fc.Function) string {
	t.Helper()
	server := httptest.NewServer(fc.Trigger{Function: f})
	t.Cleanup(server.Close)
	return server.URL
}

// TestHTTP: requests and responses pass in both runtimes, with credentials that rotate. A client
// cannot write as the platform, and reaches a new process after one has ended.
func TestHTTP(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		var keys atomic.Int64
		f := deploy(t, runtime, func(f *fc.Function) {
			f.Hooks, f.Freeze = true, true
			f.Credentials = func() fc.Credentials {
				return fc.Credentials{ID: fmt.Sprint("STS.", keys.Add(1)), Secret: "s", Token: "t"}
			}
		})
		url := front(t, f)
		status, s, text := get(t, request(t, "POST", url+"/a%20b", "日本"))
		if status != 202 || s.Path != "/a b" && s.Path != "/a%20b" || s.Body != "日本" ||
			!strings.HasPrefix(s.Key, "STS.") {
			t.Fatalf("%d %s", status, text)
		}
		if _, again, _ := get(t, request(t, "GET", url+"/", "")); again.Key == s.Key ||
			again.Pid != s.Pid {
			t.Errorf("key %q, process %d after %d", again.Key, again.Pid, s.Pid)
		}
		forged := request(t, "POST", url+"/", "")
		forged.Header.Set("x-fc-control-path", "/invoke")
		if status, _, _ := get(t, forged); status != 400 {
			t.Errorf("a forged header: %d", status)
		}
		if _, err := f.Invoke([]byte(`"exit"`)); !errors.Is(err, fc.ErrDied) {
			t.Errorf("exit: %v", err)
		}
		if status, again, _ := get(t, request(t, "GET", url+"/", "")); status != 202 ||
			again.Pid == s.Pid {
			t.Errorf("after the process has ended: %d, pid %d", status, again.Pid)
		}
		f.Close()
		want := []string{"initialize", `"exit"`, "initialize", "pre-stop"}
		if got := said(f, len(want)); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// TestInvoke: an event's response, the function's own error, and asynchronous invocations, which
// are repeated and have ids.
func TestInvoke(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		f := deploy(t, runtime, func(f *fc.Function) { f.Retries = 3 })
		if _, err := f.Invoke([]byte(`{"a":1}`)); err != nil {
			t.Error(err)
		}
		var failed *fc.FunctionError
		if _, err := f.Invoke([]byte(`"always"`)); !errors.As(err, &failed) ||
			!strings.Contains(failed.Document, "the event asks for it") {
			t.Error(err)
		}
		ended := make(chan error, 1)
		if !f.Async([]byte(`"twice"`), "task", func(_ []byte, err error) { ended <- err }) ||
			f.Async([]byte(`"twice"`), "task", nil) {
			t.Error("the task's id is not kept")
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		want := []string{`{"a":1}`, `"always"`, `"twice"`, `"twice"`, `"twice"`}
		if got := said(f, len(want)); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// TestInstances: instances start and end, and each has at most as many invocations as the function
// allows.
func TestInstances(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		f := deploy(t, runtime,
			func(f *fc.Function) { f.Instances, f.Concurrency, f.Freeze = 3, 2, true })
		url := front(t, f)
		var pids sync.Map
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				status, s, text := get(t, request(t, "GET", url+"/?for=1s", ""))
				if status != 202 {
					t.Errorf("%d %s", status, text)
				}
				pids.Store(s.Pid, true)
			})
		}
		all.Wait()
		n := 0
		pids.Range(func(any, any) bool { n++; return true })
		if n != 3 || f.ColdStarts() != 3 {
			t.Errorf("%d processes, %d cold starts", n, f.ColdStarts())
		}
		if f.Kill() != 0 {
			t.Error("busy at rest")
		}
		if status, _, text := get(t, request(t, "GET", url+"/", "")); status != 202 ||
			f.ColdStarts() != 4 {
			t.Errorf("after kill: %d %s", status, text)
		}
	})
}

func TestTimeout(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		f := deploy(t, runtime, func(f *fc.Function) { f.Timeout = time.Second })
		url := front(t, f)
		status, _, text := get(t, request(t, "GET", url+"/?for=1m", ""))
		if status != 502 || !strings.Contains(text, "timed out") {
			t.Errorf("%d %s", status, text)
		}
		f.Timeout = time.Minute // for a new instance, which may be slow
		if status, _, text := get(t, request(t, "GET", url+"/", "")); status != 202 {
			t.Errorf("%d %s", status, text)
		}
	})
}
