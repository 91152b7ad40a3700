package local_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/rpc/client"
)

// TestOpenSaysWhatIsWrong: a server with a wrong configuration does not open, and the error says
// what is wrong.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	for want, c := range map[string]local.Config{
		"limit Events": {Settings: config.Settings{Limits: map[string]int64{"Events": -1}}},
		"none.yaml":    {Functions: "none.yaml"},
	} {
		c.Data, c.Log = t.TempDir(), slog.New(slog.DiscardHandler)
		if a, err := local.Open(context.Background(), c); err == nil || a != nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", want, a, err)
		}
	}
}

// TestOpenWithDefaults: a server needs only a directory for its data.
func TestOpenWithDefaults(t *testing.T) {
	a, err := local.Open(context.Background(), local.Config{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// serve starts a server on a new directory.
func serve(t *testing.T, c local.Config) *client.Client {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	c.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	a, err := local.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	api, err := client.New(client.Options{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestPassFlow(t *testing.T) {
	c := serve(t, local.Config{})
	ctx := context.Background()
	definition := "Type: StateMachine\nSpecVersion: v1\nName: hello\nStartAt: A\nStates:\n" +
		"- Name: A\n  Type: Pass\n  End: true\n"
	if _, err := c.CreateFlow(ctx, cloudflow.CreateFlowRequest{
		Name:        "hello",
		Definition:  definition,
		Type:        "FDL",
		Description: "d",
	}); err != nil {
		t.Fatal(err)
	}
	x, err := c.StartExecution(ctx, cloudflow.StartExecutionRequest{
		FlowName:      "hello",
		ExecutionName: "one",
		Input:         `{"a": 1}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if x.Status != "Running" || x.Input != `{"a": 1}` {
		t.Errorf("start: %+v", x)
	}
	wait := int64(5)
	x, err = c.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{
		FlowName:        "hello",
		ExecutionName:   "one",
		WaitTimeSeconds: &wait,
	})
	if err != nil || x.Status != "Succeeded" || x.Output != `{"a":1}` {
		t.Errorf("describe: %+v %v", x, err)
	}
	h, err := c.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
		FlowName:      "hello",
		ExecutionName: "one",
	})
	if err != nil || len(h.Events) != 5 {
		t.Errorf("history: %+v %v", h, err)
	}
	_, err = c.StartExecution(ctx, cloudflow.StartExecutionRequest{
		FlowName:      "hello",
		ExecutionName: "one",
	})
	if err == nil {
		t.Error("a second start of an ended execution was accepted")
	}
}
