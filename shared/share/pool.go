// Package share divides a bounded resource of one process (open requests, long polls, calls in
// flight, bytes of answers, processors) between the accounts that ask for it. Bytes of requests,
// which are read before their account is known, are bounded by package inflight.
//
// A Pool has one of three rules:
//
//   - Without an option, no account holds more of the resource than is still free. An account that
//     is alone with its work may hold half of it, two busy ones a third each, and a newcomer finds
//     as much free as the busiest one holds. Nothing needs to be known beforehand about how many
//     accounts there are or what they do. (Network switches share their buffers by this rule:
//     dynamic thresholds, Choudhury and Hahne 1998.)
//   - With Options.Whole, one account may hold everything.
//   - With Options.Turns, an account leaves one for the others while any of them asks. Requests that
//     claim to be an account's, and of which that is not known yet (Claimed), leave it together with
//     the account, and take turns with it.
package share

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Options describe a resource.
type Options struct {
	// Name is the resource in messages and metrics, in the plural: "requests", "long polls".
	Name string
	// Capacity is how much of it the process has, in whatever the resource is counted in; at least
	// 1.
	Capacity int64
	// SingleAccount lets one account hold all of it: for servers that have a single account.
	SingleAccount bool
	// RoundRobin is the rule that an account leaves one for the others if any of them asked for some
	// within the last second, and that accounts which wait take turns. It fits what is held for a
	// short and bounded time only, such as a processor.
	RoundRobin bool
}

// Pool shares one resource. It is safe for many goroutines. A nil Pool has no bound and keeps no
// count.
type Pool struct {
	Options

	mu       sync.Mutex
	used     int64
	latest   demand // the account that asked last; of Turns
	other    demand // the account other than latest that asked last; of Turns
	accounts map[string]*account
	first    *account // of those with waiters, a ring in the order of their turns; nil: none waits
}

// account is what one account holds and waits for. Names come from the credentials, so there are
// only so many.
type account struct {
	name        string
	counterpart *account // claims, of an account; the account, of claims; nil: there is no such
	held        int64
	rejected    int64
	waits       int64 // into line
	waiters     []*waiter
	next, prev  *account // in the ring
}

// demand is when an account asked for some.
type demand struct {
	account *account
	at      time.Time
}

// demandWindow is how long an account that asked is taken for one that will ask again.
const demandWindow = time.Second

type waiter struct {
	n     int64
	ready chan struct{}
}

// New returns a pool of which nothing is held.
func New(o Options) *Pool {
	o.Capacity = max(o.Capacity, 1)
	return &Pool{Options: o, accounts: map[string]*account{}}
}

// TryAcquire takes n for an account, or returns a *Refusal. More than the capacity counts as the
// capacity.
func (p *Pool) TryAcquire(account string, amount int64) error {
	if p == nil {
		return nil
	}
	amount = min(amount, p.Capacity)
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.recordDemand(account)
	if !p.starved() && p.fits(a, amount) {
		p.take(a, amount)
		return nil
	}
	a.rejected++
	return &LimitError{Resource: p.Name, Account: account, Held: a.held, Used: p.used, Capacity: p.Capacity}
}

// AcquireNow takes n for an account if Acquire would not wait, and reports whether it did. Not to
// have taken it is no refusal.
func (p *Pool) AcquireNow(account string, amount int64) bool {
	if p == nil {
		return true
	}
	amount = min(amount, p.Capacity)
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.recordDemand(account)
	if len(a.waiters) > 0 || p.starved() || !p.fits(a, amount) {
		return false
	}
	p.take(a, amount)
	return true
}

// Acquire takes n for an account as soon as its turn comes and its share allows it. It returns the
// error of ctx when that ends first. The caller must not wait for more of a pool of which it
// already holds something: two that do may wait for each other.
func (p *Pool) Acquire(ctx context.Context, account string, amount int64) error {
	if p == nil {
		return nil
	}
	amount = min(amount, p.Capacity)
	p.mu.Lock()
	a := p.recordDemand(account)
	if len(a.waiters) == 0 && !p.starved() && p.fits(a, amount) {
		p.take(a, amount)
		p.mu.Unlock()
		return nil
	}
	w := &waiter{n: amount, ready: make(chan struct{})}
	a.waiters = append(a.waiters, w)
	if len(a.waiters) == 1 {
		p.join(a)
	}
	p.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		return p.cancelWait(a, w, ctx.Err())
	}
}

// cancelWait takes a waiter out of its line, unless its turn has just come.
func (p *Pool) cancelWait(a *account, w *waiter, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range a.waiters {
		if a.waiters[i] == w {
			a.waiters = append(a.waiters[:i:i], a.waiters[i+1:]...)
			if len(a.waiters) == 0 {
				p.leave(a)
			}
			p.wake() // those behind may want less
			return err
		}
	}
	return nil // it was given what it asked for
}

// Release gives back what TryAcquire or Acquire has taken: the same account, the same n.
func (p *Pool) Release(account string, amount int64) {
	if p == nil {
		return
	}
	amount = min(amount, p.Capacity)
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.account(account)
	a.held -= amount
	p.used -= amount
	if a.held < 0 || p.used < 0 {
		panic("share: more was released than was taken of " + p.Name)
	}
	p.wake()
}

// fits reports whether an account may take n now. One that holds nothing always may, as long as
// there is so much.
func (p *Pool) fits(a *account, n int64) bool {
	free := p.Capacity - p.used - n
	if free < 0 {
		return false
	}
	if p.RoundRobin {
		return a.heldTogether() == 0 || free > 0 || !p.contended(a)
	}
	return p.SingleAccount || a.held == 0 || a.held+n <= free
}

// Limit returns how much an account may hold now by the pool's rule, what it holds already included.
// It may hold more than that: its share shrinks when others come. Not for pools with Options.Turns.
func (p *Pool) Limit(account string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	most := p.Capacity - p.used
	if a := p.accounts[account]; a != nil {
		most += a.held
	}
	if p.SingleAccount || most == 1 {
		return most
	}
	return most / 2
}

// contended reports whether an account other than this one waits, or has asked lately.
func (p *Pool) contended(a *account) bool {
	if p.first != nil && !(p.first.sameOwner(a) && p.first.next.sameOwner(a) && p.first.prev.sameOwner(a)) {
		return true // three in the ring: one of them is another; two: first and next are all
	}
	last := p.latest
	if last.account.sameOwner(a) {
		last = p.other
	}
	return last.account != nil && time.Since(last.at) < demandWindow
}

// sameOwner reports whether a is b, or what claims to be b, or what b claims to be.
func (a *account) sameOwner(b *account) bool { return a != nil && (a == b || a.counterpart == b) }

// heldTogether is what an account and those who claim to be it hold together.
func (a *account) heldTogether() int64 {
	if a.counterpart == nil {
		return a.held
	}
	return a.held + a.counterpart.held
}

// recordDemand returns the account, which asks for some now.
func (p *Pool) recordDemand(name string) *account {
	a := p.account(name)
	if p.RoundRobin {
		if !p.latest.account.sameOwner(a) {
			p.other, p.latest.account = p.latest, a
		}
		p.latest.at = time.Now()
	}
	return a
}

// starved reports whether the account whose turn it is waits for more than there is. No account may
// overtake it: a large demand would wait for ever behind small ones.
func (p *Pool) starved() bool {
	return p.first != nil && p.used+p.first.waiters[0].n > p.Capacity
}

func (p *Pool) take(a *account, n int64) {
	a.held += n
	p.used += n
}

// wake gives those that wait what has become free, an account after the other. One whose share is
// used up is passed over, and is still the next when nobody could be given anything; one for which
// there is not enough keeps its turn, so that it is not overtaken for ever by those who want less.
func (p *Pool) wake() {
	for turn := p.first; p.first != nil; {
		a := p.first
		w := a.waiters[0]
		switch {
		case p.fits(a, w.n):
			p.take(a, w.n)
			close(w.ready)
			p.first = a.next
			if a.waiters = a.waiters[1:]; len(a.waiters) == 0 {
				p.leave(a)
			}
			turn = p.first
			continue
		case p.used+w.n > p.Capacity:
			return
		}
		if p.first = a.next; p.first == turn {
			return
		}
	}
}

// join puts an account at the end of the turns.
func (p *Pool) join(a *account) {
	a.waits++
	if p.first == nil {
		a.next, a.prev, p.first = a, a, a
		return
	}
	last := p.first.prev
	a.prev, a.next = last, p.first
	last.next, p.first.prev = a, a
}

// leave takes an account out of the turns.
func (p *Pool) leave(a *account) {
	if a.next == a {
		p.first = nil
	} else {
		a.prev.next, a.next.prev = a.next, a.prev
		if p.first == a {
			p.first = a.next
		}
	}
	a.next, a.prev = nil, nil
}

// claimPrefix is what the names of those begin with who claim to be an account.
const claimPrefix = "stranger:"

// Claimed returns the name under which requests ask that claim to be an account's.
func Claimed(account string) string { return claimPrefix + account }

func (p *Pool) account(name string) *account {
	a := p.accounts[name]
	if a == nil {
		a = &account{name: name}
		p.accounts[name] = a
		other, ok := strings.CutPrefix(name, claimPrefix)
		if !ok {
			other = claimPrefix + name
		}
		if a.counterpart = p.accounts[other]; a.counterpart != nil {
			a.counterpart.counterpart = a
		}
	}
	return a
}
