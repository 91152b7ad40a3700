package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// boundedQueue is a queue that counts hints, and drops them once there are too many.
type boundedQueue struct {
	queue.Sender
	sent *atomic.Int64
}

// tooMany is far above what a few minutes of these tests need.
const tooMany = 100

func (c boundedQueue) Send(ctx context.Context, messages ...queue.Hint) error {
	if c.sent.Add(int64(len(messages))) > tooMany {
		return nil
	}
	return c.Sender.Send(ctx, messages...)
}

// TestNoHintsWhileSending: while the second delivery of an outbox entry takes its time, hints that
// say that the entry is due must not cause more such hints.
func TestNoHintsWhileSending(t *testing.T) {
	for _, topology := range []engine.Topology{engine.Embedded, engine.Servers} {
		t.Run(fmt.Sprint("topology ", topology), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
				c := w.flow("child", oneWait)
				f := w.flow("parent",
					strings.Replace(fmt.Sprintf(parent, ", executionName: N"), "  End: true\n",
						"  Timeout: 5\n  Catch: [{Errors: [FnF.ALL], Next: B}]\n  End: true\n"+
							"- {Name: B, Type: Wait, Seconds: 300, End: true}\n", 1))
				var sent atomic.Int64
				h := w.open(func(o *engine.Options) {
					o.Topology = topology
					o.Queue = boundedQueue{o.Queue, &sent}
				})
				h.start(f, "one")
				time.Sleep(4 * time.Second)
				var tries atomic.Int64
				w.hooks(func(op string, k driver.Key) error {
					if op != memstore.OpCommit || k.Partition != store.Partition(c.ID, "N") {
						return nil
					}
					if tries.Add(1) == 1 {
						return store.ErrDiskFull
					}
					time.Sleep(40 * time.Second)
					return nil
				}, nil)
				time.Sleep(2 * time.Minute)
				if tries.Load() < 2 {
					t.Errorf("%d tries to stop the child", tries.Load())
				}
				w.checkEnded(c, "N", flow.Stopped, "")
				if n := sent.Load(); n > 20 {
					t.Errorf("%d hints were sent", n)
				}
				h.close()
			})
		})
	}
}

// recordingQueue is a queue that records the hints that are sent.
type recordingQueue struct{ partitions []string }

func (n *recordingQueue) Send(_ context.Context, messages ...queue.Hint) error {
	for _, m := range messages {
		n.partitions = append(n.partitions, m.Partition)
	}
	return nil
}

// TestResumeHintsExecutions: Resume sends no hints for other due rows, such as definitions; only
// the sweeper sees to them.
func TestResumeHintsExecutions(t *testing.T) {
	w := newHarness(t)
	soon := time.Now().Add(time.Minute).UnixMilli()
	key := func(partition, sort string) driver.Key {
		return driver.Key{Partition: partition, Sort: sort}
	}
	for _, k := range []driver.Key{key("x#f#one", "a"), key("x#f#one", "v#1#1#1#1"),
		key("d#f", "hash"), store.TombstoneKey("f"), store.NonceKey("n"),
		store.InvocationRecordKey("r", "f")} {
		if err := w.mem.Put(t.Context(),
			[]driver.Row{{Key: k, Version: 1, Wake: soon}}); err != nil {
			t.Fatal(err)
		}
	}
	q := &recordingQueue{}
	e := engine.New(
		engine.Options{Store: w.store, Queue: q, Topology: engine.Embedded, Limits: flow.DefaultLimits()})
	if err := e.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(q.partitions) != 1 || q.partitions[0] != "x#f#one" {
		t.Errorf("hints for %q", q.partitions)
	}
}

// refusingQueue is a queue that rejects a number of hints.
type refusingQueue struct {
	recordingQueue
	times int
}

func (q *refusingQueue) Send(ctx context.Context, messages ...queue.Hint) error {
	if q.times--; q.times >= 0 {
		return errors.New("the queue is full")
	}
	return q.recordingQueue.Send(ctx, messages...)
}

// TestResumeTellsWhatIsLeft: if an execution could not be resumed for a temporary reason, Resume
// returns an error, so that it is called again. A damaged row is no error, because it would stay
// one for ever.
func TestResumeTellsWhatIsLeft(t *testing.T) {
	w := newHarness(t)
	now := time.Now()
	put := func(partition string, wake time.Time) {
		row := driver.Row{Key: driver.Key{Partition: partition, Sort: "a"}, Version: 1,
			Wake: wake.UnixMilli()}
		row.Data = []byte("damaged")
		if err := w.mem.Put(t.Context(), []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	put("x#f#soon", now.Add(time.Minute))
	put("x#f#far", now.Add(time.Hour))
	q := &refusingQueue{times: 1}
	e := engine.New(
		engine.Options{Store: w.store, Queue: q, Topology: engine.Embedded, Limits: flow.DefaultLimits()})
	if err := e.Resume(t.Context()); err == nil {
		t.Error("the queue rejected a hint, and Resume returned no error")
	}
	if err := e.Resume(t.Context()); err != nil || len(q.partitions) != 1 {
		t.Errorf("%v, hints for %q", err, q.partitions)
	}
}
