package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue/memqueue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

const waitsForAsyncResult = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: A
States:
- {Name: A, Type: Task, Action: 'FC:InvokeFunction', TaskMode: WaitForCustomCallback,
   Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, End: true}
`

// errTransient is a fault that goes away: a retry helps.
var errTransient = errors.New("a passing fault")

// transientFaults fails calls of store and queue at random, before or after they take effect, until
// it has no faults left.
type transientFaults struct {
	mu     sync.Mutex
	chance *rand.Rand
	left   int
}

func (p *transientFaults) hook(string, driver.Key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 || p.chance.IntN(5) > 0 {
		return nil
	}
	p.left--
	return errTransient
}

// tokens records the token of each execution's task. The calls themselves return nothing useful.
type tokens struct {
	mu sync.Mutex
	of map[string]string
}

func (k *tokens) Run(_ context.Context, r task.Request) task.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.of[r.Execution] = r.Token
	return task.Result{Output: []byte(`{}`)}
}

// TestAsyncResultsUnderTransientFaults: store and queue fail for a while as async results arrive.
// Some arrive before their invocation record, some twice; each is delivered again until it is
// acknowledged. Each counts once, for its own task, even though async results without a record are
// dropped.
func TestAsyncResultsUnderTransientFaults(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runTransientFaults(t,
					rand.New(rand.NewPCG(seed, 1)))
			})
		})
	}
}

func runTransientFaults(t *testing.T, chance *rand.Rand) {
	const tasks = 4
	ctx := context.Background()
	p, mem, q := &transientFaults{chance: chance}, memstore.New(), memqueue.New(memqueue.Options{})
	mem.Before, mem.After = p.hook, p.hook
	s, k := store.New(store.Options{Driver: mem}), &tokens{of: map[string]string{}}
	var records []string // content of the queue
	o := newAsyncResults(mem, nil)
	o.engine = engine.New(engine.Options{
		Store:    s,
		Queue:    q,
		Compile:  fdl.Compiler(flow.DefaultLimits()),
		Limits:   flow.DefaultLimits(),
		Tasks:    task.NewTable(map[string]task.Runner{"FC:InvokeFunction": k}, nil),
		Topology: engine.Embedded,
		Log:      slog.New(slog.DiscardHandler),
	})
	o.output = func(
		_ *task.Request, id string, payload []byte) task.Result {
		return task.Result{Output: payload}
	}
	o.resend = func(_ context.Context, text []byte, _ time.Duration) error {
		err := p.hook("", driver.Key{})
		if err == nil || chance.IntN(2) == 0 { // failed, or sent with the result lost
			records = append(records, string(text))
		}
		return err
	}
	f := &store.Flow{Account: "1", Name: "f", ID: "id"}
	if err := s.CreateFlow(ctx, f, waitsForAsyncResult, 0); err != nil {
		t.Fatal(err)
	}
	name := func(i int) string { return fmt.Sprint("x", i) }
	for i := range tasks {
		if _, _, err := o.engine.StartExecution(ctx,
			engine.Start{
				Flow:      f,
				Name:      name(i),
				Input:     []byte(`{}`),
				Canonical: []byte(`{}`),
			}); err != nil {
			t.Fatal(err)
		}
		record := fmt.Sprintf(
			`{"requestContext":{"requestId":"r%d","functionArn":"f@1","condition":"Success"},`+
				`"responseContext":{},"responsePayload":{"of":%d}}`, i, i)
		for range 1 + chance.IntN(2) {
			records = append(records, record)
		}
	}
	synctest.Wait()
	if len(k.of) != tasks {
		t.Fatalf("%d of %d tasks were called", len(k.of), tasks)
	}
	p.left = 40
	writeRecord := func(i int) {
		for o.Record(ctx, fmt.Sprint("r", i),
			task.InvocationRecord{Account: "1", Token: k.of[name(i)], Function: "f"}) != nil {
		}
	}
	for i := range tasks / 2 {
		writeRecord(i)
	}
	for turn := 0; len(records) > 0; turn++ {
		if turn == tasks {
			for i := tasks / 2; i < tasks; i++ {
				writeRecord(i)
			}
		}
		i := chance.IntN(len(records))
		text := records[i]
		records = append(records[:i:i], records[i+1:]...)
		if err := o.handle(ctx, recordOf(t, text)); err != nil {
			records = append(records, text) // not acknowledged: the queue delivers it again
		}
		time.Sleep(time.Second)
	}
	time.Sleep(time.Minute)
	p.left = 0
	for i := range tasks {
		checkAsyncResultCounted(t, s, store.Partition(f.ID, name(i)), fmt.Sprintf(`{"of":%d}`, i))
	}
	end, cancel := context.WithCancel(ctx)
	cancel()
	o.engine.Close(end)
	q.Close()
}

// checkAsyncResultCounted checks that an execution ended with an output and that its history has
// one end of a task.
func checkAsyncResultCounted(t *testing.T, s *store.Store, partition, output string) {
	t.Helper()
	x, err := s.Load(t.Context(), partition)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Events(t.Context(), x, 1, int(x.LastEvent))
	if err != nil {
		t.Fatal(err)
	}
	ends := 0
	for _, e := range events {
		if e.Type == flow.TaskSucceeded || e.Type == flow.TaskFailed {
			ends++
		}
	}
	got := ""
	if x.Output != nil {
		got = string(x.Output.Text())
	}
	if x.Status != flow.Succeeded || got != output || ends != 1 {
		t.Errorf("%s is %v with %q, and its task has ended %d times; want %s", partition, x.Status,
			got, ends, output)
	}
}
