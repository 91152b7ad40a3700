// Package share divides a bounded resource of one process (open requests, long polls, calls in
// flight, bytes of responses, processors) between the accounts that use it. Package inflight bounds
// the bytes of requests, which are read before their account is known.
//
// A Pool has one of three rules:
//
//   - By default, no account holds more of the resource than remains free. A single busy account
//     may hold half of it, two busy accounts a third each, and a new account finds as much free as
//     the busiest one holds. The rule does not depend on the number of accounts or their load.
//     (Network switches share their buffers by this rule: dynamic thresholds, Choudhury and Hahne
//     1998.)
//   - With Options.SingleAccount, one account may hold everything.
//   - With Options.RoundRobin, an account leaves one for the others while any of them asks. A
//     request that claims to be an account's and is not verified yet (Claimed) counts together with
//     the account for this, and takes turns with it.
package share

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Options configure a Pool.
type Options struct {
	// Name is the resource's name in messages and metrics, in the plural: "requests", "long polls".
	Name string
	// Capacity is how much of the resource the process has, in the resource's unit; at least 1.
	Capacity int64
	// SingleAccount lets one account hold everything, for servers with a single account.
	SingleAccount bool
	// RoundRobin makes an account leave one for the others if any of them asked within the
	// last second, and makes waiting accounts take turns. Use it only for a resource that is held
	// for a short and bounded time, such as a processor.
	RoundRobin bool
}

// Pool shares one resource. It is safe for concurrent use. A nil Pool has no bound and counts
// nothing.
type Pool struct {
	Options

	mu       sync.Mutex
	used     int64
	latest   demand // the account that asked last; for RoundRobin
	other    demand // the last account before latest that asked; for RoundRobin
	accounts map[string]*account
	// The account with the next turn, in a ring of the accounts with waiters; nil: none waits.
	first *account
}

// account is what one account holds and waits for. Accounts are never deleted: their names come
// from the credentials, so their number is bounded.
type account struct {
	name        string
	counterpart *account // the claims of an account, or the account of claims; nil: none
	held        int64
	rejected    int64
	waits       int64 // how often it began to wait
	waiters     []*waiter
	next, prev  *account // in the ring
}

// demand is when an account asked.
type demand struct {
	account *account
	at      time.Time
}

// demandWindow is how long after a request an account is expected to ask again.
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

// TryAcquire acquires amount for an account, or returns a *LimitError. An amount above the capacity
// counts as the capacity.
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
	return &LimitError{
		Resource: p.Name,
		Account:  account,
		Held:     a.held,
		Used:     p.used,
		Capacity: p.Capacity,
	}
}

// AcquireNow acquires amount for an account if Acquire would not wait, and reports whether it did.
// A false result does not count as a rejection.
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

// Acquire acquires amount for an account when its turn comes and its share allows it. If ctx ends
// first, Acquire returns the error of ctx. The caller must not wait for more of a pool of which it
// already holds something: two such callers may wait for each other.
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

// cancelWait removes a waiter, unless its turn has just come.
func (p *Pool) cancelWait(a *account, w *waiter, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range a.waiters {
		if a.waiters[i] == w {
			a.waiters = append(a.waiters[:i:i], a.waiters[i+1:]...)
			if len(a.waiters) == 0 {
				p.leave(a)
			}
			p.wake() // the next waiters may want less
			return err
		}
	}
	return nil // it got what it asked for
}

// Release returns what TryAcquire, AcquireNow or Acquire acquired, with the same account and
// amount.
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

// fits reports whether an account may take n now. An account that holds nothing always may, if n is
// free.
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

// Limit returns how much an account may hold now by the pool's rule, including what it holds
// already. It may hold more than that, because its share shrinks when other accounts come. Limit is
// not for pools with Options.RoundRobin.
func (p *Pool) Limit(account string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.Capacity - p.used
	if a := p.accounts[account]; a != nil {
		limit += a.held
	}
	if p.SingleAccount || limit == 1 {
		return limit
	}
	return limit / 2
}

// contended reports whether an account other than this one waits, or asked within demandWindow.
func (p *Pool) contended(a *account) bool {
	if p.first != nil && !(p.first.sameOwner(a) && p.first.next.sameOwner(a) &&
		p.first.prev.sameOwner(a)) {
		// An account and its claims are at most two elements of the ring. If there are three, one
		// of first and its neighbors belongs to another account; if there are two, first and next
		// are all of them.
		return true
	}
	last := p.latest
	if last.account.sameOwner(a) {
		last = p.other
	}
	return last.account != nil && time.Since(last.at) < demandWindow
}

// sameOwner reports whether a and b are the same account, or one is the claims of the other.
func (a *account) sameOwner(b *account) bool { return a != nil && (a == b || a.counterpart == b) }

// heldTogether returns what an account and its claims hold together.
func (a *account) heldTogether() int64 {
	if a.counterpart == nil {
		return a.held
	}
	return a.held + a.counterpart.held
}

// recordDemand returns the account, and records that it asks now.
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

// starved reports whether the account with the next turn waits for more than is free. Other
// accounts must not overtake it, because a large demand would wait forever behind small ones.
func (p *Pool) starved() bool {
	return p.first != nil && p.used+p.first.waiters[0].n > p.Capacity
}

func (p *Pool) take(a *account, n int64) {
	a.held += n
	p.used += n
}

// wake gives free capacity to waiters, one account after the other. It skips an account whose share
// is exhausted, which keeps its turn if no other account could get anything. If there is not enough
// capacity for an account's demand, wake stops and the account keeps its turn, so that smaller
// demands cannot overtake it forever.
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

// join adds an account at the end of the turns.
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

// leave removes an account from the turns.
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

// claimPrefix begins the names of claims.
const claimPrefix = "stranger:"

// Claimed returns the name for requests that claim to be an account's and are not verified yet.
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
