//go:build linux

package security_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

// wide returns a flow that calls an address for each item, all at once, and drops the responses.
func wide(name, url string) string {
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name + "\nStartAt: A\nStates:\n" +
		"- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  MaxConcurrency: 100\n  Processor:\n" +
		"    StartAt: B\n    States:\n" +
		"    - {Name: B, Type: Task, Action: 'HTTP:Request', Parameters: {method: GET, url: '" +
		url + "'}, OutputConstructor: {n: 1}, End: true}\n" +
		"  OutputConstructor: {n: 1}\n  End: true\n"
}

// items returns an input of n items.
func items(n int) string { return `{"items":[` + strings.Repeat("1,", n-1) + "1]}" }

// ended waits for executions to end and counts their statuses.
func ended(t *testing.T, s *live.Server, c *client.Client, flow string,
	names []string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, name := range names {
		for until := time.Now().Add(5 * time.Minute); ; {
			if !s.Alive() {
				t.Fatalf("the server has ended; so far %v", count)
			}
			x, err := c.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{
				FlowName: flow, ExecutionName: name})
			if err == nil && x.Status != "Running" && x.Status != "Starting" {
				count[x.Status]++
				break
			}
			if time.Now().After(until) {
				t.Fatalf("%s of %s does not end: %v", name, flow, err)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return count
}

// starts starts n executions.
func starts(t *testing.T, c *client.Client, flow, input string, n int) (names []string) {
	t.Helper()
	for i := range n {
		name := fmt.Sprintf("x%d-%d", time.Now().UnixNano(), i)
		if _, err := c.StartExecution(context.Background(), cloudflow.StartExecutionRequest{
			FlowName: flow, ExecutionName: name, Input: input}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// TestAnswers checks that responses that are too long, or that decode to much more than their
// length, do not crash the server. One execution of 40 calls once crashed a server with 4 GiB, at
// each start again.
func TestAnswers(t *testing.T) {
	calls, crowd := 40, 10
	if seconds(t) <= 2*time.Second { // each takes a second of a processor
		calls, crowd = 20, 1
	}
	long, many := objects(8<<20), objects(1_000_000)
	numbers := "[" + strings.Repeat("0,", 499_999) + "0]"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.(http.Flusher).Flush() // so that no length is sent
		io.WriteString(w, map[string]string{"/long": long, "/many": many,
			"/numbers": numbers}[r.URL.Path])
	}))
	t.Cleanup(service.Close)
	s := startLimited(t, live.Options{Settings: "{AllowLoopback: true}"}, fourGigabytes)
	owner := s.ClientAs(key("owner", "s1"))
	stranger := s.ClientAs(key("stranger", "s8"))
	for _, c := range []struct{ path, want string }{{"long", "Failed"}, {"many", "Failed"},
		{"numbers", "Succeeded"}} {
		create(t, stranger, c.path, wide(c.path, service.URL+"/"+c.path))
		names := starts(t, stranger, c.path, items(calls), 1)
		if got := ended(t, s, stranger, c.path, names); got[c.want] != 1 {
			t.Errorf("%s: %v, want %s", c.path, got, c.want)
		} else {
			t.Logf("%d calls, %s: %v, peak %d MB", calls, c.path, got, s.Usage().Peak/megabyte)
		}
	}
	for until, round := time.Now().Add(seconds(t)), 0; round == 0 ||
		time.Now().Before(until); round++ {
		flows := map[string][]string{}
		for _, path := range []string{"long", "many", "numbers"} {
			flows[path] = starts(t, stranger, path, items(calls), crowd)
		}
		mine := starts(t, owner, "pass", "{}", 20)
		if got := ended(t, s, owner, "pass", mine); got["Succeeded"] != len(mine) {
			t.Errorf("of another account: %v", got)
		}
		for path, names := range flows {
			got := ended(t, s, stranger, path, names)
			if round == 0 {
				t.Logf("%d x %d calls at once, %s: %v", crowd, calls, path, got)
			}
		}
	}
	checkAlive(t, s, 1500)
	s.Shutdown()
}

// TestDescriptors checks that calls to an address that never answers take all file descriptors that
// calls may have, and no more, and that another account's calls go on.
func TestDescriptors(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	var taken atomic.Int64
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			go func() {
				io.Copy(io.Discard, c)
				c.Close()
			}()
		}
	}()
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "{}")
	}))
	t.Cleanup(service.Close)
	s := startLimited(t, live.Options{Settings: "{AllowLoopback: true, MemtableMegabytes: 1}"},
		"--nofile=600:600")
	owner, stranger := s.ClientAs(key("owner", "s1")), s.ClientAs(key("stranger", "s8"))
	create(t, stranger, "hangs", wide("hangs", "http://"+silent.Addr().String()))
	create(t, owner, "calls", wide("calls", service.URL))
	starts(t, stranger, "hangs", items(100), 7)
	until := time.Now().Add(time.Minute)
	for before := int64(-1); before < taken.Load() &&
		time.Now().Before(until); time.Sleep(500 * time.Millisecond) {
		before = taken.Load()
	}
	t.Logf("%d calls hang, %+v", taken.Load(), s.Usage())
	for until, round := time.Now().Add(seconds(t)), 0; round == 0 ||
		time.Now().Before(until); round++ {
		mine := starts(t, owner, "calls", items(5), 10)
		if got := ended(t, s, owner, "calls", mine); got["Succeeded"] != len(mine) {
			t.Errorf("calls of another account: %v", got)
			break
		}
	}
	visits(s, "beside", 0).check(t, "beside 700 hanging calls")
	checkAlive(t, s, 600)
	s.Kill() // a shutdown would wait for the calls
}
