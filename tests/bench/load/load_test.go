package load_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/tests/bench/load"
)

func TestRun(t *testing.T) {
	var began, ended, calls atomic.Int64
	var turns [4]int
	r, err := load.Run(t.Context(), load.Options{Clients: 4, Warm: 10 * time.Millisecond,
		Window: 50 * time.Millisecond,
		Begin:  func() { began.Add(1) }, End: func() { ended.Add(1) },
		Do: func(_ context.Context, client, turn int) error {
			if turn != turns[client] {
				t.Errorf("client %d: turn %d after %d", client, turn, turns[client])
			}
			turns[client]++
			calls.Add(1)
			time.Sleep(time.Millisecond)
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	if began.Load() != 1 || ended.Load() != 1 {
		t.Errorf("began %d times, ended %d times", began.Load(), ended.Load())
	}
	if r.Count != len(r.Latencies) || int64(r.Count) > calls.Load() ||
		r.Window != 50*time.Millisecond {
		t.Errorf("%d counted, %d latencies, %d calls, %s", r.Count, len(r.Latencies), calls.Load(),
			r.Window)
	}
	if !slices.IsSorted(r.Latencies) {
		t.Error("the latencies are not sorted")
	}
}

func TestRunFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := load.Run(t.Context(), load.Options{Clients: 3, Window: time.Hour, End: func() {
		t.Error("the window ended")
	},
		Do: func(ctx context.Context, client, turn int) error {
			if client == 1 && turn == 2 {
				return broken
			}
			if client == 0 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}})
	if err != broken {
		t.Errorf("%v", err)
	}
}

func TestQuantile(t *testing.T) {
	r := load.Join(&load.Result{Count: 1, Window: time.Second, Latencies: []time.Duration{3}},
		&load.Result{Count: 3, Window: time.Second, Latencies: []time.Duration{1, 2, 4}})
	if r.PerSecond() != 2 {
		t.Errorf("%v a second", r.PerSecond())
	}
	for q, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := r.Quantile(q); got != want {
			t.Errorf("quantile %v is %d, want %d", q, got, want)
		}
	}
	if got := new(load.Result).Quantile(0.5); got != 0 {
		t.Errorf("nothing: %d", got)
	}
}

func TestEach(t *testing.T) {
	var mu sync.Mutex
	seen := map[int]int{}
	err := load.Each(t.Context(), 7, 100, func(_ context.Context, client, i int) error {
		mu.Lock()
		defer mu.Unlock()
		seen[i]++
		if i%7 != client {
			t.Errorf("client %d got %d", client, i)
		}
		return nil
	})
	if err != nil || len(seen) != 100 {
		t.Errorf("%d seen, %v", len(seen), err)
	}
	broken := errors.New("broken")
	err = load.Each(t.Context(), 2, 1<<40, func(_ context.Context, _, i int) error {
		if i == 5 {
			return broken
		}
		return nil
	})
	if err != broken {
		t.Errorf("%v", err)
	}
}
