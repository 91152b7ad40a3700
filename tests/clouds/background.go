package clouds

import (
	"context"
	"sync"
	"testing"
	"time"

	"millrace/shared/store"
)

// Background is what goes on in a deployment by itself: messages are brought to the step runner, and the sweeper's tick comes. It
// ends with the test.
type Background struct {
	stop    context.CancelFunc
	running sync.WaitGroup
}

// Ticks say when the sweeper's tick comes.
type Ticks struct {
	Sweep func()        // lets it come
	Every time.Duration // between two; 0: 2 s; negative: none

	// With Skip they come when Clock has moved on by itself to whatever is due next, which it does when nothing goes on, and
	// not else. Rows are looked at past all faults.
	Skip  bool
	Clock *Clock
	Idle  func() bool
	Rows  store.Driver
}

// StartBackground starts it.
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

// Go lets f go on as well. Somebody must end it before the test does.
func (l *Background) Go(f func()) { l.running.Go(f) }

// End ends everything and waits for that.
func (l *Background) End() {
	l.stop()
	l.running.Wait()
}

// again calls f again and again.
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
