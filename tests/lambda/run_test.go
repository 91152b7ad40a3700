package lambda_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/emulators"
	"millrace/tests/lambda"
)

// service stands in for the functions that flows call: each call gets {"n":<input n + 1>}. It counts calls by the
// idempotency key that comes with them.
type service struct {
	*httptest.Server
	calls  atomic.Int64
	mu     sync.Mutex
	keys   map[string]int
	tokens chan string // of calls whose body has one
	deadly func()      // called before an answer; nil: nothing
}

func serve(t *testing.T) *service {
	v := &service{keys: map[string]int{}, tokens: make(chan string, 100)}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	var body struct {
		N     int
		Token string
		Sleep int
		Fill  int // bytes of the answer, about
	}
	json.Unmarshal(text, &body)
	v.calls.Add(1)
	v.mu.Lock()
	v.keys[r.Header.Get("X-Fc-Request-Id")]++
	v.mu.Unlock()
	if v.deadly != nil {
		v.deadly()
	}
	time.Sleep(time.Duration(body.Sleep) * time.Millisecond)
	if body.Token != "" {
		v.tokens <- body.Token
	}
	if body.Fill > 0 {
		fmt.Fprintf(w, `{"n":%d,"fill":%q}`, body.N+1, strings.Repeat("filler ", body.Fill/7))
		return
	}
	fmt.Fprintf(w, `{"n":%d}`, body.N+1)
}

// distinct is how many different calls there were.
func (v *service) distinct() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.keys)
}

func (v *service) env() string {
	return "MILLRACE_FUNCTIONS=functions: [{match: '*', http: '" + v.URL + "'}]"
}

// call is a Task that calls the service.
func call(more string) string {
	return "Type: Task, Action: 'FC:InvokeFunction', Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync, body: {n.$: $Input.n" + more + "}}"
}

// row is a flow of so many calls in a row, each of which gets what the one before gave.
func row(n int) string {
	var b strings.Builder
	for i := range n {
		name, next := fmt.Sprint("T", i), fmt.Sprintf("Next: T%d", i+1)
		if i == 0 {
			name = "A"
		}
		if i == n-1 {
			next = "End: true"
		}
		fmt.Fprintf(&b, "- {Name: %s, %s, OutputConstructor: {n.$: $Output.Body.n}, %s}\n", name, call(""), next)
	}
	return b.String()
}

func TestTasks(t *testing.T) {
	t.Parallel()
	v := serve(t)
	s := lambda.Deploy(t, lambda.Options{Env: []string{v.env()}, Function: func(f *lambda.Function) { f.Freeze = true }})
	s.Define("row", row(5))
	s.Define("wide", "- Name: A\n  Type: Map\n  ItemsPath: $Input.items\n  MaxConcurrency: 20\n  Processor:\n    StartAt: B\n    States:\n    - {Name: B, Type: Wait, Seconds: 1, Next: C}\n    - {Name: C, "+strings.Replace(call(""), "$Input.n", "$Input.k", 1)+", End: true}\n  End: true\n")
	s.Start("row", "one", `{"n":0}`)
	s.Succeeded("row", "one", `{"n":5}`)
	if v.calls.Load() != 5 {
		t.Errorf("%d calls", v.calls.Load())
	}
	items := strings.Repeat(`{"k":1},`, 39) + `{"k":1}`
	s.Start("wide", "one", `{"items":[`+items+`]}`)
	if x := s.Wait("wide", "one", time.Minute); x.Status != "Succeeded" {
		t.Errorf("%+v: %v", x.Status, s.History("wide", "one"))
	}
	if v.calls.Load() != 45 {
		t.Errorf("%d calls", v.calls.Load())
	}
	if n := s.Letters(); n != "0" {
		t.Errorf("%s dead letters", n)
	}
}

// TestLargePayloads: an execution that is begun with more than a row holds well, and whose open branches hold more than a
// row can: the answer of each is 50 KB, and ten of them are kept until the last has come.
func TestLargePayloads(t *testing.T) {
	t.Parallel()
	v := serve(t)
	s := lambda.Deploy(t, lambda.Options{Env: []string{v.env()}})
	branch := "  - StartAt: B\n    States:\n    - {Name: B, " + call(", fill: 50000") + ", Next: C}\n    - {Name: C, Type: Wait, Seconds: 1, Next: D}\n    - {Name: D, " + call("") + ", End: true, InputConstructor: {n.$: $Input.Body.n}}\n"
	s.Define("large", "- Name: A\n  Type: Parallel\n  Branches:\n"+strings.Repeat(branch, 10)+"  OutputConstructor: {first.$: $Output.Branch0.Body.n, last.$: $Output.Branch9.Body.n}\n  End: true\n")
	s.Start("large", "one", `{"n":1,"text":"`+strings.Repeat("large ", 10000)+`"}`)
	s.Succeeded("large", "one", `{"first":3,"last":3}`)
	if n := v.distinct(); n != 20 {
		t.Errorf("%d different calls", n)
	}
}

func TestCallbacksAndChildren(t *testing.T) {
	t.Parallel()
	v := serve(t)
	s := lambda.Deploy(t, lambda.Options{Env: []string{v.env()}})
	s.Define("ask", "- {Name: A, "+call(", token.$: $Context.Current.TaskToken")+", TaskMode: WaitForCustomCallback, End: true}\n")
	s.Define("parent", "- {Name: A, Type: Task, Action: 'FNF:StartExecution', TaskMode: WaitForSystemCallback, Parameters: {resourceArn: 'acs:fnf:::flow/ask', input: {n: 1}}, End: true}\n")
	s.Start("parent", "p", `{}`)
	token := <-v.tokens
	id, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"answer":42}`})
	if err != nil || id == 0 {
		t.Fatal(id, err)
	}
	if _, err := s.Client.ReportTaskSucceeded(t.Context(), cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"answer":43}`}); codeOf(err) != "TaskAlreadyCompleted" {
		t.Errorf("a second report: %v", err)
	}
	x := s.Wait("parent", "p", time.Minute)
	if x.Status != "Succeeded" || !strings.Contains(x.Output, `42`) {
		t.Errorf("%s %s", x.Status, x.Output)
	}
}

// TestWaits: a wait within the reach of a delayed hint, one beyond it, and one for which every hint is lost.
func TestWaits(t *testing.T) {
	t.Parallel()
	s := lambda.Deploy(t, lambda.Options{Hurried: true, Poller: func(p *lambda.Poller) { p.Lost = 0.5 }})
	s.Define("wait", "- {Name: A, Type: Wait, Seconds: 3, Next: B}\n- {Name: B, Type: Wait, Seconds: 1, End: true}\n")
	for i := range 10 {
		s.Start("wait", fmt.Sprint("w", i), `{"a":1}`)
	}
	for i := range 10 {
		s.Succeeded("wait", fmt.Sprint("w", i), `{"a":1}`)
	}
}

// TestQueueLost: the queue loses everything; the sweeper finds it in the store.
func TestQueueLost(t *testing.T) {
	t.Parallel()
	v := serve(t)
	s := lambda.Deploy(t, lambda.Options{Env: []string{v.env()}, Sweeps: -1, Poller: func(p *lambda.Poller) { p.Lost = 1 }})
	s.Define("row", row(2))
	s.Start("row", "one", `{"n":0}`)
	time.Sleep(time.Second)
	if n := v.calls.Load(); n != 0 {
		t.Fatalf("%d calls without a hint", n)
	}
	s.Poller.Heal()
	s.Sweep()
	if h := s.History("row", "one"); len(h) != 1 {
		t.Errorf("it went on without a reason: %v", h)
	}
	s.Hurry()
	s.Sweep()
	s.Succeeded("row", "one", `{"n":2}`)
}

// TestUnreliableQueue: messages come twice, late and in another order, or not at all.
func TestUnreliableQueue(t *testing.T) {
	t.Parallel()
	v := serve(t)
	s := lambda.Deploy(t, lambda.Options{Env: []string{v.env()}, Hurried: true, Poller: func(p *lambda.Poller) { p.Twice, p.Late, p.Lost = 0.5, 0.3, 0.1 }})
	s.Define("row", row(3))
	s.Define("mixed", "- {Name: A, Type: Wait, Seconds: 1, Next: B}\n- {Name: B, "+call("")+", OutputConstructor: {n.$: $Output.Body.n}, Next: C}\n- {Name: C, Type: Wait, Seconds: 1, End: true}\n")
	for i := range 15 {
		s.Start("row", fmt.Sprint("r", i), `{"n":0}`)
		s.Start("mixed", fmt.Sprint("m", i), `{"n":0}`)
	}
	for i := range 15 {
		s.Succeeded("row", fmt.Sprint("r", i), `{"n":3}`)
		s.Succeeded("mixed", fmt.Sprint("m", i), `{"n":1}`)
	}
	if n := v.distinct(); n != 60 {
		t.Errorf("%d different calls, want 60", n)
	}
}

// TestKilledRunners: runners are killed before and after their commits reach the store, and commits are throttled and
// lose their answers. Every execution ends right.
func TestKilledRunners(t *testing.T) {
	t.Parallel()
	v := serve(t)
	var s *lambda.Stack
	var calm atomic.Bool
	var kills, lost, throttled atomic.Int64
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(7, 9))
	chance := func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64()
	}
	faults := func(c emulators.Call) (*http.Response, error) {
		if c.Op != "PutItem" || calm.Load() {
			return c.Send()
		}
		switch p := chance(); {
		case p < 0.05: // before the commit
			kills.Add(1)
			s.Runner.Kill()
			return nil, emulators.ErrLost
		case p < 0.10: // after it
			answer, err := c.Lose()
			kills.Add(1)
			s.Runner.Kill()
			return answer, err
		case p < 0.20:
			lost.Add(1)
			return c.Lose()
		case p < 0.30:
			throttled.Add(1)
			return c.Throttle()
		}
		return c.Send()
	}
	s = lambda.Deploy(t, lambda.Options{Env: []string{v.env(), "MILLRACE_CALL_SECONDS=1"}, Faults: faults, Hurried: true})
	s.Define("row", row(3))
	s.Define("mixed", "- {Name: A, Type: Wait, Seconds: 1, Next: B}\n- {Name: B, "+call("")+", OutputConstructor: {n.$: $Output.Body.n}, End: true}\n")
	for i := range 10 {
		s.Start("row", fmt.Sprint("r", i), `{"n":0}`)
		s.Start("mixed", fmt.Sprint("m", i), `{"n":0}`)
	}
	time.Sleep(7 * time.Second)
	calm.Store(true)
	for i := range 10 {
		s.Succeeded("row", fmt.Sprint("r", i), `{"n":3}`)
		s.Succeeded("mixed", fmt.Sprint("m", i), `{"n":1}`)
	}
	t.Logf("%d kills, %d answers lost, %d throttles; %d calls for 40; %s", kills.Load(), lost.Load(), throttled.Load(), v.calls.Load(), s.Poller)
	if kills.Load() == 0 || lost.Load() == 0 {
		t.Error("the faults did not come to pass")
	}
	if n := v.distinct(); n != 40 {
		t.Errorf("%d different calls, want 40", n)
	}
}

// TestPoisonMessages: what is no hint ends among the dead letters, and disturbs nothing.
func TestPoisonMessages(t *testing.T) {
	t.Parallel()
	s := lambda.Deploy(t, lambda.Options{Poller: func(p *lambda.Poller) { p.Visibility = time.Second }})
	s.Define("hello", pass)
	for _, body := range []string{"not json", `{"v":99,"p":"x#a#b"}`, `{"v":1,"p":"x#nobody#here"}`, `{"v":1,"p":"nonsense"}`} {
		s.Send(body)
	}
	s.Start("hello", "one", `{"a":1}`)
	s.Succeeded("hello", "one", `{"a":1}`)
	for end := time.Now().Add(30 * time.Second); s.Letters() != "2"; {
		if time.Now().After(end) {
			t.Fatalf("%s dead letters, want the 2 that nobody understands", s.Letters())
		}
		time.Sleep(200 * time.Millisecond)
	}
}
