// Package load drives a server from many clients and reports throughput and latencies. Each client
// sends its next request as soon as it has the response to the last one.
package load

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Options configure a run.
type Options struct {
	Clients int
	Warm    time.Duration // warm-up, not measured: connections are opened, caches filled
	Window  time.Duration // duration of the measurement
	// Do performs one counted operation. client counts from 0; turn counts the calls of that client
	// from 0. The first error ends the run.
	Do func(ctx context.Context, client, turn int) error
	// Begin and End are called when the window begins and ends, concurrently with the clients. They
	// may be nil.
	Begin, End func()
}

// Result holds what completed within the window.
type Result struct {
	Count     int
	Window    time.Duration
	Latencies []time.Duration // of the counted operations, in increasing order
}

// Run drives the server until the window has ended and operations in flight have completed. Only
// operations that complete within the window count.
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

// at calls f at a time, unless ctx ends first.
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

// drive runs one client.
func drive(ctx context.Context, o *Options, client int, begin, end time.Time) ([]time.Duration,
	error) {
	var latencies []time.Duration
	for turn := 0; ; turn++ {
		started := time.Now()
		if !started.Before(end) || ctx.Err() != nil {
			return latencies, nil
		}
		if err := o.Do(ctx, client, turn); err != nil {
			return nil, err
		}
		if finished := time.Now(); !finished.Before(begin) && finished.Before(end) {
			latencies = append(latencies, finished.Sub(started))
		}
	}
}

// PerSecond returns the number of operations per second.
func (r *Result) PerSecond() float64 { return float64(r.Count) / r.Window.Seconds() }

// Quantile returns the latency that a fraction q (0 to 1) of the operations did not exceed; 0 for
// an empty result.
func (r *Result) Quantile(q float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[min(int(q*float64(len(r.Latencies))), len(r.Latencies)-1)]
}

// Join merges two windows of the same measurement.
func Join(a, b *Result) *Result {
	r := &Result{Count: a.Count + b.Count, Window: a.Window + b.Window,
		Latencies: slices.Concat(a.Latencies, b.Latencies)}
	slices.Sort(r.Latencies)
	return r
}

// Each calls do n times from many clients, and ends at the first error.
func Each(ctx context.Context, clients, n int,
	do func(ctx context.Context, client, i int) error) error {
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
