package engine_test

import (
	"context"
	"errors"
	"sync/atomic"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// losingDriver is a store whose next commits of state rows fail for one process: with a conflict,
// or with an unknown outcome.
type losingDriver struct {
	driver.Driver
	lose  atomic.Int32 // how many more commits fail
	err   error
	tried atomic.Int32
	// onInboxWrite is called for the write of an inbox entry; nil: apply.
	onInboxWrite func(apply func() error) error
}

func (s *losingDriver) Commit(
	ctx context.Context, puts []driver.Row, cas driver.Row, cond driver.Condition,
) error {
	apply := func() error { return s.Driver.Commit(ctx, puts, cas, cond) }
	if cas.Sort == "a" {
		s.tried.Add(1)
		if s.lose.Add(-1) >= 0 {
			return s.err
		}
	} else if s.onInboxWrite != nil && store.IsInboxEntry(cas.Key) {
		return s.onInboxWrite(apply)
	}
	return apply()
}

// acceptor is a caller that reports and stops through an acceptor of its own.
type acceptor struct {
	*engine.Engine
	*losingDriver
}

// newAcceptor returns an acceptor that loses its next n commits. Its hints go to the queue of h;
// nil: they are lost.
func (w *harness) newAcceptor(h *node, n int32) *acceptor {
	o := &acceptor{losingDriver: &losingDriver{Driver: w.mem, err: store.ErrConflict}}
	o.lose.Store(n)
	options := engine.Options{
		Store: store.New(store.Options{Driver: o.losingDriver, TailBytes: 200}),
		Queue: discardQueue{}, Compile: compile,
		Limits: flow.DefaultLimits(), Region: "local", Topology: engine.Functions}
	if h != nil {
		options.Queue = h.queue
	}
	o.Engine = engine.New(options)
	w.t.Cleanup(func() { o.Engine.Close(context.Background()) })
	return o
}

const always = 1 << 30

// inboxEntries returns the inbox of an execution.
func (w *harness) inboxEntries(f *store.Flow, name string) []driver.Row {
	w.t.Helper()
	rows, _, err := w.mem.Range(context.Background(),
		driver.Range{Partition: store.Partition(f.ID, name), From: "b#", To: "c"})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// checkInboxEmpty checks that an inbox is empty.
func (w *harness) checkInboxEmpty(f *store.Flow, name string) {
	w.t.Helper()
	if rows := w.inboxEntries(f, name); len(rows) != 0 {
		w.t.Errorf("%d inbox entries are left: %v", len(rows), rows[0].Key)
	}
}

// scheduledID returns the id in the token of an execution's only task.
func (w *harness) scheduledID(f *store.Flow, name string) int64 {
	w.t.Helper()
	for _, e := range w.history(f, name) {
		if e.Type == flow.TaskScheduled {
			return e.ID
		}
	}
	w.t.Fatal("nothing is scheduled")
	return 0
}

func reportBy(who string) engine.Report {
	return engine.Report{Output: []byte(`{"by":"` + who + `"}`)}
}

// checkReported checks the result of a report. With want nil the report must have succeeded, and
// id must be its event.
func (w *harness) checkReported(
	f *store.Flow, name, who string, id int64, err, want error,
) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("%s was told %v, want %v", who, err, want)
	}
	if err != nil {
		return
	}
	if e := w.history(f, name)[id-1]; e.Type != flow.TaskSucceeded ||
		string(e.Output.Text()) != `{"by":"`+who+`"}` {
		w.t.Errorf("%s was told event %d, which is %v %s", who, id, e.Type, e.Output.Text())
	}
}
