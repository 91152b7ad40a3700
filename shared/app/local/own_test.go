package local_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// TestFlowsDoNotCallTheServer: a flow of an open server may call loopback addresses, but not the
// server's own: the request would need no signature.
func TestFlowsDoNotCallTheServer(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- local.Serve(ctx, local.Config{
			Listen: "127.0.0.1:0",
			Data:   t.TempDir(),
			Log:    slog.New(slog.NewTextHandler(t.Output(), nil)),
			Ready:  func(address string) { ready <- address },
		})
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var address string
	select {
	case address = <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	c, err := client.New(client.Options{Endpoint: "http://" + address})
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(address, ":")
	for i, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"} {
		name := fmt.Sprint("f", i)
		definition := "Type: StateMachine\nSpecVersion: v1\nName: " + name +
			"\nStartAt: A\nStates:\n- Name: A\n  Type: Task\n  Action: HTTP:Request\n" +
			"  Parameters: {url: 'http://" + host + ":" + port +
			"/healthz', method: GET}\n  End: true\n"
		if _, err := c.CreateFlow(ctx, cloudflow.CreateFlowRequest{
			Name:        name,
			Definition:  definition,
			Type:        "FDL",
			Description: "d",
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.StartExecution(ctx, cloudflow.StartExecutionRequest{
			FlowName:      name,
			ExecutionName: "x",
		}); err != nil {
			t.Fatal(err)
		}
		wait := int64(20)
		x, err := c.DescribeExecution(ctx, cloudflow.DescribeExecutionRequest{
			FlowName:        name,
			ExecutionName:   "x",
			WaitTimeSeconds: &wait,
		})
		if err != nil || x.Status != "Failed" {
			t.Errorf("%s: %+v %v", host, x, err)
		}
		h, err := c.GetExecutionHistory(ctx, cloudflow.GetExecutionHistoryRequest{
			FlowName:      name,
			ExecutionName: "x",
		})
		if err != nil || !strings.Contains(fmt.Sprintf("%+v", h),
			"the engine itself listens there") {
			t.Errorf("%s: %+v %v", host, h, err)
		}
	}
}
