package share_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/share"
)

// TestNewcomerFindsAsMuch: no account holds more than remains free, so a new account finds as much
// as the busiest one holds.
func TestNewcomerFindsAsMuch(t *testing.T) {
	p := share.New(share.Options{Name: "requests", Capacity: 90})
	held := map[string]int{}
	for _, name := range []string{"a", "b", "c"} {
		for p.TryAcquire(name, 1) == nil {
			held[name]++
		}
	}
	if held["a"] != 45 || held["b"] != 22 || held["c"] != 11 {
		t.Errorf("one after the other they got %v", held)
	}
	for range 30 { // the first account releases some
		p.Release("a", 1)
		held["a"]--
	}
	for round := 0; round < 100; round++ { // then all accounts ask in turn
		for _, name := range []string{"a", "b", "c"} {
			if p.TryAcquire(name, 1) == nil {
				held[name]++
			}
		}
	}
	for name, n := range held {
		if n < 18 || n > 28 { // 22 each, but what is held is not taken away
			t.Errorf("%s holds %d of 90 beside two others that want all", name, n)
		}
	}
}

func TestWholeAndNil(t *testing.T) {
	p := share.New(share.Options{Name: "requests", Capacity: 3, SingleAccount: true})
	for range 3 {
		if err := p.TryAcquire("a", 1); err != nil {
			t.Error(err)
		}
	}
	if err := p.TryAcquire("a", 1); err == nil {
		t.Error("a fourth one of three")
	}
	var none *share.Pool
	if none.TryAcquire("a", 1) != nil || none.Acquire(context.Background(), "a", 1) != nil ||
		none.Usage() != nil {
		t.Error("a nil pool refuses")
	}
	none.Release("a", 1)
}

// TestLimitError: a rejection names the cause: the account's own load, or that of the whole server.
func TestLimitError(t *testing.T) {
	p := share.New(share.Options{Name: "long polls", Capacity: 4})
	p.TryAcquire("a", 1)
	p.TryAcquire("a", 1)
	var r *share.LimitError
	if err := p.TryAcquire("a", 1); !errors.As(err, &r) || r.Full() ||
		!strings.Contains(r.Error(), "the account holds 2 long polls") {
		t.Error(err)
	}
	p.TryAcquire("b", 1)
	p.TryAcquire("c", 1)
	if err := p.TryAcquire("d", 1); !errors.As(err, &r) || !r.Full() ||
		!strings.Contains(r.Error(), "all 4 long polls of this server") {
		t.Error(err)
	}
	for _, u := range p.Usage() {
		want := map[string]share.Usage{
			"a": {Account: "a", Held: 2, Rejected: 1}, "b": {Account: "b", Held: 1},
			"c": {Account: "c", Held: 1}, "d": {Account: "d", Rejected: 1}}[u.Account]
		if u != want {
			t.Errorf("%+v, want %+v", u, want)
		}
	}
}

// TestCame: an account counts as waiting once for as long as any of its requests waits.
func TestCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := share.New(share.Options{Name: "calls", Capacity: 1})
		p.TryAcquire("a", 1)
		came := func() int64 {
			synctest.Wait()
			for _, u := range p.Usage() {
				if u.Account == "b" {
					return u.Waits
				}
			}
			return 0
		}
		for want := int64(1); want <= 2; want++ {
			ctx, cancel := context.WithCancel(t.Context())
			for range 2 {
				go p.Acquire(ctx, "b", 1)
				if got := came(); got != want {
					t.Errorf("it has come %d times, want %d", got, want)
				}
			}
			cancel()
			synctest.Wait()
		}
	})
}

// TestTurns: waiting accounts take turns, however many requests of each wait.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := share.New(share.Options{Name: "processors", Capacity: 1, RoundRobin: true})
		if err := p.Acquire(t.Context(), "flood", 1); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		wait := func(name string) {
			go func() {
				if err := p.Acquire(t.Context(), name, 1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
				time.Sleep(time.Second)
				p.Release(name, 1)
			}()
			synctest.Wait()
		}
		for range 20 {
			wait("flood")
		}
		wait("quiet")
		wait("quiet")
		p.Release("flood", 1)
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if len(order) != 22 || strings.Join(order[:4], " ") != "flood quiet flood quiet" {
			t.Error(order)
		}
	})
}

// TestGiveUp: a waiter that gives up leaves nothing behind, and the waiters behind it continue.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := share.New(share.Options{Name: "bytes", Capacity: 10})
		p.TryAcquire("a", 4)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var small error
		go func() {
			time.Sleep(time.Millisecond)
			// Would fit, but must not overtake the account with the next turn.
			small = p.Acquire(t.Context(), "b", 2)
		}()
		if err := p.Acquire(ctx, "b", 8); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait()
		if small != nil {
			t.Error(small)
		}
		p.Release("a", 4)
		p.Release("b", 2)
		if u := p.Usage(); len(u) != 0 {
			t.Errorf("%+v", u)
		}
	})
}

// TestRandomUse: in every order of requests, the pool never exceeds its capacity, no waiter waits
// forever, and everything is released.
func TestRandomUse(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			capacity := 1 + rnd.Int64N(20)
			p := share.New(share.Options{
				Name:       "things",
				Capacity:   capacity,
				RoundRobin: rnd.IntN(2) == 0,
			})
			var mu sync.Mutex
			var used int64
			change := func(n int64) {
				mu.Lock()
				defer mu.Unlock()
				if used += n; used > capacity || used < 0 {
					t.Errorf("seed %d: %d of %d are held", seed, used, capacity)
				}
			}
			var all sync.WaitGroup
			for i := range 40 {
				name := []string{"a", "b", "c", share.Claimed("a"), share.Claimed("d")}[rnd.IntN(5)]
				n, start, hold := 1+rnd.Int64N(2*capacity), time.Duration(rnd.IntN(1000)),
					time.Duration(1+rnd.IntN(100))
				patience := time.Duration(rnd.IntN(2000))
				all.Go(func() {
					time.Sleep(start * time.Millisecond)
					ctx := t.Context()
					if i%3 == 0 {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, patience*time.Millisecond)
						defer cancel()
					}
					if p.Acquire(ctx, name, n) != nil {
						return
					}
					change(min(n, capacity))
					time.Sleep(hold * time.Millisecond)
					change(-min(n, capacity))
					p.Release(name, n)
				})
			}
			all.Wait() // synctest fails if all goroutines block forever
			if u := p.Usage(); used != 0 || len(u) != 0 {
				t.Errorf("seed %d: %d are held at the end, %+v", seed, used, u)
			}
		})
	}
}

// TestTurnsOfClaims: an account and its claims together leave a processor for the others, and
// neither of the two keeps the other from its turn.
func TestTurnsOfClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := share.New(share.Options{Name: "processors", Capacity: 2, RoundRobin: true})
		claimed := share.Claimed("busy")
		gone := map[string]int{}
		var mu sync.Mutex
		want := func(when string, counts map[string]int) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			for name, n := range counts {
				if gone[name] != n {
					t.Errorf("%s: %v, want %v", when, gone, counts)
					return
				}
			}
		}
		var all sync.WaitGroup
		defer all.Wait()
		ask := func(name string, hold time.Duration) {
			all.Go(func() {
				p.Acquire(t.Context(), name, 1)
				mu.Lock()
				gone[name]++
				mu.Unlock()
				time.Sleep(hold)
				p.Release(name, 1)
			})
			synctest.Wait()
		}
		ask("busy", 5*time.Millisecond)
		ask(claimed, 5*time.Millisecond)
		want("while nobody else asks", map[string]int{"busy": 1, claimed: 1})
		time.Sleep(10 * time.Millisecond)

		ask("quiet", 0)
		for range 4 {
			ask("busy", 10*time.Millisecond)
			ask(claimed, 10*time.Millisecond)
		}
		ask("quiet", 0)
		want("an account and those who claim to be it leave one", map[string]int{"quiet": 2})
		time.Sleep(35 * time.Millisecond)
		synctest.Wait()
		want("after two turns of each", map[string]int{"busy": 3, claimed: 3})
	})
}

func BenchmarkAcquire(b *testing.B) {
	p := share.New(share.Options{Name: "things", Capacity: 4})
	for b.Loop() {
		p.Acquire(context.Background(), "a", 1)
		p.Release("a", 1)
	}
}

// TestTurnsLeaveOne: a processor is left for the other accounts only while they ask.
func TestTurnsLeaveOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := share.New(share.Options{Name: "processors", Capacity: 3, RoundRobin: true})
		take := func(name string, want int) {
			t.Helper()
			n := 0
			for p.TryAcquire(name, 1) == nil {
				n++
			}
			if n != want {
				t.Errorf("%s got %d, want %d", name, n, want)
			}
			for range n {
				p.Release(name, 1)
			}
		}
		take("flood", 3) // no other account asks
		if err := p.Acquire(t.Context(), "quiet", 1); err != nil {
			t.Fatal(err)
		}
		p.Release("quiet", 1)
		take("flood", 2)
		time.Sleep(2 * time.Second)
		take("flood", 3)
	})
}
