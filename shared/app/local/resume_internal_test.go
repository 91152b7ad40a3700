package local

import (
	"context"
	"errors"
	"log/slog"
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

// fullQueue rejects every hint until a time.
type fullQueue struct {
	queue.Sender
	until time.Time
	taken int
}

func (q *fullQueue) Send(context.Context, ...queue.Hint) error {
	if time.Now().Before(q.until) {
		return errors.New("full")
	}
	q.taken++
	return nil
}

// TestResumeAgain: executions in flight are resumed as soon as store and queue work again, and
// retryResume stops when the server ends.
func TestResumeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := memstore.New()
		row := driver.Row{
			Key:     driver.Key{Partition: "x#f#one", Sort: "a"},
			Version: 1,
			Wake:    time.Now().UnixMilli(),
		}
		if err := mem.Put(t.Context(), []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
		q := &fullQueue{until: time.Now().Add(10 * time.Minute)}
		life, end := context.WithCancel(t.Context())
		a := &App{ctx: life, log: slog.New(slog.DiscardHandler), engine: engine.New(engine.Options{
			Store:    store.New(store.Options{Driver: mem}),
			Queue:    q,
			Topology: engine.Embedded,
			Limits:   flow.DefaultLimits(),
		})}
		began := time.Now()
		a.retryResume(errors.New("the first try"))
		if took := time.Since(began); q.taken != 1 || took > 11*time.Minute {
			t.Errorf("%d taken up after %v", q.taken, took)
		}
		q.until = time.Now().Add(time.Hour)
		time.AfterFunc(time.Minute, end)
		a.retryResume(errors.New("the first try"))
		if q.taken != 1 {
			t.Error("taken up after the end")
		}
	})
}
