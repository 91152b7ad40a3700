// Package chaos_test takes away what servers depend on: space on the disk, bytes of their files,
// the right to write, the time, the store and the queue. Afterwards everything that was
// acknowledged is still there, and each rejection names its reason.
package chaos_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	functions "millrace/tests/clouds"
	"millrace/tests/clouds/lambda"
	"millrace/tests/support/live"
)

func TestMain(m *testing.M) { live.Main(m, lambda.End, functions.RemoveBinaries) }

// long reports whether the tests may take minutes. MILLRACE_CHAOS_SECONDS is the number of seconds
// for each part.
func long(t *testing.T) (each time.Duration, yes bool) {
	text := os.Getenv("MILLRACE_CHAOS_SECONDS")
	if text == "" {
		return 3 * time.Second, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("MILLRACE_CHAOS_SECONDS is %q: a number of seconds, please", text)
	}
	return time.Duration(n) * time.Second, true
}

// pass is a flow that ends at once.
const pass = "Type: StateMachine\nSpecVersion: v1\nName: pass\nStartAt: A\nStates:\n" +
	"- {Name: A, Type: Pass, End: true}\n"

// waits is a flow that waits for a second.
const waits = "Type: StateMachine\nSpecVersion: v1\nName: waits\nStartAt: A\nStates:\n" +
	"- {Name: A, Type: Wait, Seconds: 1, End: true}\n"

// flows creates the flows.
func flows(t *testing.T, c *client.Client) {
	t.Helper()
	for name, text := range map[string]string{"pass": pass, "waits": waits} {
		if _, err := c.CreateFlow(context.Background(), cloudflow.CreateFlowRequest{Name: name,
			Definition: text, Type: "FDL"}); err != nil {
			t.Fatal(err)
		}
	}
}

// acknowledged holds the inputs of the executions whose starts were acknowledged, by flow and name.
type acknowledged map[[2]string]string

// start starts an execution and records it when the start is acknowledged.
func (l acknowledged) start(c *client.Client, flow, name, input string) error {
	_, err := c.StartExecution(context.Background(), cloudflow.StartExecutionRequest{FlowName: flow,
		ExecutionName: name, Input: input})
	if err == nil {
		l[[2]string{flow, name}] = input
	}
	return err
}

// missing lists the acknowledged executions that are lost or changed. With wait, it also lists
// those that do not succeed in so many seconds.
func (l acknowledged) missing(c *client.Client, wait int64) (lost []string) {
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, 16)
	for x, input := range l {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			got, err := c.DescribeExecution(context.Background(),
				cloudflow.DescribeExecutionRequest{FlowName: x[0], ExecutionName: x[1],
					WaitTimeSeconds: &wait})
			if err != nil || got.Input != input || wait > 0 && got.Status != "Succeeded" {
				mu.Lock()
				lost = append(lost, fmt.Sprintf("%v: %.200s, %v", x, fmt.Sprintf("%+v", got), err))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return lost
}

// endWait is how many seconds an execution may take to end.
const endWait = 60

// check fails the test if an execution is missing or does not succeed.
func (l acknowledged) check(t *testing.T, c *client.Client) {
	t.Helper()
	l.report(t, l.missing(c, endWait))
}

// present fails the test if an execution is missing.
func (l acknowledged) present(t *testing.T, c *client.Client) {
	t.Helper()
	l.report(t, l.missing(c, 0))
}

func (l acknowledged) report(t *testing.T, lost []string) {
	t.Helper()
	for _, line := range lost[:min(len(lost), 5)] {
		t.Error(line)
	}
	if len(lost) > 0 {
		t.Errorf("%d of %d acknowledged executions are lost", len(lost), len(l))
	}
}
