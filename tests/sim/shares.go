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

// Shares. A process, unless it is a function, divides between accounts what it has only so much of:
// calls in flight, Express executions, long polls, processors. In some runs it has so little that
// they are always used up. The rules are those of package share, reckoned anew here:
//
//   - "share": no account holds more than its share, nor all of them more than there is;
//   - "share refused": nobody is refused, or kept waiting, whose share allows what it asks for;
//   - "share by turns": who holds nothing is not passed over again and again;
//   - "share given back": nobody keeps a processor while it waits for something, and when nothing
//     goes on everything has been given back: also places in line, and the bytes of answers.
const withShares = "shares"

// sharing is how much the processes of a run have.
type sharing struct {
	drawn                            bool
	several                          bool // accounts
	calls, express, polls, processor int64
	line                             int
}

// drawShares draws it.
func (w *World) drawShares() {
	s := &w.sharing
	s.drawn = w.topology != functions && w.mocked == nil && !w.large() && w.number(withShares)%4 == 0 &&
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

// shares are those of one process, and what it holds by the world's own count.
type shares struct {
	pools   engine.Shares
	calls   map[string]int64 // in flight, by account
	begun   map[string]int   // calls there have been
	answers int              // that nobody has released
	waits   map[string]turn  // of the accounts that wait for calls and have none in flight
}

// turn is one wait of an account: the how manieth, and how many calls there had been of each account
// when it began.
type turn struct {
	came  int64
	begun map[string]int
}

// newShares makes the pools of a process; nil in most runs.
func (w *World) newShares() *shares {
	s := &w.sharing
	if !s.drawn {
		return nil
	}
	pool := func(name string, n int64) *share.Pool {
		return share.New(share.Options{Name: name, Capacity: n, SingleAccount: !s.several})
	}
	made := &shares{pools: engine.Shares{Polls: pool("long polls", s.polls),
		Express: pool("Express executions", s.express), Calls: pool("calls", s.calls), LineCapacity: s.line},
		calls: map[string]int64{}, begun: map[string]int{}}
	if s.several {
		made.pools.Processors = share.New(share.Options{Name: "processors", Capacity: s.processor,
			RoundRobin: true})
	}
	return made
}

// all are the pools, those that there are.
func (s *shares) all() []*share.Pool {
	p := &s.pools
	return slices.DeleteFunc([]*share.Pool{p.Polls, p.Express, p.Calls, p.Processors},
		func(one *share.Pool) bool { return one == nil })
}

// shareMax is the most that one account can ever come to hold.
func shareMax(p *share.Pool) int64 {
	if p.SingleAccount {
		return p.Capacity
	}
	return max(p.Capacity/2, 1)
}

// allows reports whether an account that holds so much may have one more, of so many that are used.
func allows(p *share.Pool, held, used int64) bool {
	free := p.Capacity - used
	return free > 0 && (p.SingleAccount || held == 0 || held+1 <= free-1)
}

// usage is what accounts have of a pool, in the order of their names, and together.
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

// judgeExpressShare checks that a process runs no more Express executions than it may.
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

// judgeRefusal checks that a request was not refused for a share that allows it. It is called before
// anything else goes on in the process.
func (p *process) judgeRefusal(name string, which func(*shares) *share.Pool, of string,
	code fault.Code) {
	if p.shares == nil || code != fault.ResourceThrottled && code != fault.ServiceUnavailable {
		return
	}
	pool := which(p.shares)
	list, used := usage(pool)
	p.w.checked("share refused")
	p.w.kinds["refused a share of "+name]++
	full := held(list, of) == 0 || used >= pool.Capacity
	if allows(pool, held(list, of), used) || full != (code == fault.ServiceUnavailable) {
		p.w.violate("share refused", "%s answers account %s %s; of %d %s it holds %d, all hold %d",
			p.name, of, code, pool.Capacity, name, held(list, of), used)
	}
}

// countRelease makes an answer count its release.
func (p *process) countRelease(r task.Result) task.Result {
	s := p.shares
	if s == nil || p.isDead() {
		return r
	}
	s.answers++
	released := false
	r.Release = func() {
		if s.answers--; released {
			p.w.violate("share given back", "an answer is released a second time by %s", p.name)
		}
		released = true
	}
	return r
}

// judgeShares looks at the pools while everything waits.
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

// judgeWaiting checks that those who wait in a pool have to.
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
		w.checked("share refused")
		w.kinds["waited for a share of "+pool.Name]++
		if pool.RoundRobin && u.Held > 0 {
			continue // it depends on who has asked lately
		}
		if allows(pool, u.Held, used) {
			w.violate("share refused", "account %s waits in %s; of %d %s it holds %d, all hold %d",
				u.Account, p.name, pool.Capacity, pool.Name, u.Held, used)
		}
	}
}

// judgeTurns checks that no account that waits for calls, with none in flight, is passed over.
func (p *process) judgeTurns(list []share.Usage) {
	s := p.shares
	before := s.waits
	s.waits = map[string]turn{}
	for _, u := range list {
		if u.Waiting == 0 || u.Held > 0 {
			continue
		}
		since := before[u.Account]
		if since.came != u.Waits { // one that gives up at the instant at which the next one comes has waited
			since = turn{u.Waits, maps.Clone(s.begun)}
		}
		s.waits[u.Account] = since
		p.w.checked("share by turns")
		for other, n := range s.begun {
			if n > since.begun[other]+passedMax {
				p.w.violate("share by turns", "account %s waits in %s and holds nothing, "+
					"and meanwhile %s began %d calls", u.Account, p.name, other, n-since.begun[other])
			}
		}
	}
}

// passedMax is how many calls of another account may begin meanwhile: by the rule one, and one that
// was given its place before.
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
			w.violate("share given back", "processors of %s are held by what waits: %+v", p.name, list)
		}
	}
}

// judgeReleased checks, when everything is at rest, that everything has been given back.
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

// unreleased says what some process holds; "" for nothing.
func (w *World) unreleased() string {
	for _, p := range w.processes {
		for _, pool := range p.shares.all() {
			list, used := usage(pool)
			waits := slices.ContainsFunc(list, func(u share.Usage) bool { return u.Waiting > 0 })
			if used > 0 || waits {
				return fmt.Sprintf("%s holds %d %s: %+v", p.name, used, pool.Name, list)
			}
		}
		if list := p.runner.LineUsage(); len(list) > 0 {
			return fmt.Sprintf("%s has places in the line of calls: %+v", p.name, list)
		}
		if n := p.shares.answers; n != 0 {
			return fmt.Sprintf("%s has not released %d answers", p.name, n)
		}
	}
	return ""
}

// acquireProcessor waits for a processor for a request, as the server does, if it is one that does; over ends
// its turn.
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
