package clouds

import (
	"context"
	"sync"
	"testing"
	"time"

	"millrace/shared/store/driver"
)

// Background is what runs in a deployment without requests: it brings messages to the step runner,
// and triggers the sweeper. It ends with the test.
type Background struct {
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Ticks configures the sweeper's ticks.
type Ticks struct {
	Sweep func()        // triggers one
	Every time.Duration // interval; 0: 2 s; negative: none

	// With Skip a tick comes only when Clock has moved to the next due time, which it does when
	// nothing is active. Rows are read without injected faults.
	Skip  bool
	Clock *Clock
	Idle  func() bool
	Rows  driver.Driver
}

// StartBackground starts a Background, which calls bring and triggers ticks.
func StartBackground(t testing.TB, bring func(context.Context), ticks Ticks) *Background {
	ctx, stop := context.WithCancel(context.Background())
	l := &Background{stop: stop}
	t.Cleanup(l.End)
	l.Go(func() { bring(ctx) })
	if ticks.Every == 0 {
		ticks.Every = 2 * time.Second
	}
	switch {
	case ticks.Skip:
		l.Go(func() {
			if err := ticks.Clock.Skip(ctx, ticks.Idle, ticks.Rows, ticks.Sweep); err != nil {
				t.Error(err)
			}
		})
	case ticks.Every > 0:
		l.Go(func() { again(ctx, ticks.Every, ticks.Sweep) })
	}
	return l
}

// Go runs f as well. The caller must end f before the test ends.
func (l *Background) Go(f func()) { l.running.Go(f) }

// End stops everything and waits for the end.
func (l *Background) End() {
	l.stop()
	l.running.Wait()
}

// again calls f repeatedly.
func again(ctx context.Context, every time.Duration, f func()) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			f()
		case <-ctx.Done():
			return
		}
	}
}
