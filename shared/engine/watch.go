package engine

import (
	"context"
	"sync"
	"time"

	"millrace/shared/share"
	"millrace/shared/store"
)

// watchers holds the requests that wait for the end of executions.
type watchers struct {
	mu sync.Mutex
	m  map[string][]chan struct{}
}

func newWatchers() *watchers { return &watchers{m: map[string][]chan struct{}{}} }

// watch returns a channel that is closed when the execution ends in this process.
func (w *watchers) watch(partition string) chan struct{} {
	ch := make(chan struct{})
	w.mu.Lock()
	w.m[partition] = append(w.m[partition], ch)
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
			break
		}
	}
	if len(list) == 0 {
		delete(w.m, partition)
	} else {
		w.m[partition] = list
	}
}

func (w *watchers) ended(partition string) {
	w.mu.Lock()
	list := w.m[partition]
	delete(w.m, partition)
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
	if wait <= 0 {
		return e.Load(ctx, partition)
	}
	ended := e.watchers.watch(partition)
	defer e.watchers.drop(partition, ended)
	x, err := e.Load(ctx, partition)
	if err != nil || x.Status.Final() {
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
		case <-ended:
			return e.Load(ctx, partition)
		case <-e.closed:
			return e.Load(ctx, partition)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			x, err := e.Load(ctx, partition)
			if err != nil || x.Status.Final() || time.Until(end) <= 0 {
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
