package engine_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
	"millrace/shared/task/subflowtask"
)

const account = "1234567890123456"

// errUnknownOutcome is an error of the store: the caller does not learn whether the write was
// applied.
var errUnknownOutcome = errors.New("the answer was lost")

// harness is one store, any number of engines over it, and the tasks that they call. It lives in a
// synctest bubble, so time costs nothing.
type harness struct {
	t     *testing.T
	mem   *memstore.Store
	store *store.Store
	tasks *tasks
	nodes []*node

	mu       sync.Mutex
	beforeOp func(op string, key driver.Key) error
	afterOp  func(op string, key driver.Key) error
	writes   map[string]int // commits tried, by partition
}

func newHarness(t *testing.T) *harness {
	w := &harness{t: t, mem: memstore.New(), tasks: newTasks(), writes: map[string]int{}}
	w.mem.WakeShards = 2
	w.mem.Before = func(op string, key driver.Key) error {
		w.mu.Lock()
		f := w.beforeOp
		if op == memstore.OpCommit {
			w.writes[key.Partition]++
		}
		w.mu.Unlock()
		if f == nil {
			return nil
		}
		return f(op, key)
	}
	w.mem.After = func(op string, key driver.Key) error {
		w.mu.Lock()
		f := w.afterOp
		w.mu.Unlock()
		if f == nil {
			return nil
		}
		return f(op, key)
	}
	w.store = store.New(store.Options{Driver: w.mem, TailBytes: 200})
	t.Cleanup(func() {
		for _, h := range w.nodes {
			h.close()
		}
	})
	return w
}

// hooks sets what the store calls before and after an operation; nil: nothing.
func (w *harness) hooks(before, after func(op string, key driver.Key) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beforeOp, w.afterOp = before, after
}

// commitsTried returns how many commits of an execution have been tried.
func (w *harness) commitsTried(f *store.Flow, name string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes[store.Partition(f.ID, name)]
}

// once returns a hook that fails the n-th matching operation, and no other.
func once(op string, sort string, n int) func(string, driver.Key) error {
	var mu sync.Mutex
	return func(o string, k driver.Key) error {
		mu.Lock()
		defer mu.Unlock()
		if o != op || !strings.HasPrefix(k.Partition, "x#") || k.Sort != sort {
			return nil
		}
		if n--; n == 0 {
			return errUnknownOutcome
		}
		return nil
	}
}

// node is one engine with its queue and its sweeper.
type node struct {
	*engine.Engine
	w      *harness
	queue  *memqueue.Queue
	stop   context.CancelFunc
	work   sync.WaitGroup
	closed bool
}

// open starts an engine. edit may change its options.
func (w *harness) open(edit func(*engine.Options)) *node {
	w.t.Helper()
	h := &node{w: w, queue: memqueue.New(memqueue.Options{Workers: 8})}
	flows := subflowtask.New(starter{h}, nil)
	flows.AnyOwner = true
	table := task.NewTable(
		map[string]task.Runner{"FNF:StartExecution": flows, "FC:InvokeFunction": w.tasks}, nil)
	o := engine.Options{
		Store: w.store, Queue: h.queue, Tasks: table, Compile: compile,
		Limits: flow.DefaultLimits(), Region: "local", Topology: engine.Embedded,
		Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
	}
	if edit != nil {
		edit(&o)
	}
	h.Engine = engine.New(o)
	var ctx context.Context
	ctx, h.stop = context.WithCancel(context.Background())
	h.work.Go(func() { h.queue.Consume(ctx, h.HandleHint) })
	h.work.Go(func() {
		if o.Topology == engine.Embedded {
			h.Resume(ctx)
		}
		for tick := time.NewTicker(time.Minute); ; {
			select {
			case <-tick.C:
				h.Sweep(ctx)
			case <-ctx.Done():
				tick.Stop()
				return
			}
		}
	})
	w.nodes = append(w.nodes, h)
	return h
}

// close stops an engine at once: calls in flight are canceled.
func (h *node) close() {
	if h.closed {
		return
	}
	h.closed = true
	h.stop()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h.Close(ctx)
	h.queue.Close()
	h.work.Wait()
}

// discardQueue is a queue that loses every hint.
type discardQueue struct{}

func (discardQueue) Send(context.Context, ...queue.Hint) error { return nil }

type starter struct{ h *node }

// service returns the API of the engine.
func (h *node) service() *cloudflow.Service {
	return cloudflow.New(cloudflow.Options{Store: h.Store, Engine: h.Engine, Limits: h.Limits})
}

func (s starter) StartChild(
	ctx context.Context, _ subflowtask.Caller, c flow.Child,
) (subflowtask.Started, error) {
	name, err := s.h.service().StartChild(ctx, c)
	return subflowtask.Started{FlowName: c.FlowName, ExecutionName: name}, err
}

func compile(definition, mode string) (*flow.Machine, error) {
	m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: mode})
	if m == nil {
		return nil, fdl.Fault(diagnostics)
	}
	return m, nil
}

// flow creates a flow with the given states, a list in YAML. It starts with A. CALL is replaced by
// the call of a function.
func (w *harness) flow(name, states string) *store.Flow {
	w.t.Helper()
	states = strings.ReplaceAll(states, "CALL",
		"Type: Task, Action: 'FC:InvokeFunction', "+
			"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}")
	return w.define(name, flow.Standard,
		fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n%s",
			name, states))
}

func (w *harness) define(name, mode, definition string) *store.Flow {
	w.t.Helper()
	if _, err := compile(definition, mode); err != nil {
		w.t.Fatal(err)
	}
	f := &store.Flow{Account: account, Name: name,
		ID: fmt.Sprintf("%s-%d", name, time.Now().UnixNano()), Mode: mode}
	if err := w.store.CreateFlow(context.Background(), f, definition, 0); err != nil {
		w.t.Fatal(err)
	}
	return f
}

const (
	oneTask = "- {Name: A, CALL, End: true}\n"
	oneWait = "- {Name: A, CALL, TaskMode: WaitForCustomCallback, End: true}\n"
	onePass = "- {Name: A, Type: Pass, End: true}\n"
)

// items returns a list of n numbers, in YAML.
func items(n int) string { return "[" + strings.Repeat("1, ", n-1) + "1]" }

func starting(f *store.Flow, name string) engine.Start {
	return engine.Start{Flow: f, Name: name, Input: []byte(`{"n":1}`), Canonical: []byte(`{"n":1}`)}
}

// start starts an execution, whose name must be free.
func (h *node) start(f *store.Flow, name string) *store.Execution {
	h.w.t.Helper()
	return h.startWith(starting(f, name))
}

func (h *node) startWith(s engine.Start) *store.Execution {
	h.w.t.Helper()
	x, created, err := h.StartExecution(context.Background(), s)
	if err != nil || !created {
		h.w.t.Fatalf("start of %s: created %v, %v", s.Name, created, err)
	}
	return x
}

// load reads an execution from the store itself.
func (w *harness) load(f *store.Flow, name string) *store.Execution {
	w.t.Helper()
	x, err := w.store.Load(context.Background(), store.Partition(f.ID, name))
	if err != nil {
		w.t.Fatalf("%s of %s: %v", name, f.Name, err)
	}
	return x
}

// history reads all events. It checks that they are gapless and ordered by time, and that the last
// one of each life is an end exactly if that has ended.
func (w *harness) history(f *store.Flow, name string) []flow.HistoryEvent {
	w.t.Helper()
	x := w.load(f, name)
	events, err := w.store.Events(context.Background(), x, 1, 100_000)
	if err == nil {
		err = w.store.LoadEvents(context.Background(), x, events)
	}
	if err != nil {
		w.t.Fatalf("history of %s: %v", name, err)
	}
	last := int64(0)
	for i, e := range events {
		if e.ID != int64(i+1) || e.Schedule >= e.ID || e.Time < last {
			w.t.Errorf("%s of %s: event %d has id %d, schedule id %d, time %d after %d", name,
				f.Name, i+1, e.ID, e.Schedule, e.Time, last)
		}
		last = e.Time
		redriven := i+1 < len(events) && events[i+1].Type == flow.ExecutionRedriven
		end := e.Node < 0 && i > 0 && e.Type != flow.ExecutionRedriven
		if end != (redriven || x.Status.Final() && i == len(events)-1) {
			w.t.Errorf("%s of %s: event %d of %d is %v", name, f.Name, e.ID, len(events), e.Type)
		}
	}
	if int64(len(events)) != x.LastEvent {
		w.t.Errorf("%s of %s: %d events, the last one is %d", name, f.Name,
			len(events), x.LastEvent)
	}
	return events
}

// checkEnded checks how an execution ended, its history, and that its outbox is empty.
func (w *harness) checkEnded(f *store.Flow, name string, status flow.Status, output string) {
	w.t.Helper()
	x := w.load(f, name)
	got := ""
	if x.Output != nil {
		if err := w.store.LoadValues(context.Background(), x, []*flow.Value{x.Output}); err != nil {
			w.t.Fatal(err)
		}
		got = string(x.Output.Text())
	}
	if x.Status != status || output != "" && got != output {
		w.t.Errorf("%s of %s: %v %s %v, want %v %s", name, f.Name, x.Status, got, x.Error,
			status, output)
	}
	if x.Status.Final() && x.Wake != x.Expires {
		w.t.Errorf("%s of %s: wakes at %d, expires at %d", name, f.Name, x.Wake, x.Expires)
	}
	w.history(f, name)
}

// count counts the events of a type.
func (w *harness) count(f *store.Flow, name string, typ flow.EventType) int {
	w.t.Helper()
	n := 0
	for _, e := range w.history(f, name) {
		if e.Type == typ {
			n++
		}
	}
	return n
}

// tasks replaces the functions: does holds, by state, what a call does. It counts calls by
// idempotency key.
type tasks struct {
	mu     sync.Mutex
	does   map[string]func(ctx context.Context, r task.Request) task.Result
	calls  map[string]int    // by key
	states map[string]int    // by state
	tokens map[string]string // last token, by execution and state
}

func newTasks() *tasks {
	return &tasks{does: map[string]func(context.Context, task.Request) task.Result{},
		calls: map[string]int{}, states: map[string]int{}, tokens: map[string]string{}}
}

// on sets what a call of a state does.
func (k *tasks) on(state string, f func(ctx context.Context, r task.Request) task.Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.does[state] = f
}

// Run implements task.Runner. For a state without an entry in does it returns {"done":true}.
func (k *tasks) Run(ctx context.Context, r task.Request) task.Result {
	k.mu.Lock()
	k.calls[r.Key]++
	k.states[r.State]++
	k.tokens[r.Execution+"/"+r.State] = r.Token
	f := k.does[r.State]
	k.mu.Unlock()
	if f == nil {
		return task.Result{Output: []byte(`{"done":true}`)}
	}
	return f(ctx, r)
}

func (k *tasks) called(state string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.states[state]
}

func (k *tasks) token(execution, state string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.tokens[execution+"/"+state]
}

// repeated returns how many keys were called more than once.
func (k *tasks) repeated() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, c := range k.calls {
		if c > 1 {
			n++
		}
	}
	return n
}

// sleeping returns a task that returns output after d.
func sleeping(d time.Duration, output string) func(context.Context, task.Request) task.Result {
	return func(ctx context.Context, _ task.Request) task.Result {
		select {
		case <-time.After(d):
			return task.Result{Output: []byte(output)}
		case <-ctx.Done():
			return task.Fail("Cut", "the call was cut")
		}
	}
}
