package queuetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"millrace/shared/queue"
)

// delivery is one call of the handler.
type delivery struct {
	partition string
	at        time.Time
}

// recorder records deliveries.
type recorder struct {
	mu         sync.Mutex
	deliveries []delivery
	arrived    chan struct{} // buffers one signal that a delivery was added
}

func newRecorder() *recorder { return &recorder{arrived: make(chan struct{}, 1)} }

func (b *recorder) handle(_ context.Context, partition string) error {
	b.add(partition)
	return nil
}

// add records a delivery. It returns which delivery of its partition it is, from 1.
func (b *recorder) add(partition string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deliveries = append(b.deliveries, delivery{partition, time.Now()})
	select {
	case b.arrived <- struct{}{}:
	default:
	}
	return b.countLocked(partition)
}

func (b *recorder) count(partition string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.countLocked(partition)
}

func (b *recorder) countLocked(partition string) (n int) {
	for _, d := range b.deliveries {
		if d.partition == partition {
			n++
		}
	}
	return n
}

// timesOf returns when a partition was delivered.
func (b *recorder) timesOf(partition string) (times []time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.deliveries {
		if d.partition == partition {
			times = append(times, d.at)
		}
	}
	return times
}

// wait waits until ok returns true. It calls ok again after each delivery.
func (b *recorder) wait(t *testing.T, timeout time.Duration, what string, ok func() bool) {
	t.Helper()
	late := time.After(timeout)
	for !ok() {
		select {
		case <-b.arrived:
		case <-late:
			t.Fatalf("not delivered in time: %s", what)
		}
	}
}

// waitFor waits for n deliveries of a partition.
func (b *recorder) waitFor(t *testing.T, h Harness, partition string, n int) {
	t.Helper()
	b.wait(t, h.Slack, partition, func() bool { return b.count(partition) >= n })
}

// consume runs Consume until the test ends or stop is called. stop waits until Consume has
// returned.
func consume(t *testing.T, h Harness, handler queue.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Consume(ctx, handler)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

func send(t *testing.T, h Harness, hints ...queue.Hint) {
	t.Helper()
	if err := h.Sender.Send(t.Context(), hints...); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

func hint(partition string) queue.Hint { return queue.Hint{Partition: partition} }

func delayedHint(partition string, delay time.Duration) queue.Hint {
	return queue.Hint{Partition: partition, Delay: delay}
}
