package memqueue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/queue"
	"millrace/shared/queue/memqueue"
	"millrace/shared/queue/queuetest"
)

func TestConformance(t *testing.T) {
	queuetest.Run(t, queuetest.Options{Bubble: true}, func(t *testing.T) queuetest.Harness {
		q := memqueue.New(memqueue.Options{Workers: 4})
		t.Cleanup(func() { q.Close() })
		return queuetest.Harness{Sender: q, Consume: q.Consume, Close: q.Close, Merges: true}
	})
}

func TestFull(t *testing.T) {
	q := memqueue.New(memqueue.Options{Capacity: 2})
	defer q.Close()
	err := q.Send(t.Context(), queue.Hint{Partition: "a"}, queue.Hint{Partition: "b"})
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	if err := q.Send(t.Context(), queue.Hint{Partition: "c"},
		queue.Hint{Partition: "a"}); !errors.Is(err, memqueue.ErrFull) {
		t.Fatalf("Send to a full queue: %v, want ErrFull", err)
	}
	if err := q.Send(t.Context(), queue.Hint{Partition: "b"}); err != nil {
		t.Fatalf("merging in a full queue: %v", err)
	}
	if n := q.Len(); n != 2 {
		t.Fatalf("%d hints wait, want 2", n)
	}
}

func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memqueue.New(memqueue.Options{Workers: 1})
		defer q.Close()
		for i := range 50 {
			q.Send(t.Context(), queue.Hint{
				Partition: fmt.Sprintf("%02d", i), Delay: time.Duration(i%3) * time.Second,
			})
		}
		var got []string
		go q.Consume(t.Context(), func(_ context.Context, p string) error {
			got = append(got, p)
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		var want []string
		for delay := range 3 {
			for i := delay; i < 50; i += 3 {
				want = append(want, fmt.Sprintf("%02d", i))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("delivered %v\nwant %v", got, want)
		}
	})
}

// TestWorkers: the number of concurrent deliveries never exceeds the number of workers, and all
// workers are used.
func TestWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memqueue.New(memqueue.Options{Workers: 3})
		defer q.Close()
		enter, leave := make(chan struct{}), make(chan struct{})
		running, maxRunning, all := 0, 0, 0
		go func() {
			for {
				select {
				case <-enter:
					running++
					all++
					maxRunning = max(maxRunning, running)
				case <-leave:
					running--
				case <-t.Context().Done():
					return
				}
			}
		}()
		for i := range 20 {
			q.Send(t.Context(), queue.Hint{
				Partition: fmt.Sprint(i), Delay: time.Duration(i) * time.Millisecond,
			})
		}
		go q.Consume(t.Context(), func(context.Context, string) error {
			enter <- struct{}{}
			time.Sleep(time.Second)
			leave <- struct{}{}
			return nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if maxRunning != 3 || all != 20 {
			t.Errorf("%d of 20 deliveries, %d at a time, want 3", all, maxRunning)
		}
	})
}

// TestBackoff: each failure doubles the pause, up to the limit. A new hint does not wait for the
// pause.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memqueue.New(memqueue.Options{BackoffMin: time.Second, BackoffMax: 5 * time.Second})
		defer q.Close()
		began := time.Now()
		var at []time.Duration
		go q.Consume(t.Context(), func(context.Context, string) error {
			at = append(at, time.Since(began))
			return errors.New("no")
		})
		q.Send(t.Context(), queue.Hint{Partition: "p"})
		time.Sleep(18 * time.Second)
		synctest.Wait()
		q.Send(t.Context(), queue.Hint{Partition: "p"})
		time.Sleep(6 * time.Second)
		synctest.Wait()
		want := []time.Duration{0, 1, 3, 7, 12, 17, 18, 23}
		for i := range want {
			want[i] *= time.Second
		}
		if fmt.Sprint(at) != fmt.Sprint(want) {
			t.Errorf("delivered at %v, want %v", at, want)
		}
	})
}

func TestDelayMax(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memqueue.New(memqueue.Options{DelayMax: time.Minute})
		defer q.Close()
		began := time.Now()
		var took time.Duration
		go q.Consume(t.Context(), func(context.Context, string) error {
			took = time.Since(began)
			return nil
		})
		q.Send(t.Context(), queue.Hint{Partition: "p", Delay: time.Hour})
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if took != time.Minute {
			t.Errorf("delivered after %v, want 1m", took)
		}
	})
}

// TestShutdown: handlers may finish until the context ends; then they are canceled.
func TestShutdown(t *testing.T) {
	for _, c := range []struct {
		name      string
		needs     time.Duration
		cancelled bool
	}{
		{"finishes in time", time.Second, false},
		{"is cancelled", time.Hour, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := memqueue.New(memqueue.Options{})
				finished, cancelled := false, false
				ended := make(chan error, 1)
				go func() {
					ended <- q.Consume(t.Context(), func(ctx context.Context, _ string) error {
						select {
						case <-time.After(c.needs):
						case <-ctx.Done():
							cancelled = true
						}
						finished = true
						return nil
					})
				}()
				synctest.Wait()
				q.Send(t.Context(), queue.Hint{Partition: "p"})
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := q.Shutdown(ctx)
				if !finished || cancelled != c.cancelled || (err != nil) != c.cancelled {
					t.Errorf("finished %v, cancelled %v, %v", finished, cancelled, err)
				}
				if err := <-ended; err != nil {
					t.Errorf("Consume: %v", err)
				}
				if err := q.Close(); err != nil {
					t.Errorf("Close again: %v", err)
				}
			})
		})
	}
}

func TestConsumeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := memqueue.New(memqueue.Options{})
		defer q.Close()
		go q.Consume(t.Context(), func(context.Context, string) error { return nil })
		synctest.Wait()
		if err := q.Consume(t.Context(), nil); !errors.Is(err, memqueue.ErrConsumed) {
			t.Errorf("a second Consume: %v, want ErrConsumed", err)
		}
		q.Close()
		synctest.Wait()
		if err := q.Consume(t.Context(), nil); !errors.Is(err, memqueue.ErrClosed) {
			t.Errorf("Consume of a closed queue: %v, want ErrClosed", err)
		}
	})
}
