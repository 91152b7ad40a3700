package lambda_test

import (
	"net/http"
	"sync"
	"testing"

	"millrace/tests/emulators"
)

// tally counts calls of an emulator by operation.
type tally struct {
	mu sync.Mutex
	by map[string]int
}

func (c *tally) count(call emulators.Call) (*http.Response, error) {
	c.mu.Lock()
	if c.by == nil {
		c.by = map[string]int{}
	}
	c.by[call.Op]++
	c.mu.Unlock()
	return call.Send()
}

func (c *tally) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = map[string]int{}
}

func (c *tally) of(op string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[op]
}

// TestCost: five tasks in a row cost a claim, a write for each task and what stands between them, an end, few rows of
// history, one message and one invocation.
func TestCost(t *testing.T) {
	v := serve(t)
	var table, queue tally
	s := deploy(t, options{env: []string{v.env()}, dynamo: table.count, apiDynamo: table.count, sqs: queue.count, noSweeps: true})
	s.define("row", row(5))
	s.start("row", "warm", `{"n":0}`)
	s.succeeded("row", "warm", `{"n":5}`)
	table.reset()
	queue.reset()
	invocations := s.runner.Invocations()
	s.start("row", "one", `{"n":0}`)
	s.succeeded("row", "one", `{"n":5}`)
	t.Logf("table %v, queue %v", table.by, queue.by)
	if n := table.of("PutItem") + table.of("BatchWriteItem"); n > 9 {
		t.Errorf("%d writes, want 7 of the state and at most 2 of history", n)
	}
	if n := queue.of("SendMessageBatch") + queue.of("SendMessage"); n != 1 {
		t.Errorf("%d messages", n)
	}
	if n := s.runner.Invocations() - invocations; n != 1 {
		t.Errorf("%d invocations of the runner", n)
	}
}
