package lambda_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc"
	"millrace/tests/emulators"
	"millrace/tests/lambda"
)

const pass = "- {Name: A, Type: Pass, End: true}\n"

// codeOf is the code of a refusal.
func codeOf(err error) string { return string(fault.CodeOf(err)) }

// TestStartExecution is the contract of StartExecution, through every front and with both signatures.
func TestStartExecution(t *testing.T) {
	t.Parallel()
	s := lambda.Deploy(t, lambda.Options{Function: func(f *lambda.Function) { f.Freeze = true }})
	s.Define("hello", pass)
	s.Define("asks", "- {Name: A, Type: Wait, Seconds: 300, End: true}\n")
	for form, name := range map[lambda.Form]string{lambda.HTTPAPI: "v2", lambda.HTTPAPIProd: "v2-prod", lambda.RESTAPI: "v1", lambda.FunctionURL: "url"} {
		for _, signature := range []string{"v1", "v3"} {
			t.Run(name+"-"+signature, func(t *testing.T) {
				c := s.Connect(form, signature)
				run := "run-" + name + signature
				input := `{"a": 1, "text": "日本 +&="}`
				q := cloudflow.StartExecutionRequest{FlowName: "hello", ExecutionName: run, Input: input}
				x, err := c.StartExecution(t.Context(), q)
				if err != nil || x.Status != "Running" || x.Input != input || x.Name != run {
					t.Fatalf("%+v %v", x, err)
				}
				s.Succeeded("hello", run, `{"a":1,"text":"日本 +&="}`)
				if _, err := c.StartExecution(t.Context(), q); codeOf(err) != "ExecutionAlreadyExists" {
					t.Errorf("a second start: %v", err)
				}
				q.FlowName, q.Input = "asks", "{}"
				first, err := c.StartExecution(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				again, err := c.StartExecution(t.Context(), q)
				if err != nil || again.StartedTime != first.StartedTime {
					t.Errorf("a start of a running name: %+v %v", again, err)
				}
				stopped, err := c.StopExecution(t.Context(), cloudflow.StopExecutionRequest{FlowName: "asks", ExecutionName: run})
				if err != nil || stopped.Status != "Stopped" {
					t.Errorf("stop: %+v %v", stopped, err)
				}
				if _, err := c.StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: "none"}); codeOf(err) != "FlowNotExists" {
					t.Errorf("no flow: %v", err)
				}
				unnamed, err := c.StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: "hello"})
				if err != nil || len(unnamed.Name) != 36 {
					t.Errorf("unnamed: %+v %v", unnamed, err)
				}
			})
		}
	}
	wrong, err := rpc.NewClient(rpc.ClientOptions{Endpoint: s.Gateways[lambda.HTTPAPI], AccessKeyID: lambda.KeyID, Secret: "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: "hello"}); codeOf(err) != "SignatureDoesNotMatch" && codeOf(err) != "SignatureNotMatch" {
		t.Errorf("a wrong secret: %v", err)
	}
	if n := s.Letters(); n != "0" {
		t.Errorf("%s dead letters", n)
	}
}

// TestStartRace: fifty clients race on each of some names through several instances: one start each.
func TestStartRace(t *testing.T) {
	t.Parallel()
	s := lambda.Deploy(t, lambda.Options{APIs: 8})
	s.Define("waits", "- {Name: A, Type: Wait, Seconds: 300, End: true}\n")
	const clients, names = 50, 4
	starts := make([]map[rpc.Timestamp]int, names)
	var mu sync.Mutex
	var racing sync.WaitGroup
	for n := range names {
		starts[n] = map[rpc.Timestamp]int{}
		for i := range clients {
			racing.Go(func() {
				x, err := s.Client.StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: "waits", ExecutionName: fmt.Sprint("n", n), Input: fmt.Sprintf(`{"client":%d}`, i)})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				starts[n][x.StartedTime]++
			})
		}
	}
	racing.Wait()
	for n := range names {
		if len(starts[n]) != 1 {
			t.Errorf("name %d was started at %v", n, starts[n])
		}
		if h := s.History("waits", fmt.Sprint("n", n)); count(h, "ExecutionStarted") != 1 {
			t.Errorf("name %d: %v", n, h)
		}
	}
	if s.API.ColdStarts() < 2 {
		t.Errorf("%d instances of the API took part", s.API.ColdStarts())
	}
}

// TestStartAnswersLost: the answers of claims are lost after the write was applied, or the write is throttled: whoever
// starts is told the truth all the same, and everything that was acknowledged runs, once.
func TestStartAnswersLost(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	faults := func(c emulators.Call) (*http.Response, error) {
		if c.Op != "PutItem" {
			return c.Send()
		}
		switch n.Add(1) % 4 {
		case 1:
			return c.Lose()
		case 2:
			return c.Throttle()
		}
		return c.Send()
	}
	s := lambda.Deploy(t, lambda.Options{APIFaults: faults})
	s.Define("hello", pass)
	var starting sync.WaitGroup
	for i := range 20 {
		starting.Go(func() {
			name := fmt.Sprint("n", i)
			x, err := s.Client.StartExecution(t.Context(), cloudflow.StartExecutionRequest{FlowName: "hello", ExecutionName: name, Input: fmt.Sprintf(`{"i":%d}`, i)})
			if err != nil || x.Status != "Running" {
				t.Errorf("%s: %+v %v", name, x, err)
			}
		})
	}
	starting.Wait()
	for i := range 20 {
		s.Succeeded("hello", fmt.Sprint("n", i), fmt.Sprintf(`{"i":%d}`, i))
	}
}
