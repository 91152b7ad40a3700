package local

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/inflight"
	"millrace/shared/rpc/client"
	"millrace/shared/share"
)

// used returns how much all accounts hold of the response pools.
func used(of *inflight.Responses) (n int64) {
	for _, p := range []*share.Pool{of.Reading, of.Decoded} {
		for _, u := range p.Usage() {
			n += u.Held + int64(u.Waiting)
		}
	}
	return n
}

// tasksOf returns the definition of a flow with parallel tasks that call one address.
func tasksOf(name, url string, mode string) cloudflow.CreateFlowRequest {
	return cloudflow.CreateFlowRequest{
		Name:          name,
		ExecutionMode: mode,
		Definition: "Type: StateMachine\nSpecVersion: v1\nName: " + name +
			"\nStartAt: M\nStates:\n- Name: M\n  Type: Map\n  ItemsPath: $Input.items\n" +
			"  MaxConcurrency: 4\n  Processor:\n    StartAt: A\n    States:\n" +
			"    - {Name: A, Type: Task, Action: 'HTTP:Request', Timeout: 2, " +
			"Parameters: {method: GET, url: '" + url +
			"'}, OutputConstructor: {n: 1}, End: true}\n" +
			"  OutputConstructor: {n: 1}\n  End: true\n",
	}
}

// TestResponsesAreReleased: responses are released however their calls and executions end.
func TestResponsesAreReleased(t *testing.T) {
	long := `["` + strings.Repeat("x", 200_000) + `"]`
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/fails":
			w.WriteHeader(http.StatusInternalServerError)
		case "/binary":
			io.WriteString(w, "\xff")
		case "/cut":
			w.Header().Set("Content-Length", "1000000")
		}
		io.WriteString(w, long)
		if r.URL.Path == "/hangs" {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
	}))
	defer service.Close()
	a, err := Open(t.Context(), Config{Data: t.TempDir(), Log: slog.New(slog.DiscardHandler),
		Settings: config.Settings{AllowLoopback: new(true), MemoryMegabytes: 256}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	defer server.Close()
	c, err := client.New(client.Options{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, items := t.Context(), `{"items":[1,2,3,4,5,6]}`
	start := func(path, mode, name string) {
		if _, err := c.CreateFlow(ctx, tasksOf(path+mode, service.URL+"/"+path,
			mode)); err != nil && !strings.Contains(err.Error(), "Exist") {
			t.Fatal(err)
		}
		if mode == "Express" {
			if _, err := c.StartSyncExecution(ctx,
				cloudflow.StartExecutionRequest{
					FlowName:      path + mode,
					ExecutionName: name,
					Input:         items,
				}); err != nil {
				t.Fatal(path, err)
			}
		} else if _, err := c.StartExecution(ctx,
			cloudflow.StartExecutionRequest{
				FlowName:      path + mode,
				ExecutionName: name,
				Input:         items,
			}); err != nil {
			t.Fatal(path, err)
		}
	}
	freed := func(what string) {
		t.Helper()
		for until := time.Now().Add(20 * time.Second); used(a.shares.responses) != 0; time.Sleep(
			5 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatalf("%s: %d bytes stay held: %+v %+v", what, used(a.shares.responses),
					a.shares.responses.Reading.Usage(), a.shares.responses.Decoded.Usage())
			}
		}
	}
	seconds := int64(20)
	for path, want := range map[string]string{
		"good":   "Succeeded",
		"fails":  "Failed",
		"binary": "Failed",
		"cut":    "Failed",
		"hangs":  "Failed",
	} {
		for _, mode := range []string{"Standard", "Express"} {
			start(path, mode, "x")
			if mode == "Standard" {
				x, err := c.DescribeExecution(ctx,
					cloudflow.DescribeExecutionRequest{
						FlowName:        path + mode,
						ExecutionName:   "x",
						WaitTimeSeconds: &seconds,
					})
				if err != nil || x.Status != want {
					t.Errorf("%s: %+v %v", path, x, err)
				}
			}
			freed(path + " " + mode)
		}
	}
	start("hangs", "Standard", "stopped")
	for until := time.Now().Add(10 * time.Second); used(a.shares.responses) == 0 &&
		time.Now().Before(until); time.Sleep(time.Millisecond) {
	}
	if used(a.shares.responses) == 0 {
		t.Error("an answer that comes holds nothing")
	}
	if _, err := c.StopExecution(ctx, cloudflow.StopExecutionRequest{
		FlowName:      "hangsStandard",
		ExecutionName: "stopped",
	}); err != nil {
		t.Error(err)
	}
	freed("stopped")
	start("hangs", "Standard", "closed")
	for i := range 20 { // some responses are being processed when the server ends
		start("good", "Standard", fmt.Sprint("closed", i))
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	freed("closed")
}
