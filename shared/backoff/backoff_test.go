package backoff_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/backoff"
)

func TestAfter(t *testing.T) {
	p := backoff.Policy{Min: time.Second, Max: 30 * time.Second}
	for failures, want := range map[int]time.Duration{
		-1: time.Second, 0: time.Second, 1: 2 * time.Second, 4: 16 * time.Second,
		5: 30 * time.Second, 6: 30 * time.Second, math.MaxInt: 30 * time.Second,
	} {
		if got := p.After(failures); got != want {
			t.Errorf("after %d failures %v, want %v", failures, got, want)
		}
	}
	if got := (backoff.Policy{Min: time.Minute, Max: time.Second}).After(0); got != time.Second {
		t.Errorf("a minimum above the maximum gives %v", got)
	}
}

func TestRandom(t *testing.T) {
	p := backoff.Policy{Min: 8, Max: 16}
	seen := map[time.Duration]bool{}
	for range 10_000 {
		d := p.Random(0)
		if d < 0 || d > 8 {
			t.Fatal(d)
		}
		seen[d] = true
	}
	if len(seen) != 9 {
		t.Errorf("%d different pauses", len(seen))
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if !backoff.Wait(t.Context(), time.Minute) || time.Since(began) != time.Minute {
			t.Errorf("waited %v", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if backoff.Wait(ctx, time.Minute) || time.Since(began) != time.Minute+time.Second {
			t.Errorf("waited %v in all", time.Since(began))
		}
	})
}
