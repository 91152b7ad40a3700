package engine_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/task"
)

// TestCoalesce: in functions, calls of one execution that complete within a moment are committed
// together.
func TestCoalesce(t *testing.T) {
	for name, commitsMax := range map[string]int{"functions": 30, "servers": 110} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				var h *node
				if h = w.open(sharedStore); name == "functions" {
					h = w.deploy(5*time.Minute, func(o *engine.Options) {
						o.StoreExpires = true
					}).node
				}
				var n atomic.Int64
				w.tasks.on("P", func(ctx context.Context, q task.Request) task.Result {
					return sleeping(
						time.Duration(50+n.Add(1)*37%100)*time.Millisecond, `{}`)(ctx, q)
				})
				f := w.flow("f", "- Name: A\n  Type: Map\n  InputConstructor: {items: "+items(100)+
					"}\n  ItemsPath: $Input.items\n  Processor: {StartAt: P, States: [{Name: P, "+
					"CALL, End: true}]}\n  End: true\n")
				h.start(f, "one")
				time.Sleep(time.Minute)
				w.history(f, "one")
				x := w.load(f, "one")
				if x.Status != flow.Succeeded {
					t.Errorf("%v %v", x.Status, x.Error)
				}
				if c := w.commitsTried(f, "one"); c > commitsMax || name == "servers" && c < 90 {
					t.Errorf("%d commits", c)
				}
				if took := x.Stopped - x.Started; took > 500 {
					t.Errorf("it took %d ms", took)
				}
			})
		})
	}
}

// TestCoalesceEndsAtAHint: a hint that arrives while completed calls wait for more ends the wait.
func TestCoalesceEndsAtAHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		var n atomic.Int64
		w.tasks.on("P", func(ctx context.Context, q task.Request) task.Result {
			return sleeping(time.Duration(50+n.Add(1)*37%100)*time.Millisecond, `{}`)(ctx, q)
		})
		f := w.flow("f", "- Name: A\n  Type: Map\n  InputConstructor: {items: "+items(100)+
			"}\n  ItemsPath: $Input.items\n  Processor: {StartAt: P, States: [{Name: P, "+
			"CALL, End: true}]}\n  End: true\n")
		d.start(f, "one")
		for range 100 {
			time.Sleep(2 * time.Millisecond)
			d.work.Go(func() {
				d.invoke(context.Background(), 5*time.Minute, store.Partition(f.ID, "one"))
			})
		}
		time.Sleep(time.Minute)
		if x := w.load(f, "one"); x.Status != flow.Succeeded {
			t.Errorf("%v %v", x.Status, x.Error)
		}
		if c := w.commitsTried(f, "one"); c < 35 {
			t.Errorf("%d commits: the hints ended no wait", c)
		}
	})
}

// TestCoalesceOnlyCompletedCalls: a call that completes after an idle window is committed at once,
// even while another call is in flight. So are the last of several calls, and messages from
// outside.
// the last one of several, and what comes from outside.
func TestCoalesceOnlyCompletedCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		d := w.deploy(5*time.Minute, nil)
		w.tasks.on("A", sleeping(30*time.Millisecond, `{}`))
		for i := 1; i < 5; i++ {
			w.tasks.on("T"+string(rune('0'+i)), sleeping(30*time.Millisecond, `{}`))
		}
		w.tasks.on("Long", sleeping(time.Minute, `{}`))
		w.tasks.on("Soon", sleeping(10*time.Millisecond, `{}`))
		took := func(states string) int64 {
			f := w.flow("f"+time.Now().Format("150405"), states)
			d.start(f, "one")
			time.Sleep(2 * time.Minute)
			x := w.load(f, "one")
			if x.Status != flow.Succeeded {
				t.Errorf("%v %v", x.Status, x.Error)
			}
			return x.Stopped - x.Started
		}
		if ms := took(tasksInARow(5)); ms != 150 {
			t.Errorf("five calls of 30 ms in a row took %d ms", ms)
		}
		in := func(name, states string) string {
			return "  - StartAt: " + name + "\n    States:\n    " +
				strings.ReplaceAll(strings.TrimSpace(states), "\n", "\n    ") + "\n"
		}
		if ms := took("- Name: A\n  Type: Parallel\n  Branches:\n" +
			in("T4", "- {Name: T4, CALL, End: true}") +
			in("Soon", "- {Name: Soon, CALL, End: true}") + "  End: true\n"); ms != 30 {
			t.Errorf("calls of 10 and 30 ms took %d ms", ms)
		}

		// One call takes long. Those beside it, which complete more than a window apart, do not
		// wait.
		f := w.flow("beside", "- Name: A\n  Type: Parallel\n  Branches:\n"+
			in("Long", "- {Name: Long, CALL, End: true}")+
			in("T1", "- {Name: T1, CALL, Next: T2}\n- {Name: T2, CALL, Next: T3}\n"+
				"- {Name: T3, CALL, End: true}")+"  End: true\n")
		d.start(f, "one")
		time.Sleep(5 * time.Second)
		began := w.load(f, "one").Started
		var last int64
		for _, e := range w.history(f, "one") {
			if e.Type == flow.TaskSucceeded {
				last = e.Time
			}
		}
		if last-began != 90 {
			t.Errorf("three calls of 30 ms in a row beside a long one took %d ms", last-began)
		}

		// A stop does not wait for calls to complete.
		w.tasks.on("T2", sleeping(20*time.Millisecond, `{}`))
		d.start(f, "two")
		time.Sleep(52 * time.Millisecond) // T2 has completed and waits
		before := time.Now()
		if _, err := d.worker.Stop(context.Background(), store.Partition(f.ID, "two"),
			nil); err != nil {
			t.Error(err)
		}
		if since := time.Since(before); since != 0 {
			t.Errorf("the stop took %v", since)
		}
		time.Sleep(time.Second)
		w.checkEnded(f, "two", flow.Stopped, "")
	})
}
