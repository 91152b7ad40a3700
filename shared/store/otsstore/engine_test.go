package otsstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/shared/task"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// definition has a call, a wait that only a timer or the sweeper ends, branches, and a value that
// is too long for its row.
const definition = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: Call
States:
- {Name: Call, Type: Task, Action: 'FC:InvokeFunction',
   Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, Next: Wait}
- {Name: Wait, Type: Wait, Seconds: 250, Next: Both}
- Name: Both
  Type: Parallel
  Branches:
  - StartAt: Left
    States:
    - {Name: Left, Type: Task, Action: 'FC:InvokeFunction',
       Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, End: true}
  - StartAt: Right
    States:
    - {Name: Right, Type: Task, Action: 'FC:InvokeFunction',
       Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, End: true}
  End: true
`

func compile(definition, mode string) (*flow.Machine, error) {
	m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: mode})
	if m == nil {
		return nil, fdl.Fault(diagnostics)
	}
	return m, nil
}

// callCounter counts the calls of tasks by their key.
type callCounter struct {
	mu sync.Mutex
	by map[string]int
}

func (c *callCounter) Run(ctx context.Context, r task.Request) task.Result {
	c.mu.Lock()
	c.by[r.Key]++
	c.mu.Unlock()
	select {
	case <-time.After(2 * time.Second):
	case <-ctx.Done():
	}
	return task.Result{Output: []byte(fmt.Sprintf(`{"x":"%01000d"}`, 7))}
}

// startServer starts what one process runs: an engine with a queue of its own, and a sweeper.
func startServer(t *testing.T, s *store.Store, tasks task.Runner) *engine.Engine {
	q := memqueue.New(memqueue.Options{Workers: 8})
	log := slog.New(
		slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	r := engine.New(engine.Options{Store: s, Queue: q,
		Tasks:   task.NewTable(map[string]task.Runner{"FC:InvokeFunction": tasks}, nil),
		Compile: compile, Limits: flow.DefaultLimits(), Region: "cn-hangzhou", Log: log})
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { q.Consume(ctx, r.HandleHint) })
	work.Go(func() {
		for ctx.Err() == nil {
			r.Sweep(ctx)
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		stop()
		r.Close(ctx)
		q.Close()
		work.Wait()
	})
	return r
}

// TestTwoRunners: two engines share tables that lag, are busy, report conflicts and lose responses.
// Of fifty callers that race for a name, one starts it. Every execution ends, with a history
// without gaps, and no task has a second attempt.
func TestTwoRunners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := tablestore.New(tablestore.Options{IndexLag: 300 * time.Millisecond})
		rows := open(t, server, otsstore.Options{})
		server.SetFault(tablestore.Chance{Seed: 5, Busy: 0.03, Conflict: 0.03, Drop: 0.02,
			Lose: 0.03, Timeout: 0.02, Latency: 10 * time.Millisecond}.Hook())
		s := store.New(store.Options{Driver: rows, TailBytes: 3 << 10})
		f := &store.Flow{Account: "1234567890123456", Name: "f", ID: "f1", Mode: flow.Standard}
		if err := s.CreateFlow(t.Context(), f, definition, 0); err != nil {
			t.Fatal(err)
		}
		tasks := &callCounter{by: map[string]int{}}
		engines := []*engine.Engine{startServer(t, s, tasks), startServer(t, s, tasks)}
		const names = 6
		var created [names]atomic.Int64
		var runs sync.Map
		var callers sync.WaitGroup
		for i := range 50 * names {
			callers.Go(func() {
				n := i % names
				x, ours, err := engines[i/names%2].StartExecution(t.Context(),
					engine.Start{Flow: f, Name: fmt.Sprint("run", n), Input: []byte(`{"n":1}`),
						Canonical: []byte(`{"n":1}`)})
				if err != nil {
					t.Errorf("start: %v", err)
					return
				}
				if ours {
					created[n].Add(1)
				}
				runs.Store(fmt.Sprint(n, " ", x.Run), true)
			})
		}
		callers.Wait()
		different := 0
		runs.Range(func(any, any) bool { different++; return true })
		if different != names {
			t.Errorf("%d runs of %d names", different, names)
		}
		time.Sleep(20 * time.Minute)
		for n := range names {
			if c := created[n].Load(); c != 1 {
				t.Errorf("run%d was started by %d", n, c)
			}
			wantSucceeded(t, s, f, fmt.Sprint("run", n))
		}
		if len(tasks.by) != 3*names {
			t.Errorf("%d attempts, want %d", len(tasks.by), 3*names)
		}
		list, _, err := s.Driver().List(t.Context(), driver.ListRange{Group: "flows"})
		if err != nil || len(list) != 1 {
			t.Errorf("%d flows are listed, %v", len(list), err)
		}
	})
}

func wantSucceeded(t *testing.T, s *store.Store, f *store.Flow, name string) {
	t.Helper()
	x, err := s.Load(t.Context(), store.Partition(f.ID, name))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if x.Status != flow.Succeeded {
		t.Errorf("%s: %v %v", name, x.Status, x.Error)
	}
	events, err := s.Events(t.Context(), x, 1, 1000)
	if err != nil || int64(len(events)) != x.LastEvent {
		t.Errorf("%s: %d events of %d, %v", name, len(events), x.LastEvent, err)
	}
	for i, e := range events {
		if e.ID != int64(i+1) {
			t.Errorf("%s: event %d has the id %d", name, i+1, e.ID)
		}
	}
}
