package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/memstore"
	"millrace/shared/task"
)

// countingQueue is a queue that counts hints and delivers none.
type countingQueue struct{ sent atomic.Int64 }

func (d *countingQueue) Send(_ context.Context, messages ...queue.Hint) error {
	d.sent.Add(int64(len(messages)))
	return nil
}

const oneCall = `{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: A, States: [
  {Name: A, Type: Task, Action: "FC:InvokeFunction", End: true,
    Parameters: {resourceArn: "acs:fc:::functions/f", invocationType: Sync}}]}`

// TestHintAtTheEndOfAWorkSession: a hint that arrives at the end of another hint's session succeeds
// only if its work has been done or another hint was sent: either that session waits for the
// recheck, or the hint gets a session of its own.
func TestHintAtTheEndOfAWorkSession(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			s, q := store.New(store.Options{Driver: memstore.New()}), &countingQueue{}
			e := New(Options{Store: s, Queue: q, Topology: Functions, StoreExpires: true,
				Limits: flow.DefaultLimits(), CallTimeMax: 2 * time.Minute,
				Tasks: task.RunnerFunc(func(context.Context, task.Request) task.Result {
					calls.Add(1)
					return task.Result{Output: []byte(`{}`)}
				}),
				Compile: func(definition, mode string) (*flow.Machine, error) {
					m, _ := fdl.Parse([]byte(definition), fdl.Options{Mode: mode})
					return m, nil
				}})
			defer e.Close(t.Context())
			f := &store.Flow{Account: "a", Name: "f", ID: "id", Dialect: flow.StateMachine}
			if err := s.CreateFlow(t.Context(), f, oneCall, 0); err != nil {
				t.Fatal(err)
			}
			start := Start{Flow: f, Name: "one", Input: []byte(`{}`), Canonical: []byte(`{}`)}
			x, _, err := e.StartExecution(t.Context(), start)
			if err != nil {
				t.Fatal(err)
			}
			q.sent.Store(0)

			// A session that has nothing more to do, and ends as soon as it may.
			before, err := e.newWorkSession(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c := e.mailboxes.acquire(x.Partition())
			defer e.mailboxes.release(c)
			c.session = before
			if late {
				e.leaveSession(c, before)
			}
			s2, err := e.newWorkSession(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			on := e.joinSession(x.Partition(), s2)
			e.leaveSession(c, on)
			if err := on.await(t.Context()); err != nil {
				t.Fatal(err)
			}
			if (on == before) == late {
				t.Errorf("late %v: the hint stayed with the first work session: %v", late, on == before)
			}
			if calls.Load()+q.sent.Load() == 0 {
				t.Errorf(
					"late %v: the hint was answered with success, and nothing was called and no "+
						"other hint sent", late)
			}
		})
	}
}
