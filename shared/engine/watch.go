package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/share"
	"millrace/shared/store"
)

// watchers holds the requests that wait for something to happen to executions.
type watchers struct {
	n  atomic.Int64 // channels in m, so that a commit that nobody watches takes no lock
	mu sync.Mutex
	m  map[string][]chan struct{}
}

func newWatchers() *watchers { return &watchers{m: map[string][]chan struct{}{}} }

// watch returns a channel that is closed when it next happens to the execution in this process.
func (w *watchers) watch(partition string) chan struct{} {
	ch := make(chan struct{})
	w.mu.Lock()
	w.m[partition] = append(w.m[partition], ch)
	w.n.Add(1)
	w.mu.Unlock()
	return ch
}

func (w *watchers) drop(partition string, ch chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.m[partition]
	for i := range list {
		if list[i] == ch {
			list = append(list[:i:i], list[i+1:]...)
			w.n.Add(-1)
			break
		}
	}
	if len(list) == 0 {
		delete(w.m, partition)
	} else {
		w.m[partition] = list
	}
}

// happened closes the channels of the execution.
func (w *watchers) happened(partition string) {
	if w.n.Load() == 0 {
		return
	}
	w.mu.Lock()
	list := w.m[partition]
	delete(w.m, partition)
	w.n.Add(-int64(len(list)))
	w.mu.Unlock()
	for _, ch := range list {
		close(ch)
	}
}

// An engine that shares its store polls a watched execution after pollIntervalMin, then after
// intervals that double up to pollIntervalMax. Most executions that a caller waits for end within
// moments, and in a function a second of waiting costs fifty times what a read does.
const (
	pollIntervalMin = 20 * time.Millisecond
	pollIntervalMax = time.Second
)

// Await returns the execution once it has ended, or as it is when wait is over or the engine
// closes.
func (e *Engine) Await(
	ctx context.Context, partition string, wait time.Duration,
) (*store.Execution, error) {
	return e.await(ctx, partition, wait, e.ends, func(x *store.Execution) bool {
		return x.Status.Final()
	})
}

// AwaitEvent returns the execution once it has the event with the id, or has ended, or as it is
// when wait is over or the engine closes.
func (e *Engine) AwaitEvent(
	ctx context.Context, partition string, id int64, wait time.Duration,
) (*store.Execution, error) {
	return e.await(ctx, partition, wait, e.changes, func(x *store.Execution) bool {
		return x.Status.Final() || x.LastEvent >= id
	})
}

// await returns the execution once isDone holds for it, or as it is when wait is over or the engine
// closes. It looks again whenever watched happens to the execution.
func (e *Engine) await(
	ctx context.Context, partition string, wait time.Duration, watched *watchers,
	isDone func(*store.Execution) bool,
) (*store.Execution, error) {
	if wait <= 0 {
		return e.Load(ctx, partition)
	}
	happened := watched.watch(partition)
	defer func() { watched.drop(partition, happened) }()
	x, err := e.Load(ctx, partition)
	if err != nil || isDone(x) {
		return x, err
	}
	if err := e.Shares.Polls.TryAcquire(x.Account, 1); err != nil {
		return nil, err
	}
	defer e.Shares.Polls.Release(x.Account, 1)
	share.ReleaseTurn(ctx)
	end := time.Now().Add(wait)
	pause := pollIntervalMin
	timer := time.NewTimer(e.nextPoll(end, pause))
	defer timer.Stop()
	for {
		select {
		case <-happened:
			happened = watched.watch(partition) // before the read, so that nothing is missed
			if x, err := e.Load(ctx, partition); err != nil || isDone(x) {
				return x, err
			}
		case <-e.closed:
			return e.Load(ctx, partition)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			x, err := e.Load(ctx, partition)
			if err != nil || isDone(x) || time.Until(end) <= 0 {
				return x, err
			}
			pause = min(2*pause, pollIntervalMax)
			timer.Reset(e.nextPoll(end, pause))
		}
	}
}

// nextPoll returns how long to wait before the next read of the execution: until end and, for an
// engine that shares its store, no longer than pause.
func (e *Engine) nextPoll(end time.Time, pause time.Duration) time.Duration {
	left := time.Until(end)
	if e.ownsStore() {
		return left
	}
	return min(left, pause)
}
