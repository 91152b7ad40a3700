package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	"millrace/shared/task"
)

// twoAccounts serves two accounts, "greedy" and "quiet". It returns a client of each and the
// address of the metrics.
func twoAccounts(t *testing.T, c local.Config) (greedy, quiet *client.Client, metrics string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	text := "accounts:\n- {id: greedy, keys: [{id: g, secret: the-first-secret-of-tests}]}\n- " +
		"{id: quiet, keys: [{id: q, secret: another-secret-of-tests}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan string, 1), make(chan error, 1)
	c.Listen, c.Data, c.Credentials, c.Log = "127.0.0.1:0", t.TempDir(), file,
		slog.New(slog.DiscardHandler)
	c.Ready = func(a string) { address <- a }
	c.Settings.Metrics = freeAddress(t)
	go func() { ended <- local.Serve(ctx, c) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case host := <-address:
		connect := func(id, secret string) *client.Client {
			o := client.Options{Endpoint: "http://" + host, AccessKeyID: id, Secret: secret}
			c, err := client.New(o)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		return connect("g", "the-first-secret-of-tests"), connect("q", "another-secret-of-tests"),
			c.Settings.Metrics
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return nil, nil, ""
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// slowTasks holds every call until it is released.
type slowTasks struct {
	flying atomic.Int64
	gate   chan struct{}
}

func (s *slowTasks) Run(ctx context.Context, r task.Request) task.Result {
	s.flying.Add(1)
	defer s.flying.Add(-1)
	select {
	case <-s.gate:
	case <-ctx.Done():
	}
	return task.Result{Output: []byte(`{}`)}
}

func defineFlows(t *testing.T, clients ...*client.Client) {
	t.Helper()
	states := map[string]string{
		"wait": "[{Name: A, Type: Wait, Seconds: 200, End: true}]",
		"pass": "[{Name: A, Type: Pass, End: true}]",
		"call": "[{Name: A, Type: Task, Action: 'HTTP:Request', Parameters: {url: 'http://x', " +
			"method: GET}, End: true}]",
		"fast": "[{Name: A, Type: Wait, Seconds: 15, End: true}]",
	}
	for _, c := range clients {
		for name, list := range states {
			q := cloudflow.CreateFlowRequest{
				Name: name,
				Definition: "Type: StateMachine\nSpecVersion: v1\nName: " + name +
					"\nStartAt: A\nStates: " + list + "\n",
			}
			if name == "fast" {
				q.ExecutionMode = "Express"
			}
			if _, err := c.CreateFlow(context.Background(), q); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func start(t *testing.T, c *client.Client, flow, name string) {
	t.Helper()
	if _, err := c.StartExecution(context.Background(),
		cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name}); err != nil {
		t.Fatal(err)
	}
}

// flood sends count requests at once. It returns how many were rejected, and with which code. The
// others still wait when flood returns; they end with ctx.
func flood(
	t *testing.T, ctx context.Context, count int, send func(ctx context.Context) error,
) (rejected int, code string) {
	t.Helper()
	results := make(chan error, count)
	var all sync.WaitGroup
	for range count {
		all.Go(func() { results <- send(ctx) })
	}
	t.Cleanup(all.Wait)
	for {
		select {
		case err := <-results:
			var api *fault.Error
			if !errors.As(err, &api) {
				t.Fatalf("a waiting request ended with %v", err)
			}
			rejected, code = rejected+1, string(api.Code)
		case <-time.After(3 * time.Second):
			return rejected, code
		}
	}
}

// TestWaitingRequestsAreShared: the waiting requests of one account leave places for those of
// others. Rejections say why and are counted.
func TestWaitingRequestsAreShared(t *testing.T) {
	greedy, quiet, metrics := twoAccounts(
		t, local.Config{Settings: config.Settings{Shares: config.Shares{
			Requests: 60,
			Polls:    20,
			Express:  10,
		}}})
	defineFlows(t, greedy, quiet)
	start(t, greedy, "wait", "one")
	start(t, quiet, "wait", "one")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	wait := int64(50)
	poll := func(c *client.Client) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.DescribeExecution(ctx,
				cloudflow.DescribeExecutionRequest{
					FlowName:        "wait",
					ExecutionName:   "one",
					WaitTimeSeconds: &wait,
				})
			return err
		}
	}
	express := func(c *client.Client) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.StartSyncExecution(ctx, cloudflow.StartExecutionRequest{FlowName: "fast"})
			return err
		}
	}
	for _, step := range []struct {
		what     string
		count    int
		send     func(context.Context) error
		rejected int
	}{
		{"polls of the greedy account", 25, poll(greedy), 15}, // it may hold 10 of 20
		{"polls of the quiet one", 5, poll(quiet), 0},         // it may hold 5 of the remaining 10
		{"Express of the greedy account", 9, express(greedy), 4},
		{"Express of the quiet one", 2, express(quiet), 0},
	} {
		rejected, code := flood(t, ctx, step.count, step.send)
		if rejected != step.rejected || rejected > 0 && code != "ResourceThrottled" {
			t.Errorf("%s: %d of %d refused with %q, want %d", step.what, rejected, step.count, code,
				step.rejected)
		}
	}
	response, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(response.Body)
	response.Body.Close()
	for _, line := range []string{
		`millrace_share_capacity{resource="long polls"} 20`,
		`millrace_share_held{account="greedy",resource="long polls"} 10`,
		`millrace_share_refused_total{account="greedy",resource="long polls"} 15`,
		`millrace_share_held{account="quiet",resource="Express executions"} 2`,
	} {
		if !strings.Contains(string(text), line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

// TestCallsAreShared: slow calls of one account beyond its share wait, and the call of another
// account is made at once.
func TestCallsAreShared(t *testing.T) {
	tasks := &slowTasks{gate: make(chan struct{})}
	greedy, quiet, _ := twoAccounts(t, local.Config{
		Tasks:    tasks,
		Settings: config.Settings{Shares: config.Shares{Calls: 8}},
	})
	defineFlows(t, greedy, quiet)
	until := func(what string, flying int64) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); tasks.flying.Load() != flying; time.Sleep(
			5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %d calls are in flight, want %d", what, tasks.flying.Load(), flying)
			}
		}
	}
	for i := range 30 {
		start(t, greedy, "call", fmt.Sprint("x", i))
	}
	until("the greedy account", 4)
	start(t, quiet, "call", "one")
	until("the quiet one beside it", 5)
	close(tasks.gate)
	wait := int64(30)
	for i := range 30 {
		x, err := greedy.DescribeExecution(context.Background(),
			cloudflow.DescribeExecutionRequest{
				FlowName:        "call",
				ExecutionName:   fmt.Sprint("x", i),
				WaitTimeSeconds: &wait,
			})
		if err != nil || x.Status != "Succeeded" {
			t.Fatalf("%v %v", x, err)
		}
	}
}
