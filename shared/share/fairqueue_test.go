package share_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"millrace/shared/share"
)

// harness is a FairQueue over a pool. The test decides when holders react to a wakeup.
type harness struct {
	*share.FairQueue
	pool  *share.Pool
	woken [][2]string
}

func newHarness(capacity int64, whole bool) *harness {
	l := &harness{pool: share.New(share.Options{
		Name:          "calls",
		Capacity:      capacity,
		SingleAccount: whole,
	})}
	l.FairQueue = share.NewFairQueue(share.FairQueueOptions{Pool: l.pool, WaitingMax: 8,
		Wake: func(account, holder string) {
			l.woken = append(l.woken,
				[2]string{account, holder})
		}})
	return l
}

// TestFairQueueIsBounded: an account gets places for what it may hold of the pool and for a few
// waiting requests, whatever its holders want.
func TestFairQueueIsBounded(t *testing.T) {
	for _, c := range []struct {
		whole bool
		want  int
	}{{true, 20 + 8}, {false, 10 + 8}} {
		l := newHarness(20, c.whole)
		got := 0
		for i := range 50 {
			got += l.Acquire("a", fmt.Sprint(i), 100, nil)
		}
		if got != c.want {
			t.Errorf("whole %v: places for %d, want %d", c.whole, got, c.want)
		}
		if n := l.Acquire("b", "x", 1, nil); n != 1 {
			t.Errorf("whole %v: another account is given %d of 1", c.whole, n)
		}
	}
}

// TestFairQueueTakesTurns: holders take turns. A holder that got something goes behind the others,
// and a new holder does not overtake them.
func TestFairQueueTakesTurns(t *testing.T) {
	l := newHarness(1, true)
	if n := l.Acquire("a", "first", 100, nil); n != 9 {
		t.Fatalf("%d places, want 9", n)
	}
	l.Acquire("a", "second", 100, nil)
	l.Acquire("a", "third", 2, nil)
	var order []string
	for round := range 6 {
		l.Release("a", 4)
		if n := l.Acquire("a", "newcomer", 100, nil); n != 0 && round < 2 {
			t.Errorf("a newcomer is given %d before those that wait", n)
		}
		for _, w := range l.woken {
			order = append(order, w[1])
			l.Acquire("a", w[1], map[bool]int{true: 2, false: 100}[w[1] == "third"], nil)
			l.WakeDone("a", w[1])
		}
		l.woken = nil
	}
	if len(order) < 5 || fmt.Sprint(order[:5]) != "[first second third first second]" {
		t.Errorf("woken were %v", order)
	}
}

// TestFairQueueTakesTurnsOfAccounts: accounts take turns, too, one holder each, in the order in
// which they began to wait, whatever their names are.
func TestFairQueueTakesTurnsOfAccounts(t *testing.T) {
	l := newHarness(200, false)
	if !l.pool.AcquireNow("x", 96) || !l.pool.AcquireNow("y", 50) || !l.pool.AcquireNow("z", 25) {
		t.Fatal("the pool is to be nearly full")
	}
	accounts := []string{"e", "b", "d", "a", "c"}
	for _, account := range accounts {
		for holder := range 2 {
			l.Acquire(account, fmt.Sprint(holder), 100, nil)
		}
	}
	for _, name := range []string{"x", "y", "z"} {
		l.pool.Release(name, map[string]int64{"x": 96, "y": 50, "z": 25}[name])
	}
	l.Acquire("x", "one", 1, nil)
	l.Release("x", 1)
	want := "[[e 0] [b 0] [d 0] [a 0] [c 0] [e 1] [b 1] [d 1] [a 1] [c 1]]"
	if got := fmt.Sprint(l.woken); got != want {
		t.Errorf("woken were %v, want %v", got, want)
	}
}

// TestFairQueueSeesOthersEnd: what other accounts release becomes available, too.
func TestFairQueueSeesOthersEnd(t *testing.T) {
	l := newHarness(20, false)
	for range 5 {
		if !l.pool.AcquireNow("b", 1) {
			t.Fatal("no place for b")
		}
	}
	l.Acquire("b", "x", 5, nil)
	if n := l.Acquire("a", "y", 100, nil); n != 7+8 {
		t.Fatalf("a is given %d, want 15", n)
	}
	for range 5 {
		l.pool.Release("b", 1)
	}
	l.Release("b", 5)
	if len(l.woken) != 0 {
		t.Errorf("woken for three places, of a line of eight: %v", l.woken)
	}
	l.Release("a", 1)
	if fmt.Sprint(l.woken) != "[[a y]]" {
		t.Errorf("woken: %v", l.woken)
	}
}

// TestFairQueueRandomUse: in every order of events, each holder gets all that it wants, no account
// has more places than it may, and no state of ended holders remains.
func TestFairQueueRandomUse(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		l := newHarness(1+rnd.Int64N(40), seed%2 == 0)
		left, made := map[[2]string]int{}, map[string]int{}
		for range 1 + rnd.IntN(30) {
			left[[2]string{fmt.Sprint("a", rnd.IntN(3)),
				fmt.Sprint(rnd.IntN(20))}] = 1 + rnd.IntN(100)
		}
		ask := func(h [2]string) {
			n := l.Acquire(h[0], h[1], left[h], nil)
			left[h] -= n
			if made[h[0]] += n; made[h[0]] > int(l.pool.Capacity)+8 {
				t.Fatalf("seed %d: %d places", seed, made[h[0]])
			}
		}
		for h := range left {
			ask(h)
		}
		for steps := 0; ; steps++ {
			if steps > 100_000 {
				t.Fatalf("seed %d: no end", seed)
			}
			if len(l.woken) > 0 && rnd.IntN(2) == 0 {
				h := l.woken[0]
				l.woken = l.woken[1:]
				if rnd.IntN(4) > 0 { // otherwise it has ended
					ask(h)
				} else {
					left[h] = 0
				}
				l.WakeDone(h[0], h[1])
				continue
			}
			busy := len(l.woken) > 0
			for account, n := range made {
				if n > 0 {
					busy = true
					back := 1 + rnd.IntN(n)
					made[account] -= back
					l.Release(account, back)
				}
			}
			if !busy {
				break
			}
		}
		for h, n := range left {
			if n > 0 {
				t.Fatalf("seed %d: %v still wants %d", seed, h, n)
			}
		}
		if accounts, _ := l.Known("a0"); accounts != 0 {
			t.Fatalf("seed %d: %d accounts are kept", seed, accounts)
		}
	}
}

// TestFairQueueCancel: a canceled holder does not block the others.
func TestFairQueueCancel(t *testing.T) {
	l := newHarness(1, true)
	turn := make(chan struct{}, 1)
	l.Acquire("a", "x", 9, nil)
	l.Acquire("a", "y", 3, turn)
	l.Acquire("a", "z", 3, nil)
	l.Release("a", 3)
	select {
	case <-turn:
	default:
		t.Fatal("y was not woken")
	}
	l.Cancel("a", "y")
	if fmt.Sprint(l.woken) != "[[a z]]" {
		t.Errorf("woken: %v", l.woken)
	}
	l.Cancel("a", "z")
	l.Release("a", 6)
	if accounts, waiting := l.Known("a"); accounts != 0 || waiting != 0 {
		t.Errorf("%d accounts and %d holders are kept", accounts, waiting)
	}
}

func BenchmarkFairQueue(b *testing.B) {
	l := newHarness(64, true)
	for b.Loop() {
		l.Acquire("a", "x", 1, nil)
		l.Release("a", 1)
	}
}
