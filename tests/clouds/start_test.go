package clouds_test

import (
	"fmt"
	"sync"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/tests/clouds"
)

// testStartExecution tests the contract of StartExecution, through every front and with both
// signatures. TestOfficialClients tests what official clients see of it.
func testStartExecution(t *testing.T, s *stack) {
	s.Define("hello", pass)
	s.Define("asks", "- {Name: A, Type: Wait, Seconds: 300, End: true}\n")
	for _, front := range s.fronts() {
		for _, sign := range []string{"v1", "v3"} {
			t.Run(front+"-"+sign, func(t *testing.T) {
				startContract(t, s.on(t), s.connect(front, sign), "run-"+front+sign)
			})
		}
		wrong, err := client.New(client.Options{Endpoint: s.address(front),
			AccessKeyID: clouds.KeyID, Secret: "wrong"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := wrong.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
			FlowName: "hello"}); codeOf(err) != "SignatureDoesNotMatch" &&
			codeOf(err) != "SignatureNotMatch" {
			t.Errorf("%s: a wrong secret: %v", front, err)
		}
		nobody, err := client.New(client.Options{Endpoint: s.address(front)})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := nobody.DescribeRegions(t.Context()); err != nil || len(got) != 1 {
			t.Errorf("%s: regions for nobody: %v %v", front, got, err)
		}
		if _, err := nobody.ListFlows(t.Context(), cloudflow.ListFlowsRequest{}); codeOf(err) !=
			"MissingRequiredParams" {
			t.Errorf("%s: flows for nobody: %v", front, err)
		}
	}
}

func startContract(t *testing.T, s *stack, c *client.Client, run string) {
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
	stopped, err := c.StopExecution(t.Context(), cloudflow.StopExecutionRequest{FlowName: "asks",
		ExecutionName: run})
	if err != nil || stopped.Status != "Stopped" {
		t.Errorf("stop: %+v %v", stopped, err)
	}
	if _, err := c.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
		FlowName: "none"}); codeOf(err) != "FlowNotExists" {
		t.Errorf("no flow: %v", err)
	}
	unnamed, err := c.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
		FlowName: "hello"})
	if err != nil || len(unnamed.Name) != 36 {
		t.Errorf("unnamed: %+v %v", unnamed, err)
	}
}

// testStartRace lets fifty clients race for each of some names through several instances: there
// must be one start each.
func testStartRace(t *testing.T, s *stack) {
	s.Define("races", "- {Name: A, Type: Wait, Seconds: 300, End: true}\n")
	const clients, names = 50, 4
	starts := make([]map[client.Timestamp]int, names)
	var mu sync.Mutex
	var racing sync.WaitGroup
	for n := range names {
		starts[n] = map[client.Timestamp]int{}
		for i := range clients {
			racing.Go(func() {
				x, err := s.Client.StartExecution(t.Context(), cloudflow.StartExecutionRequest{
					FlowName: "races", ExecutionName: fmt.Sprint("n", n),
					Input: fmt.Sprintf(`{"client":%d}`, i)})
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
		if h := s.History("races", fmt.Sprint("n", n)); count(h, "ExecutionStarted") != 1 {
			t.Errorf("name %d: %v", n, h)
		}
	}
	if s.apis() < 2 {
		t.Errorf("%d instances of the API took part", s.apis())
	}
}

// testStartSync checks that an Express flow runs in the API's own function.
func testStartSync(t *testing.T, s *stack) {
	define := func(name, states string) {
		definition := fmt.Sprintf(
			"Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n%s", name, states)
		if _, err := s.Client.CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: name,
			Definition: definition, Type: "FDL", ExecutionMode: "Express"}); err != nil {
			t.Fatal(err)
		}
	}
	define("quick", row("quick", 2))
	define("slow", "- {Name: A, Type: Wait, Seconds: 10, End: true}\n")
	x, err := s.Client.StartSyncExecution(t.Context(), cloudflow.StartExecutionRequest{
		FlowName: "quick", Input: `{"n":5}`})
	if err != nil || x.Status != "Succeeded" || x.Output != `{"n":7}` {
		t.Errorf("%+v %v", x, err)
	}
	x, err = s.Client.StartSyncExecution(t.Context(), cloudflow.StartExecutionRequest{
		FlowName: "slow"})
	if err != nil || x.Status != "TimedOut" {
		t.Errorf("%+v %v", x, err)
	}
}
