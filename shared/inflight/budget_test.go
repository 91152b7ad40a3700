package inflight_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/inflight"
)

func TestBudget(t *testing.T) {
	b := inflight.New(10)
	if !b.TryAcquire(6) || b.TryAcquire(5) || !b.TryAcquire(4) || b.TryAcquire(1) {
		t.Error("10 bytes are not 6 and 4")
	}
	if b.Held() != 10 || b.Rejected() != 2 || b.Capacity() != 10 {
		t.Errorf("held %d, refused %d", b.Held(), b.Rejected())
	}
	b.Release(6)
	b.Release(4)
	if !b.TryAcquire(1000) || b.TryAcquire(1) {
		t.Error("what is larger than everything is not held alone")
	}
	b.Release(1000)
	if b.Held() != 0 || !b.TryAcquire(10) {
		t.Error("not everything came back")
	}
}

func TestNoBudget(t *testing.T) {
	var b *inflight.Budget
	h := inflight.Hold{Budget: b}
	if !b.TryAcquire(1<<60) || b.Acquire(t.Context(), 1) != nil || !h.TryGrow(1<<60) ||
		b.Held() != 0 || b.Capacity() != 0 {
		t.Error("no budget has a bound")
	}
	b.Release(1 << 60)
	h.Release()
}

func TestAcquireWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := inflight.New(10)
		b.TryAcquire(8)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.Acquire(ctx, 3); !errors.Is(err, context.DeadlineExceeded) || b.Held() != 8 {
			t.Errorf("%v, held %d", err, b.Held())
		}
		time.AfterFunc(time.Hour, func() { b.Release(8) })
		if err := b.Acquire(t.Context(), 1<<40); err != nil || b.Held() != 10 {
			t.Errorf("%v, held %d", err, b.Held())
		}
	})
}

func TestHoldGrows(t *testing.T) {
	b := inflight.New(10)
	one, two := inflight.Hold{Budget: b}, inflight.Hold{Budget: b}
	if !one.TryGrow(4) || !one.TryGrow(3) || !two.TryGrow(6) || one.TryGrow(5) || b.Held() != 10 {
		t.Errorf("held %d", b.Held())
	}
	two.Release()
	two.Release()
	if !one.TryGrow(10) || b.Held() != 10 || !one.TryGrow(1<<50) {
		t.Errorf("held %d", b.Held())
	}
	one.Release()
	if b.Held() != 0 {
		t.Errorf("held %d", b.Held())
	}
}
