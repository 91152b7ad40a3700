package faas_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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
		if built.dir, built.err = os.MkdirTemp("", "millrace-probe-"); built.err == nil {
			build := exec.Command("go", "build", "-o", built.dir+"/", "./probe")
			built.output, built.err = build.CombinedOutput()
		}
	})
	if built.err != nil {
		t.Fatalf("%v\n%s", built.err, built.output)
	}
	return built.dir + "/probe"
}

// deploy returns a function that runs the probe in a role.
func deploy(t testing.TB, runtime fc.Runtime, role string, change func(*fc.Function)) *fc.Function {
	t.Helper()
	f := &fc.Function{
		Name:    "probe",
		Binary:  probe(t),
		Env:     []string{"ROLE=" + role},
		Runtime: runtime,
	}
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

// said returns the lines that the probe has printed, and waits for at least n of them: the output
// arrives after the response.
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

type seen struct {
	Method, Path, Query, Host, Body, Key, Token string
	Header                                      http.Header
	Pid                                         int
	Bounded                                     bool
}

// get makes a request and returns status, header and what the probe has seen.
func get(t testing.TB, r *http.Request) (int, http.Header, seen, string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var s seen
	json.Unmarshal(text, &s)
	return answer.StatusCode, answer.Header, s, string(text)
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

// TestHTTP: one program serves HTTP requests in both runtimes in the same way.
func TestHTTP(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		var keys atomic.Int64
		f := deploy(t, runtime, "http", func(f *fc.Function) {
			f.Hooks, f.Freeze = true, true
			f.Credentials = func() fc.Credentials {
				n := keys.Add(1)
				return fc.Credentials{
					ID:     fmt.Sprint("STS.", n),
					Secret: "s",
					Token:  fmt.Sprint("token ", n),
				}
			}
		})
		url := front(t, f)
		r := request(t, "POST", url+"/a%20b?x=1&y=%26", "Action=Start&Input=日本")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Two", "a,b")
		status, header, s, text := get(t, r)
		if status != 202 || header.Get("X-Probe") != "1" || header.Get("X-Fc-Request-Id") == "" {
			t.Fatalf("%d %v %s", status, header, text)
		}
		if s.Method != "POST" || s.Path != "/a b" ||
			s.Query != "x=1&y=%26" && s.Query != "y=%26&x=1" || s.Body != "Action=Start&Input=日本" ||
			s.Host != strings.TrimPrefix(url, "http://") ||
			s.Header.Get("X-Two") != "a,b" || !s.Bounded {
			t.Errorf("%+v", s)
		}
		if s.Header.Get("X-Fc-Access-Key-Secret") != "" || s.Key == "" ||
			strings.TrimPrefix(s.Key, "STS.") != strings.TrimPrefix(s.Token, "token ") {
			t.Errorf("credentials %q %q, header %v", s.Key, s.Token, s.Header)
		}
		if _, _, again, _ := get(t, request(t, "GET", url, "")); again.Key == s.Key ||
			again.Pid != s.Pid {
			t.Errorf("credentials stay %s, process %d after %d", again.Key, again.Pid, s.Pid)
		}
		if status, _, _, text := get(t, request(t, "GET", url+"/binary", "")); status != 200 ||
			text != "\xff\x00\x01" {
			t.Errorf("binary: %d %q", status, text)
		}
		if status, _, _, text := get(t, request(t, "POST", url+"/", "\xff\x00")); status != 202 ||
			!strings.Contains(text, `\u0000`) {
			t.Errorf("binary body: %d %q", status, text)
		}
		if status, _, _, text := get(t, request(t, "GET", url+"/panic", "")); status != 500 ||
			strings.Contains(text, "on request") {
			t.Errorf("panic: %d %s", status, text)
		}
		// A client's own path does not make it the platform.
		if status, _, s, text := get(t, request(t, "POST", url+"/invoke",
			`{"triggerTime":"x","triggerName":"y"}`)); status != 202 || s.Path != "/invoke" {
			t.Errorf("/invoke of a client: %d %s", status, text)
		}
		forged := request(t, "POST", url+"/", "")
		forged.Header.Set("x-fc-control-path", "/invoke")
		if status, _, _, _ := get(t, forged); status != 400 {
			t.Errorf("a forged header: %d", status)
		}
		if status, _, _, text := get(t, request(t, "GET", url+"/exit", "")); status != 502 {
			t.Errorf("exit: %d %s", status, text)
		}
		if status, _, again, _ := get(t, request(t, "GET", url, "")); status != 202 ||
			again.Pid == s.Pid {
			t.Errorf("after the process has ended: %d, pid %d", status, again.Pid)
		}
		f.Close()
		for _, line := range []string{"FC Initialize Start RequestId: 1-",
			"FC Initialize End RequestId: 1-", "FC Invoke Start RequestId: 1-",
			"FC Invoke End RequestId: 1-",
			"FC PreStop Start RequestId: 1-", "FC PreStop End RequestId: 1-"} {
			if !strings.Contains(f.Output(), line) {
				t.Errorf("%q is not in the log", line)
			}
		}
	})
}

// TestNotHTTP: functions that serve no HTTP refuse every request.
func TestNotHTTP(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		f := deploy(t, runtime, "tick", nil)
		for _, body := range []string{"",
			`{"triggerTime":"2025-11-22T10:00:00Z","triggerName":"sweep","payload":""}`} {
			status, _, _, text := get(t, request(t, "POST", front(t, f)+"/invoke", body))
			if status != 404 && status != 502 {
				t.Errorf("%d %s", status, text)
			}
		}
		if got := said(f, 0); len(got) != 0 {
			t.Errorf("a client has made it %v", got)
		}
	})
}

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../../shared/events/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEvents: the recorded events have the expected effect in both runtimes.
func TestEvents(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		tick := deploy(t, runtime, "tick", nil)
		if body, err := tick.Invoke(recorded(t, "fc-timer")); err != nil {
			t.Errorf("%s %v", body, err)
		}
		var failed *fc.FunctionError
		if _, err := tick.Invoke(recorded(t, "fc-oss-trigger")); !errors.As(err, &failed) ||
			!strings.Contains(failed.Document, "unexpected event") ||
			!strings.Contains(failed.Document, `"errorType":"FunctionError"`) {
			t.Errorf("the wrong event: %v", err)
		}
		if got := fmt.Sprint(said(tick, 1)); got != "[tick]" {
			t.Error(got)
		}
		starts := deploy(t, runtime, "events", nil)
		for _, name := range []string{"fc-oss-trigger", "fc-oss-eventbridge", "fc-oss-mns",
			"fc-timer", "fc-mns-queue-streaming", "fc-mns-topic-json"} {
			if body, err := starts.Invoke(recorded(t, name)); err != nil {
				t.Errorf("%s: %s %v", name, body, err)
			}
		}
		oss, _ := json.Marshal(string(recorded(t, "fc-oss-mns")))
		event := `[{"specversion":"1.0","id":"1","type":"mns:Queue:SendMessage",` +
			`"subject":"acs:mns:r:1:queues/oss",` +
			`"data":{"messageId":"m","messageBody":` + string(oss) + `}}]`
		if _, err := starts.Invoke([]byte(event)); err != nil {
			t.Error(err)
		}
		lines := said(starts, 8)
		if len(lines) != 8 || lines[0] != lines[1] || lines[0] != lines[2] ||
			lines[0] != lines[7] ||
			!strings.HasPrefix(lines[0], "start acs:oss ObjectCreated:PutObject my-bucket oss-") ||
			!strings.HasPrefix(lines[3], "start acs:timer Timer sweep timer-") ||
			!strings.HasPrefix(lines[4], "start acs:mns Message wf-steps mns-") ||
			!strings.HasPrefix(lines[6], "start acs:mns Message wf-events mns-") {
			t.Errorf("%s", strings.Join(lines, "\n"))
		}
	})
}

// TestOpenFails: a function whose configuration is wrong reports that for each event, and works as
// soon as the configuration is valid.
func TestOpenFails(t *testing.T) {
	both(t, func(t *testing.T, runtime fc.Runtime) {
		f := deploy(t, runtime, "tick",
			func(f *fc.Function) { f.Env, f.Hooks = append(f.Env, "OPEN_FAILS=2"), true })
		var failed *fc.FunctionError
		if _, err := f.Invoke(recorded(t, "fc-timer")); !errors.As(err, &failed) ||
			!strings.Contains(failed.Document, "the probe does not open (2)") {
			t.Error(err)
		}
		if _, err := f.Invoke(recorded(t, "fc-timer")); err != nil {
			t.Error(err)
		}
	})
}
