package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/queue/memqueue"
	"millrace/shared/rpc/client"
	"millrace/shared/rpc/server"
	"millrace/shared/store"
	"millrace/shared/store/pebblestore"
	"millrace/shared/task"
)

// counting counts the messages that a full queue rejects.
type counting struct {
	*memqueue.Queue
	full atomic.Int64
}

func (c *counting) Send(ctx context.Context, messages ...queue.Hint) error {
	err := c.Queue.Send(ctx, messages...)
	if errors.Is(err, memqueue.ErrFull) {
		c.full.Add(1)
	}
	return err
}

// TestFullQueue: a queue with space for two hints rejects nearly all of them. The sweeps find the
// executions anyway.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	driver, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: t.TempDir(),
		FreeFloor: -1})
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(store.Options{Driver: driver, Exclusive: true})
	q := &counting{Queue: memqueue.New(memqueue.Options{Capacity: 2, Workers: 1})}
	limits := flow.DefaultLimits()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	r := engine.New(engine.Options{Store: s, Queue: q, Tasks: task.NewTable(nil, nil),
		Limits: limits, Log: log, Topology: engine.Embedded,
		Compile: func(text, mode string) (*flow.Machine, error) {
			m, bad := fdl.Parse([]byte(text), fdl.Options{Mode: mode, Limits: limits})
			if m == nil {
				return nil, fdl.Fault(bad)
			}
			return m, nil
		}})
	api := cloudflow.New(cloudflow.Options{Store: s, Engine: r, Limits: limits, Log: log})
	host := httptest.NewServer(server.NewHandler(server.Options{API: api}))
	life, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() { q.Consume(life, r.HandleHint) })
	work.Go(func() {
		for life.Err() == nil {
			if err := r.Sweep(life); err != nil && life.Err() == nil {
				t.Error(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
	})
	t.Cleanup(func() {
		host.Close()
		stop()
		r.Close(context.Background())
		q.Close()
		work.Wait()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(client.Options{Endpoint: host.URL})
	if err != nil {
		t.Fatal(err)
	}
	flows(t, c)
	known := acknowledged{}
	var mu sync.Mutex
	var starting sync.WaitGroup
	for w := range 10 { // concurrently, because each hint leaves the queue after a second
		starting.Go(func() {
			mine := acknowledged{}
			for i := range 20 {
				if err := mine.start(c, "waits", fmt.Sprintf("x%d-%d", w, i), "{}"); err != nil {
					t.Errorf("a full queue refuses a start: %v", err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(known, mine)
		})
	}
	starting.Wait()
	known.check(t, c)
	if q.full.Load() < 100 {
		t.Errorf("the queue was full %d times only", q.full.Load())
	}
}
