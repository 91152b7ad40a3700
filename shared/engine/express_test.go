package engine_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/task"
)

// TestExpress: the same interpreter in memory. Nothing is written, and timeouts are kept.
func TestExpress(t *testing.T) {
	define := func(w *harness, name, states string) *store.Flow {
		return w.define(name, flow.Express,
			strings.ReplaceAll("Type: StateMachine\nSpecVersion: v1\nName: "+
				name+"\nTimeout: 20\nStartAt: A\nStates:\n"+states, "CALL",
				"Type: Task, Action: 'FC:InvokeFunction', "+
					"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}"))
	}
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		w.tasks.on("A", func(ctx context.Context, r task.Request) task.Result {
			switch r.Flow {
			case "slow", "slow2", "slower", "slowest":
				<-ctx.Done()
				return task.Fail("HTTP.RequestFailed", "cut off")
			case "bad":
				return task.Fail("Bad", "it is")
			case "panics":
				panic("oh")
			}
			return task.Result{Output: []byte(`{"a": 1}`)}
		})
		h := w.open(nil)
		for _, c := range []struct {
			flow   *store.Flow
			status flow.Status
			want   string
			took   time.Duration
		}{
			{define(w, "good", "- {Name: A, CALL, End: true}\n"), flow.Succeeded, `{"a":1}`, 0},
			{define(w, "waits", "- {Name: A, Type: Wait, Seconds: 3, End: true}\n"), flow.Succeeded,
				`{"n":1}`, 3 * time.Second},
			{define(w, "bad", "- {Name: A, CALL, Retry: [{Errors: [Bad], MaxAttempts: 2, "+
				"IntervalSeconds: 1, BackoffRate: 2}], End: true}\n"),
				flow.Failed, "Bad", 3 * time.Second},
			{define(w, "panics", "- {Name: A, CALL, End: true}\n"), flow.Failed, "FC.Unknown", 0},
			{define(w, "slow", "- {Name: A, CALL, Timeout: 2, End: true}\n"), flow.Failed,
				flow.ErrTaskTimeout, 2 * time.Second},
			{define(w, "slower", "- {Name: A, CALL, End: true}\n"), flow.TimedOut,
				flow.ErrExecutionTimedOut, 20 * time.Second},
			{define(w, "many", "- Name: A\n  Type: Map\n  InputConstructor: {items: "+items(200)+
				"}\n  ItemsPath: $Input.items\n  Processor:\n    StartAt: B\n    States:\n"+
				"    - {Name: B, CALL, End: true}\n"+
				"  OutputConstructor: {n.$: 'length($Output.Items)'}\n  End: true\n"),
				flow.Succeeded, `{"n":200}`, 0},
		} {
			began := time.Now()
			x, err := h.RunSync(context.Background(), starting(c.flow, "sync"))
			if err != nil {
				t.Fatalf("%s: %v", c.flow.Name, err)
			}
			got := ""
			if x.Output != nil {
				got = string(x.Output.Text())
			} else if x.Error != nil {
				got = x.Error.Name
			}
			if x.Status != c.status || got != c.want ||
				time.Since(began).Truncate(time.Second) != c.took {
				t.Errorf("%s: %v %s after %v, want %v %s", c.flow.Name, x.Status, got,
					time.Since(began), c.status, c.want)
			}
			if n := w.commitsTried(c.flow, "sync"); n > 0 {
				t.Errorf("%s: %d commits", c.flow.Name, n)
			}
		}
		slow := define(w, "slow2", "- {Name: A, CALL, Timeout: 2, End: true}\n")
		for range 30 { // the call and its timer end at the same instant, in any order
			if x, err := h.RunSync(context.Background(), starting(slow, "sync")); err != nil ||
				x.Error.Name != flow.ErrTaskTimeout {
				t.Fatalf("%+v, %v", x.Error, err)
			}
		}
		slow = define(w, "slowest", "- {Name: A, CALL, End: true}\n")
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := h.RunSync(ctx, starting(slow, "left")); err != context.DeadlineExceeded {
			t.Errorf("the caller left: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			h.close()
		}()
		if _, err := h.RunSync(context.Background(), starting(slow, "closed")); err == nil {
			t.Error("the engine closed, and RunSync returned no error")
		}
		time.Sleep(time.Minute)
	})
}
