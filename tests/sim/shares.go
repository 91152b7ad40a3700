package sim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fault"
	"millrace/shared/share"
	"millrace/shared/task"
)

// Shares. A process, unless it is a function, divides its limited resources between accounts: calls
// in flight, Express executions, long polls, processors. In some runs it has so few of them that
// they are always used up. The rules are those of package share, computed here independently:
//
//   - "share": no account holds more than its share, and all together no more than there is;
//   - "share rejected": no request is refused, or kept waiting, if its account's share allows it;
//   - "share by turns": an account that holds nothing is not passed over again and again;
//   - "share given back": no request holds a processor while it waits, and at rest everything has
//     been released, also places in line and the bytes of responses.
const withShares = "shares"

// sharing is the size of the resources of a run's processes.
type sharing struct {
	drawn                            bool
	several                          bool // accounts
	calls, express, polls, processor int64
	line                             int
}

// drawShares draws the sizes.
func (w *World) drawShares() {
	s := &w.sharing
	s.drawn = w.topology != functions && w.mocked == nil && !w.large() &&
		w.number(withShares)%4 == 0 &&
		!slices.Contains(w.without, withShares)
	if !s.drawn {
		return
	}
	draw := func(what string, of ...int64) int64 {
		return of[w.number("share of "+what)%uint64(len(of))]
	}
	s.several = draw("accounts", 0, 1, 1, 1) == 1
	s.calls, s.express = draw("calls", 1, 2, 3, 8), draw("Express", 1, 2, 3, 6)
	s.polls, s.processor = draw("polls", 1, 2, 4), draw("processors", 1, 2)
	s.line = int(draw("line", 1, 2, 32))
	w.tracef("shares %+v", *s)
}

// shares are the pools of one process, and the world's own count of their use.
type shares struct {
	pools   engine.Shares
	calls   map[string]int64 // in flight, by account
	begun   map[string]int   // calls so far
	answers int              // that were not released
	waits   map[string]turn  // of the accounts that wait for calls and have none in flight
}

// turn is one wait of an account: its number, and the number of calls of each account when it
// began.
type turn struct {
	came  int64
	begun map[string]int
}

// newShares creates the pools of a process; nil in most runs.
func (w *World) newShares() *shares {
	s := &w.sharing
	if !s.drawn {
		return nil
	}
	pool := func(name string, n int64) *share.Pool {
		return share.New(share.Options{Name: name, Capacity: n, SingleAccount: !s.several})
	}
	made := &shares{pools: engine.Shares{Polls: pool("long polls", s.polls),
		Express: pool("Express executions", s.express), Calls: pool("calls", s.calls),
		LineCapacity: s.line},
		calls: map[string]int64{}, begun: map[string]int{}}
	if s.several {
		made.pools.Processors = share.New(share.Options{Name: "processors", Capacity: s.processor,
			RoundRobin: true})
	}
	return made
}

// all returns the pools that exist.
func (s *shares) all() []*share.Pool {
	p := &s.pools
	return slices.DeleteFunc([]*share.Pool{p.Polls, p.Express, p.Calls, p.Processors},
		func(one *share.Pool) bool { return one == nil })
}

// shareMax is the most that one account can hold.
func shareMax(p *share.Pool) int64 {
	if p.SingleAccount {
		return p.Capacity
	}
	return max(p.Capacity/2, 1)
}

// allows reports whether an account that holds held of used units may get one more.
func allows(p *share.Pool, held, used int64) bool {
	free := p.Capacity - used
	return free > 0 && (p.SingleAccount || held == 0 || held+1 <= free-1)
}

// usage returns each account's use of a pool, ordered by account, and the sum.
func usage(p *share.Pool) (list []share.Usage, used int64) {
	list = p.Usage()
	slices.SortFunc(list, func(a, b share.Usage) int { return cmp.Compare(a.Account, b.Account) })
	for _, u := range list {
		used += u.Held
	}
	return list, used
}

func held(list []share.Usage, of string) int64 {
	for _, u := range list {
		if u.Account == of {
			return u.Held
		}
	}
	return 0
}

// countCall counts a call of an account as in flight until over is called.
func (p *process) countCall(of string) (over func()) {
	s := p.shares
	if s == nil {
		return func() {}
	}
	w, pool, all := p.w, s.pools.Calls, int64(0)
	s.calls[of]++
	s.begun[of]++
	for _, n := range s.calls {
		all += n
	}
	w.checked("share")
	if all > pool.Capacity || s.calls[of] > shareMax(pool) {
		w.violate("share", "%s has %d calls in flight, %d of account %s; "+
			"there may be %d, and %d of one", p.name, all, s.calls[of], of, pool.Capacity,
			shareMax(pool))
	}
	return func() { s.calls[of]-- }
}

// judgeExpressShare checks that a process runs no more Express executions than allowed.
func (p *process) judgeExpressShare(of string) {
	s := p.shares
	if s == nil {
		return
	}
	w, pool := p.w, s.pools.Express
	w.checked("share")
	e := &w.expresses
	if all, own := e.active(p, ""), e.active(p, of); all > pool.Capacity || own > shareMax(pool) {
		w.violate("share", "%s runs %d Express executions, %d of account %s; "+
			"there may be %d, and %d of one", p.name, all, own, of, pool.Capacity, shareMax(pool))
	}
}

// judgeRefusal checks that no request was refused although its share allows it. It is called before
// anything else happens in the process.
func (p *process) judgeRefusal(name string, which func(*shares) *share.Pool, of string,
	code fault.Code) {
	if p.shares == nil || code != fault.ResourceThrottled && code != fault.ServiceUnavailable {
		return
	}
	pool := which(p.shares)
	list, used := usage(pool)
	p.w.checked("share rejected")
	p.w.kinds["refused a share of "+name]++
	full := held(list, of) == 0 || used >= pool.Capacity
	if allows(pool, held(list, of), used) || full != (code == fault.ServiceUnavailable) {
		p.w.violate("share rejected",
			"%s responds to account %s with %q; of %d %s it holds %d, all hold %d", p.name, of,
			code, pool.Capacity, name, held(list, of), used)
	}
}

// countRelease makes a result count its release.
func (p *process) countRelease(r task.Result) task.Result {
	s := p.shares
	if s == nil || p.isDead() {
		return r
	}
	s.answers++
	released := false
	r.Release = func() {
		if s.answers--; released {
			p.w.violate("share given back", "a response is released a second time by %s", p.name)
		}
		released = true
	}
	return r
}

// judgeShares checks the pools while everything waits.
func (w *World) judgeShares() {
	if !w.sharing.drawn {
		return
	}
	for _, p := range w.processes {
		for _, pool := range p.shares.all() {
			p.judgeWaiting(pool)
		}
	}
}

// judgeWaiting checks that every account that waits in a pool has to.
func (p *process) judgeWaiting(pool *share.Pool) {
	w := p.w
	list, used := usage(pool)
	if pool == p.shares.pools.Calls {
		p.judgeTurns(list)
	}
	for _, u := range list {
		if u.Waiting == 0 {
			continue
		}
		w.checked("share rejected")
		w.kinds["waited for a share of "+pool.Name]++
		if pool.RoundRobin && u.Held > 0 {
			continue // it depends on recent requests
		}
		if allows(pool, u.Held, used) {
			w.violate("share rejected", "account %s waits in %s; of %d %s it holds %d, all hold %d",
				u.Account, p.name, pool.Capacity, pool.Name, u.Held, used)
		}
	}
}

// judgeTurns checks that no account that waits for calls, and has none in flight, is passed over.
func (p *process) judgeTurns(list []share.Usage) {
	s := p.shares
	before := s.waits
	s.waits = map[string]turn{}
	for _, u := range list {
		if u.Waiting == 0 || u.Held > 0 {
			continue
		}
		since := before[u.Account]
		if since.came != u.Waits { // or one gave up and the next one came at the same instant
			since = turn{u.Waits, maps.Clone(s.begun)}
		}
		s.waits[u.Account] = since
		p.w.checked("share by turns")
		for other, n := range s.begun {
			if n > since.begun[other]+passedMax {
				p.w.violate("share by turns", "account %s waits in %s and holds nothing, "+
					"and meanwhile %s began %d calls", u.Account, p.name, other,
					n-since.begun[other])
			}
		}
	}
}

// passedMax is how many calls of another account may begin meanwhile: one by the rule, and one that
// had got its place before.
const passedMax = 2

// judgeIdle checks that no processor is held while everything waits for time to pass.
func (w *World) judgeIdle() {
	if !w.sharing.drawn {
		return
	}
	for _, p := range w.processes {
		if time.Now().Before(p.frozen) || p.shares.pools.Processors == nil {
			continue
		}
		w.checked("share given back")
		if list, used := usage(p.shares.pools.Processors); used > 0 {
			w.violate("share given back", "processors of %s are held by what waits: %+v",
				p.name, list)
		}
	}
}

// judgeReleased checks, when everything is at rest, that everything was released.
func (w *World) judgeReleased() {
	if !w.sharing.drawn || w.failed() {
		return
	}
	until := time.Now().Add(time.Minute)
	w.run(stepsMax, func() bool { return w.unreleased() == "" || time.Now().After(until) })
	w.checked("share given back")
	if kept := w.unreleased(); kept != "" {
		w.violate("share given back", "%s, and nothing goes on", kept)
	}
}

// unreleased describes what some process still holds; "" if nothing.
func (w *World) unreleased() string {
	for _, p := range w.processes {
		for _, pool := range p.shares.all() {
			list, used := usage(pool)
			waits := slices.ContainsFunc(list, func(u share.Usage) bool { return u.Waiting > 0 })
			if used > 0 || waits {
				return fmt.Sprintf("%s holds %d %s: %+v", p.name, used, pool.Name, list)
			}
		}
		if list := p.engine.LineUsage(); len(list) > 0 {
			return fmt.Sprintf("%s has places in the line of calls: %+v", p.name, list)
		}
		if n := p.shares.answers; n != 0 {
			return fmt.Sprintf("%s has not released %d responses", p.name, n)
		}
	}
	return ""
}

// acquireProcessor waits for a processor for a request, as the server does, if does is true. over
// ends the request's turn.
func (p *process) acquireProcessor(ctx context.Context, does bool) (context.Context, func()) {
	if !does || p.shares == nil {
		return ctx, func() {}
	}
	with, turn, err := p.shares.pools.Processors.WithTurn(ctx, account)
	if err != nil {
		return ctx, func() {}
	}
	return with, turn.Release
}
