package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/shared/task"
)

// TestExpressWhileTheServerStops: a stopping server lets an Express execution end, because no other
// process could resume it.
func TestExpressWhileTheServerStops(t *testing.T) {
	begun := make(chan struct{})
	tasks := task.RunnerFunc(func(context.Context, task.Request) task.Result {
		close(begun)
		time.Sleep(200 * time.Millisecond)
		return task.Result{Output: json.RawMessage(`{"ok":true}`)}
	})
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan string, 1), make(chan error, 1)
	var waiting local.Waiting
	go func() {
		ended <- local.Serve(ctx, local.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Tasks: tasks,
			Log: slog.New(slog.DiscardHandler), Ready: func(a string) { address <- a },
			Stopping: func(w local.Waiting) { waiting = w }})
	}()
	api, err := client.New(client.Options{Endpoint: "http://" + <-address})
	if err != nil {
		t.Fatal(err)
	}
	definition := "Type: StateMachine\nSpecVersion: v1\nName: quick\nStartAt: A\nStates:\n- " +
		"{Name: A, Type: Task, Action: 'Foo:Bar', End: true}\n"
	if _, err := api.CreateFlow(ctx, cloudflow.CreateFlowRequest{
		Name:          "quick",
		Definition:    definition,
		ExecutionMode: "Express",
	}); err != nil {
		t.Fatal(err)
	}
	go func() {
		<-begun
		stop()
	}()
	x, err := api.StartSyncExecution(context.Background(),
		cloudflow.StartExecutionRequest{FlowName: "quick"})
	if err != nil || x.Status != "Succeeded" {
		t.Errorf("%+v %v", x, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if waiting.Requests != 1 || waiting.Longest == 0 {
		t.Errorf("the server waits for %+v", waiting)
	}
}

// replayer keeps the last request of a client, to send it again.
type replayer struct {
	last *http.Request
	body []byte
}

func (k *replayer) RoundTrip(r *http.Request) (*http.Response, error) {
	k.last, k.body = r.Clone(context.Background()), nil
	if r.Body != nil {
		k.body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(k.body))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// replay sends the last request to another address. A V1 signature does not cover the host.
func (k *replayer) replay(t *testing.T, address string) string {
	t.Helper()
	r := k.last.Clone(context.Background())
	r.URL.Host, r.Host, r.RequestURI = address, address, ""
	r.Body = io.NopCloser(bytes.NewReader(k.body))
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

// TestReplayAfterRestart: the server rejects the replay of a signed request that undoes something,
// even after a restart.
func TestReplayAfterRestart(t *testing.T) {
	ctx, data := context.Background(), t.TempDir()
	keys := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(keys, []byte("accounts:\n- id: \"1\"\n  keys:\n  - {id: key, secret: "+
		"secret}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &replayer{}
	run := func(use func(address string, c *client.Client)) {
		a, err := local.Open(ctx, local.Config{
			Data:        data,
			Credentials: keys,
			Log:         slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(a.Handler())
		c, err := client.New(client.Options{
			Endpoint:    server.URL,
			AccessKeyID: "key",
			Secret:      "secret",
			HTTPClient:  &http.Client{Transport: k},
		})
		if err != nil {
			t.Fatal(err)
		}
		use(server.Listener.Addr().String(), c)
		server.Close()
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	flow := cloudflow.CreateFlowRequest{
		Name: "f",
		Definition: "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n- {Name: " +
			"A, Type: Pass, End: true}\n",
	}
	run(func(_ string, c *client.Client) {
		if _, err := c.CreateFlow(ctx, flow); err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteFlow(ctx, "f"); err != nil {
			t.Fatal(err)
		}
	})
	run(func(address string, c *client.Client) {
		other, err := client.New(client.Options{
			Endpoint:    "http://" + address,
			AccessKeyID: "key",
			Secret:      "secret",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.CreateFlow(ctx, flow); err != nil {
			t.Fatal(err)
		}
		if got := k.replay(t, address); !strings.Contains(got, "SignatureNonceUsed") {
			t.Errorf("a replayed DeleteFlow: %s", got)
		}
		if _, err := other.DescribeFlow(ctx, "f"); err != nil {
			t.Error(err)
		}
	})
}
