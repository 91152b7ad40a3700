package queue_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/queue"
)

var errGone = errors.New("gone")

// scriptedReceiver returns batches of bodies, then nothing. It logs every request.
type scriptedReceiver struct {
	mu      sync.Mutex
	batches [][]string
	failing error // returned by Receive when no batches are left; nil: Receive waits
	slow    time.Duration
	log     []string
}

func (s *scriptedReceiver) note(what string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, fmt.Sprintf(what, args...))
}

func (s *scriptedReceiver) Receive(ctx context.Context, limit int) ([]queue.Delivery, error) {
	s.note("receive %d", limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.batches) == 0 {
		if s.failing != nil {
			return nil, s.failing
		}
		s.mu.Unlock()
		<-ctx.Done()
		s.mu.Lock()
		return []queue.Delivery{&scriptedDelivery{s, "late"}}, nil
	}
	var got []queue.Delivery
	for _, b := range s.batches[0] {
		got = append(got, &scriptedDelivery{s, b})
	}
	s.batches = s.batches[1:]
	return got, nil
}

func (s *scriptedReceiver) IsPermanent(err error) bool { return errors.Is(err, errGone) }

type scriptedDelivery struct {
	s    *scriptedReceiver
	body string
}

func (d *scriptedDelivery) ID() string                 { return "1" }
func (d *scriptedDelivery) Partition() (string, error) { return queue.Decode([]byte(d.body)) }
func (d *scriptedDelivery) ReceiveCount() int          { return 3 }
func (d *scriptedDelivery) Acknowledge() {
	time.Sleep(d.s.slow) // so that the next Receive comes first, whichever goroutine is faster
	d.s.note("acknowledge %s", d.body)
}
func (d *scriptedDelivery) ChangeVisibility(p time.Duration) {
	time.Sleep(d.s.slow)
	d.s.note("hide %s %v", d.body, p)
}

func poller(s *scriptedReceiver, dropBad bool) *queue.Poller {
	return &queue.Poller{Receiver: s, Workers: 2, Visibility: 30 * time.Second,
		BackoffMin: time.Second, BackoffMax: time.Minute, DropMalformed: dropBad,
		Log: slog.New(slog.DiscardHandler)}
}

func TestPoller(t *testing.T) {
	const good, bad, newer = `{"v":1,"p":"a"}`, `{}`, `{"v":9}`
	for _, c := range []struct {
		name    string
		batch   string
		dropBad bool
		fail    error
		takes   time.Duration
		want    []string
	}{
		{"handled", good, false, nil, 0, []string{"acknowledge " + good}},
		{"handler fails", good, false, errGone, 0, []string{"hide " + good + " 4s"}},
		{"no hint", bad, false, nil, 0, []string{"hide " + bad + " 4s"}},
		{"no hint, no dead letters", bad, true, nil, 0, []string{"acknowledge " + bad}},
		{"newer", newer, true, nil, 0, []string{"hide " + newer + " 4s"}},
		{
			"long", good, false, nil, 25 * time.Second,
			[]string{"hide " + good + " 30s", "hide " + good + " 30s", "acknowledge " + good},
		},
		// A renewal in progress when the handler fails must not come after the backoff.
		{
			"long and fails", good, false, errGone, 11 * time.Second,
			[]string{"hide " + good + " 30s", "hide " + good + " 4s"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scriptedReceiver{batches: [][]string{{c.batch}}, slow: 2 * time.Second}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Minute, cancel)
				err := poller(s, c.dropBad).Consume(ctx, func(_ context.Context, p string) error {
					if p != "a" {
						t.Errorf("partition %q", p)
					}
					time.Sleep(c.takes)
					return c.fail
				})
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				want := append([]string{"receive 2", "receive 1"}, c.want...)
				if want = append(want, "hide late 0s"); !slices.Equal(s.log, want) {
					t.Errorf("%q, want %q", s.log, want)
				}
			})
		})
	}
}

// TestPollerErrors: Consume waits and continues after a transient error, and returns a permanent
// one.
func TestPollerErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scriptedReceiver{failing: errors.New("throttled")}
		time.AfterFunc(time.Minute, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failing = errGone
		})
		if err := poller(s, false).Consume(t.Context(), nil); !errors.Is(err, errGone) {
			t.Error(err)
		}
		if n := len(s.log); n < 5 {
			t.Errorf("%d requests in a minute", n)
		}
	})
}

func TestMerge(t *testing.T) {
	got := queue.Merge([]queue.Hint{{"b", 9}, {"a", -1}, {"b", 3}, {"a", 5}, {"c", 99}, {"b", 4}},
		20)
	if want := []queue.Hint{{"b", 3}, {"a", 0}, {"c", 20}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
