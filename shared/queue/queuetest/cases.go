package queuetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"millrace/shared/queue"
)

func delivers(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, b.handle)
	send(t, h) // no hints
	send(t, h, hint("x#1#a"))
	send(t, h, hint("x#1#b"), hint("x#1#c"))
	for _, p := range []string{"x#1#a", "x#1#b", "x#1#c"} {
		b.waitFor(t, h, p, 1)
	}
	// More than a batch of any cloud holds.
	var many []queue.Hint
	for i := range 25 {
		many = append(many, hint(fmt.Sprint("x#2#", i)))
	}
	send(t, h, many...)
	for _, m := range many {
		b.waitFor(t, h, m.Partition, 1)
	}
}

func deliversWhatWasSentBefore(t *testing.T, h Harness) {
	send(t, h, hint("x#1#early"), delayedHint("x#1#late", time.Second))
	b := newRecorder()
	stop := consume(t, h, b.handle)
	b.waitFor(t, h, "x#1#early", 1)
	stop()
	// Hints sent between two consumers are kept for the second.
	send(t, h, hint("x#1#between"))
	consume(t, h, b.handle)
	b.waitFor(t, h, "x#1#between", 1)
	b.waitFor(t, h, "x#1#late", 1)
}

func oddPartitions(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, b.handle)
	for _, p := range []string{
		"x#1#a:b#c", "x#1#日本🙂", `x#"quoted" <&> \n`, "x#" + strings.Repeat("l", 900),
	} {
		send(t, h, hint(p))
		b.waitFor(t, h, p, 1)
	}
}

// delay: a hint is not delivered before its time, and is delivered after it.
func delay(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, b.handle)
	sent := time.Now()
	delays := map[string]time.Duration{
		"x#1#2": 2 * time.Second, "x#1#1": time.Second, "x#1#3": 3 * time.Second, "x#1#0": 0,
	}
	for p, d := range delays {
		send(t, h, delayedHint(p, d))
	}
	for p := range delays {
		b.waitFor(t, h, p, 1)
	}
	for p, d := range delays {
		if took := b.timesOf(p)[0].Sub(sent); took < d {
			t.Errorf("a delay of %v took %v", d, took)
		}
	}
}

func negativeDelay(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, b.handle)
	send(t, h, delayedHint("x#1#negative", -time.Hour))
	b.waitFor(t, h, "x#1#negative", 1)
}

// veryLongDelay: a delay that the queue does not support is cut, not rejected.
func veryLongDelay(t *testing.T, h Harness) {
	send(t, h, delayedHint("x#1#year", 365*24*time.Hour), delayedHint("x#1#ever", 1<<63-1))
	b := newRecorder()
	consume(t, h, b.handle)
	send(t, h, hint("x#1#now"))
	b.waitFor(t, h, "x#1#now", 1)
	if n := b.count("x#1#year") + b.count("x#1#ever"); n != 0 {
		t.Errorf("%d hints of a year are delivered at once", n)
	}
}

// earliestWins: a late hint does not hold up an early one of its partition, whichever was sent
// first.
func earliestWins(t *testing.T, h Harness) {
	b := newRecorder()
	sent := time.Now()
	send(t, h, delayedHint("x#1#down", 10*time.Minute), hint("x#1#down"))
	send(t, h, delayedHint("x#1#up", time.Second), delayedHint("x#1#up", 10*time.Minute))
	consume(t, h, b.handle)
	b.waitFor(t, h, "x#1#down", 1)
	b.waitFor(t, h, "x#1#up", 1)
	if took := b.timesOf("x#1#up")[0].Sub(sent); took < time.Second {
		t.Errorf("a delay of 1s took %v", took)
	}
}

func merges(t *testing.T, h Harness) {
	if !h.Merges {
		t.Skip("delivers each hint")
	}
	for range 20 {
		send(t, h, hint("x#1#same"), delayedHint("x#1#same", 5*time.Second), hint("x#1#same"))
	}
	b := newRecorder()
	consume(t, h, b.handle)
	b.waitFor(t, h, "x#1#same", 1)
	time.Sleep(10 * time.Second)
	if n := b.count("x#1#same"); n != 1 {
		t.Errorf("hints that waited together are delivered %d times", n)
	}
	// A delivered hint does not swallow a later one.
	send(t, h, hint("x#1#same"))
	b.waitFor(t, h, "x#1#same", 2)
}

// hintWhileHandled: a hint that arrives while a handler of its partition runs is still delivered,
// because the handler may have read before the change.
func hintWhileHandled(t *testing.T, h Harness) {
	b := newRecorder()
	began, goOn := make(chan struct{}), make(chan struct{})
	consume(t, h, func(_ context.Context, p string) error {
		if b.add(p) == 1 {
			close(began)
			<-goOn
		}
		return nil
	})
	send(t, h, hint("x#1#busy"))
	<-began
	send(t, h, hint("x#1#busy"))
	time.Sleep(100 * time.Millisecond)
	close(goOn)
	b.waitFor(t, h, "x#1#busy", 2)
}

// redelivery: a hint is delivered again until the handler succeeds.
func redelivery(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, func(_ context.Context, p string) error {
		if b.add(p) <= 3 {
			return errors.New("not now")
		}
		return nil
	})
	send(t, h, hint("x#1#again"))
	b.wait(t, 4*h.Slack, "the fourth time", func() bool { return b.count("x#1#again") >= 4 })
	if h.Merges {
		time.Sleep(10 * h.Slack)
		if n := b.count("x#1#again"); n != 4 {
			t.Errorf("%d deliveries after the fourth was acknowledged", n)
		}
	}
}

func othersWhileOneFails(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, func(_ context.Context, p string) error {
		b.add(p)
		if p == "x#1#poison" {
			return errors.New("never")
		}
		return nil
	})
	send(t, h, hint("x#1#poison"))
	b.waitFor(t, h, "x#1#poison", 1)
	for i := range 10 {
		p := fmt.Sprint("x#1#good", i)
		send(t, h, hint(p))
		b.waitFor(t, h, p, 1)
	}
}

// parallel: partitions do not wait for each other.
func parallel(t *testing.T, h Harness) {
	b := newRecorder()
	goOn := make(chan struct{})
	consume(t, h, func(_ context.Context, p string) error {
		b.add(p)
		<-goOn
		return nil
	})
	defer close(goOn)
	send(t, h, hint("x#1#one"))
	b.waitFor(t, h, "x#1#one", 1)
	send(t, h, hint("x#1#two"))
	b.waitFor(t, h, "x#1#two", 1)
}

func manySenders(t *testing.T, h Harness) {
	b := newRecorder()
	consume(t, h, b.handle)
	var done sync.WaitGroup
	for i := range 10 {
		done.Go(func() {
			for j := range 20 {
				if err := h.Sender.Send(t.Context(),
					hint(fmt.Sprintf("x#%d#%d", i, j))); err != nil {
					t.Errorf("Send: %v", err)
				}
			}
		})
	}
	done.Wait()
	for i := range 10 {
		for j := range 20 {
			b.waitFor(t, h, fmt.Sprintf("x#%d#%d", i, j), 1)
		}
	}
}

// consumeEnds: when Consume has returned, no handler runs.
func consumeEnds(t *testing.T, h Harness) {
	b := newRecorder()
	var running atomic.Int64 // number of handlers: a message may be delivered twice
	stop := consume(t, h, func(ctx context.Context, p string) error {
		running.Add(1)
		defer running.Add(-1)
		b.add(p)
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond)
		return nil
	})
	send(t, h, hint("x#1#slow"))
	b.waitFor(t, h, "x#1#slow", 1)
	stop()
	if running.Load() != 0 {
		t.Error("Consume returns while a handler runs")
	}
}

// handlerContext: a handler's context is not done before the delivery ends.
func handlerContext(t *testing.T, h Harness) {
	b := newRecorder()
	errs := make(chan error, 1)
	consume(t, h, func(ctx context.Context, p string) error {
		b.add(p)
		select {
		case errs <- ctx.Err():
		default: // another delivery of the hint
		}
		return nil
	})
	send(t, h, hint("x#1#ctx"))
	if err := <-errs; err != nil {
		t.Errorf("the context of a delivery is over before it: %v", err)
	}
}

// closeWaits: after Close the queue accepts no hints, delivers none, and no handler runs.
func closeWaits(t *testing.T, h Harness) {
	if h.Close == nil {
		t.Skip("nothing to close")
	}
	b := newRecorder()
	finished := false
	stop := consume(t, h, func(ctx context.Context, p string) error {
		b.add(p)
		<-ctx.Done()
		time.Sleep(50 * time.Millisecond)
		finished = true
		return errors.New("interrupted")
	})
	send(t, h, hint("x#1#running"), delayedHint("x#1#waiting", time.Second))
	b.waitFor(t, h, "x#1#running", 1)
	if err := h.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if !finished {
		t.Error("Close returns while a handler runs")
	}
	if err := h.Sender.Send(t.Context(), hint("x#1#after")); err == nil {
		t.Error("Send after Close returns nil")
	}
	stop()
	time.Sleep(2 * time.Second)
	if n := b.count("x#1#waiting") + b.count("x#1#after"); n != 0 || b.count("x#1#running") != 1 {
		t.Errorf("delivered after Close: %v", b.deliveries)
	}
}

func cancelledSend(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Sender.Send(ctx, hint("x#1#cancelled")); !errors.Is(err, context.Canceled) {
		t.Errorf("Send under a cancelled context: %v", err)
	}
}
