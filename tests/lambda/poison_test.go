package lambda_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"millrace/shared/cloudflow"
	"millrace/shared/store"
	"millrace/shared/store/dynamostore"
	"millrace/tests/emulators"
	"millrace/tests/lambda"
)

// killer kills every runner as it is about to commit a fold, and lets only those commits through with which a runner
// says that it has begun: an execution with something in it that no process survives.
type killer struct {
	mu    sync.Mutex
	kill  func()
	load  func() *store.Execution
	told  bool // the last commit said that a runner has begun
	kills int
}

func (k *killer) dynamo(c emulators.Call) (*http.Response, error) {
	if c.Op != "PutItem" {
		return c.Send()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch x := k.load(); {
	case x == nil, x.Status.Final(): // another one's
		return c.Send()
	case x.Tries >= 3 && !k.told: // a runner has begun; or, after five, the end
		k.told = true
		return c.Send()
	}
	k.told = false
	k.kills++
	k.kill()
	return nil, emulators.ErrLost
}

// TestPoisonExecution: an execution that takes down every runner that takes it up fails in the end, so that everybody
// can see it; the others go on.
func TestPoisonExecution(t *testing.T) {
	t.Parallel()
	v := serve(t)
	var s *lambda.Stack
	var client *dynamodb.Client
	var partition string
	k := &killer{}
	k.kill = func() { s.Runner.Kill() }
	k.load = func() *store.Execution {
		if partition == "" {
			return nil
		}
		st := store.New(store.Options{Driver: dynamostore.New(dynamostore.Options{Client: client, Table: s.Table}), TailBytes: 600})
		x, err := st.Load(t.Context(), partition)
		if err != nil {
			return nil
		}
		return x
	}
	s = lambda.Deploy(t, lambda.Options{Env: []string{v.env()}, Faults: k.dynamo, Hurried: true, Sweeps: 500 * time.Millisecond,
		Poller:   func(p *lambda.Poller) { p.Visibility = time.Second },
		Function: func(f *lambda.Function) { f.Instances = 1 }})
	client = s.Dynamo
	s.Define("poison", row(1))
	s.Define("hello", pass)
	flow, err := s.Client.DescribeFlow(t.Context(), "poison")
	if err != nil {
		t.Fatal(err)
	}
	partition = "x#" + flow.ID + "#one"
	s.Start("poison", "one", `{"n":0}`)
	x := s.Wait("poison", "one", time.Minute)
	if x.Status != "Failed" {
		t.Errorf("it ended as %s", x.Status)
	}
	if k.kills < 6 {
		t.Errorf("%d runners were killed", k.kills)
	}
	page, err := s.Client.GetExecutionHistory(t.Context(), cloudflow.GetExecutionHistoryRequest{FlowName: "poison", ExecutionName: "one"})
	if err != nil {
		t.Fatal(err)
	}
	end := page.Events[len(page.Events)-1]
	if end.Type != "ExecutionFailed" || !strings.Contains(end.EventDetail, "FnF.InternalError") || !strings.Contains(end.EventDetail, "every runner") {
		t.Errorf("it ended with %+v", end)
	}
	if v.calls.Load() != 0 {
		t.Errorf("%d calls", v.calls.Load())
	}
	s.Start("hello", "after", `{}`)
	s.Succeeded("hello", "after", `{}`)
}

// TestPoisonTask: a task whose call takes down every runner that makes it fails in the end, and with it the execution.
func TestPoisonTask(t *testing.T) {
	t.Parallel()
	var s *lambda.Stack
	var once sync.Mutex
	kills := 0
	deadly := func() {
		once.Lock()
		defer once.Unlock()
		kills++
		s.Runner.Kill()
	}
	v := serve(t)
	v.deadly = deadly
	s = lambda.Deploy(t, lambda.Options{Env: []string{v.env()}, Skip: true,
		Poller: func(p *lambda.Poller) { p.Visibility = time.Second }})
	s.Define("deadly", row(1))
	s.Start("deadly", "one", `{"n":0}`)
	if x := s.Wait("deadly", "one", time.Minute); x.Status != "Failed" {
		t.Errorf("it ended as %s", x.Status)
	}
	if kills != 5 {
		t.Errorf("%d runners were killed, want 5", kills)
	}
	h := s.History("deadly", "one")
	if count(h, "TaskFailed") != 1 || count(h, "ExecutionFailed") != 1 {
		t.Errorf("%v", h)
	}
}
