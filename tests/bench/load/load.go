// Package load drives a server from many clients, each of which asks again as soon as it has been answered, and tells
// how much came through and how long it took.
package load

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Options of a run.
type Options struct {
	Clients int
	Warm    time.Duration // not measured: connections are made, caches filled
	Window  time.Duration // measured
	// Do is one thing that is counted. client is from 0, turn counts that client's calls from 0. Its first error ends
	// the run.
	Do func(ctx context.Context, client, turn int) error
	// Begin and End are called when the window begins and ends, beside the clients; they may be nil.
	Begin, End func()
}

// Result is what came through in the window.
type Result struct {
	Count     int
	Window    time.Duration
	Latencies []time.Duration // of what is counted, the shortest first
}

// Run drives until the window is over and what is in flight has been answered; only what was answered inside the window
// counts.
func Run(ctx context.Context, o Options) (*Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := time.Now().Add(o.Warm)
	end := begin.Add(o.Window)
	latencies := make([][]time.Duration, o.Clients)
	var all sync.WaitGroup
	all.Go(func() { at(ctx, begin, o.Begin) })
	all.Go(func() { at(ctx, end, o.End) })
	for client := range o.Clients {
		all.Go(func() {
			var err error
			if latencies[client], err = drive(ctx, &o, client, begin, end); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	r := &Result{Window: o.Window, Latencies: slices.Concat(latencies...)}
	slices.Sort(r.Latencies)
	r.Count = len(r.Latencies)
	return r, nil
}

// at calls f at a time, unless ctx is done before.
func at(ctx context.Context, when time.Time, f func()) {
	if f == nil {
		return
	}
	t := time.NewTimer(time.Until(when))
	defer t.Stop()
	select {
	case <-t.C:
		f()
	case <-ctx.Done():
	}
}

// drive is one client.
func drive(ctx context.Context, o *Options, client int, begin, end time.Time) ([]time.Duration, error) {
	var latencies []time.Duration
	for turn := 0; ; turn++ {
		asked := time.Now()
		if !asked.Before(end) || ctx.Err() != nil {
			return latencies, nil
		}
		if err := o.Do(ctx, client, turn); err != nil {
			return nil, err
		}
		if answered := time.Now(); !answered.Before(begin) && answered.Before(end) {
			latencies = append(latencies, answered.Sub(asked))
		}
	}
}

// PerSecond is how many came through in a second.
func (r *Result) PerSecond() float64 { return float64(r.Count) / r.Window.Seconds() }

// Quantile gives the latency that a part q of all (0 to 1) did not exceed; 0 of an empty result.
func (r *Result) Quantile(q float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[min(int(q*float64(len(r.Latencies))), len(r.Latencies)-1)]
}

// Join is two windows of the same thing taken together.
func Join(a, b *Result) *Result {
	r := &Result{Count: a.Count + b.Count, Window: a.Window + b.Window, Latencies: slices.Concat(a.Latencies, b.Latencies)}
	slices.Sort(r.Latencies)
	return r
}

// Each does something n times from many clients, and ends at the first error.
func Each(ctx context.Context, clients, n int, do func(ctx context.Context, client, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for client := range clients {
		all.Go(func() {
			for i := client; i < n && ctx.Err() == nil; i += clients {
				if err := do(ctx, client, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
