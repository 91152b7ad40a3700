package functiontask_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/httpclient"
	"millrace/shared/task/functiontask"
)

// probe posts a result to a runtime API under an id that no invocation has, and returns the status
// of the response; "" if there is none.
func probe(address, host string, header http.Header) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	url := "http://" + address + "/2018-06-01/runtime/invocation/none/response"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		panic(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Host = host
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.Status
}

// pages sends the requests that a web page could send, from the function's own process.
func pages() map[string]string {
	api := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	_, port, _ := strings.Cut(api, ":")
	got := map[string]string{}
	for _, host := range []string{"evil.example", "localhost:" + port, "rebound.example:" + port} {
		got["host "+host] = probe(api, host, nil)
	}
	for name, value := range map[string]string{
		"Origin": "http://evil.example", "Referer": "http://evil.example/",
		"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "empty",
	} {
		got[name] = probe(api, "", http.Header{name: {value}})
	}
	return got
}

// second makes two concurrent requests for an event, and returns the status of the one that did not
// wait.
func second() int {
	ctx, cancel := context.WithCancel(context.Background())
	var requests sync.WaitGroup
	defer requests.Wait() // a client that is still giving up may read the next event, and drop it
	defer cancel()
	statuses := make(chan int, 2)
	for range 2 {
		requests.Go(func() {
			url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") +
				"/2018-06-01/runtime/invocation/next"
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				return
			}
			resp.Body.Close()
			statuses <- resp.StatusCode
		})
	}
	select {
	case status := <-statuses:
		return status
	case <-time.After(20 * time.Second):
		return 0
	}
}

// TestPagesAreRefused: a runtime API rejects every request that a browser can send.
func TestPagesAreRefused(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	got := mustRun(t, r, request(`{"do":"pages"}`)).Body
	if len(got) != 7 {
		t.Fatalf("%v", got)
	}
	for what, status := range got {
		if status != "403 Forbidden" {
			t.Errorf("%s: %s", what, status)
		}
	}
}

// TestOneRequestForAnEvent: a process may request one event at a time. A second request is rejected
// and logged, and the function continues.
func TestOneRequestForAnEvent(t *testing.T) {
	out := newLogOutput()
	r := newRunner(t, functiontask.Options{
		Functions: []functiontask.Function{child("lambda")}, Log: out.log,
	})
	q := request(`{"do":"second"}`)
	if got := r.Run(context.Background(), q); got.Error != nil ||
		!strings.Contains(string(got.Output), `"Body":403`) {
		t.Errorf("%s, %v", got.Output, got.Error)
	}
	out.wait(t, "rejected a second request")
	mustRun(t, r, request(`{}`))
}

// TestRandomAddress: on systems on which all of 127.0.0.0/8 is local, each process's runtime API
// has its own address there.
func TestRandomAddress(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems have 127.0.0.1 alone")
	}
	seen := map[netip.Addr]bool{}
	for range 2 {
		r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
		at := netip.MustParseAddrPort(runtimeAPI(t, r)).Addr()
		if !at.IsLoopback() || at == netip.MustParseAddr("127.0.0.1") || seen[at] {
			t.Errorf("listens at %s", at)
		}
		seen[at] = true
	}
}

// runtimeAPI starts the function's process and returns the address of its runtime API.
func runtimeAPI(t *testing.T, r *functiontask.Runner) string {
	t.Helper()
	got := r.Run(context.Background(), request(`{"do":"address"}`))
	var e struct{ Body string }
	if err := json.Unmarshal(got.Output, &e); got.Error != nil || err != nil || e.Body == "" {
		t.Fatalf("%s, %v, %v", got.Output, got.Error, err)
	}
	return e.Body
}

// TestFlowsDoNotReachTheRuntimeAPI: neither a client that may call this machine nor a client for
// functions with an address reaches it.
func TestFlowsDoNotReachTheRuntimeAPI(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	address := runtimeAPI(t, r)
	client, err := httpclient.New(httpclient.Options{AllowLoopback: true, AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*http.Client{
		"of flows": client, "of functions": httpclient.OrInternal(nil),
	} {
		resp, err := c.Post("http://"+address+"/2018-06-01/runtime/invocation/none/response", "",
			strings.NewReader("{}"))
		var blocked *httpclient.BlockedError
		if !errors.As(err, &blocked) {
			t.Errorf("the client %s: %v, %v", name, resp, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}

// TestCommandsHaveATimeout: a program that never responds does not block its task for ever, even if
// nothing sets a timeout.
func TestCommandsHaveATimeout(t *testing.T) {
	r := newRunner(t, functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	if left, _ := mustRun(t, r, request(`{}`)).Body["seconds"].(float64); left <= 0 || left > 3600 {
		t.Errorf("a call may take %v seconds", left)
	}
	f := child("lambda")
	f.Timeout = 20 * time.Hour
	r = newRunner(t, functiontask.Options{Functions: []functiontask.Function{f}})
	if left, _ := mustRun(t, r, request(`{}`)).Body["seconds"].(float64); left <= 3600 {
		t.Errorf("a call of 20 hours may take %v seconds", left)
	}
}

// orphan starts a probe in the same process group. The probe begins when its parent has ended.
func orphan() {
	if os.Getenv("FORKED") == "" {
		again := exec.Command(os.Args[0])
		again.Env = append(os.Environ(), "FORKED=1")
		again.Stdout = os.Stdout
		again.Start()
		return
	}
	parent := os.Getppid()
	for n := 0; n < 5000 && parent == os.Getppid() && parent != 1; n++ {
		time.Sleep(time.Millisecond)
	}
	os.Stdout.WriteString(probe(os.Getenv("ADDRESS"), "", nil))
}
