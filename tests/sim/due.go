package sim

import (
	"fmt"
	"math"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// livenessState is what a run keeps for what it owes and what is owed to it. Of the run itself:
type livenessState struct {
	visits  *visits
	cut     bool              // the last commit has left something ready
	more    bool              // the last fold was cut
	found   int64             // when it was found due last, ms since 1970
	excuse  int64             // until when faults have put it off, or when it was taken up before, ms since 1970
	ended   time.Time         // when its end was committed
	wrote   int64             // when its row was written last, ms since 1970
	left    int64             // since when it is ready or has something unsent, ms since 1970; 0: neither
	outbox  map[int64]sending // by id of the entry
	leases  map[int64]int64   // until when, by attempt
	retaken int64             // when it was written for the first time since the faults ended

	// Attempts that wait for an execution, and when those were closed by anything but its end, ms since 1970.
	attempts map[int64]*taskAttempt
	released map[int64]int64
	rescued  bool // its end is not what its tasks alone come to
	// Of a child: nobody waited for it any more when it was claimed.
	unwatched bool
}

// liveness is what the world keeps for the same.
type liveness struct {
	idleSweeps  idleSweeps
	clock       dueClock
	children    map[string]*run // that tasks have started and wait for, by origin
	invocations []*invocation
	hintTracker hintTracker
	polls       []*poll
	blind       []string // invariants that are not checked
	timeline    timeline
	outageUntil time.Time // the store is, until then
	rescueAt    time.Time // somebody looks after what waits for ever
	alarm       int64     // the world looks again by then whatever happens, ms since 1970; 0: it need not
}

// What delays everything has that is found by a sweep. They are added up by dueClock.by.
const (
	// restartMax is how long a process may be away that has died: kill starts another one after 90 s
	// at the most.
	restartMax = 90 * time.Second
	// firstSweepMax is how long a process may take from its start to its first sweep. Two sweeps are
	// no further apart than that.
	firstSweepMax = sweepEvery
	// stepsTake is what clocks of processes have differed by, and what the steps take that lead from a
	// sweep to a commit: each takes up to a millisecond, and a fold that is cut after each transition
	// needs a thousand.
	stepsTake = 20 * time.Second
)

// obligation is something that a running system owes: by a time it must have happened.
type obligation struct {
	invariant string
	due       int64  // ms since 1970: from then on it may happen
	by        int64  // and by then it must have
	what      string // for the message
}

// begins makes the run ready to be followed.
func (w *World) begins(r *run) {
	r.visits = newVisits(r.m, func(e *flow.HistoryEvent, v *visit) {
		w.judgeEarly(r, e, v)
		w.judgeAttempts(r, e, v)
	})
	w.noteChild(r)
}

// judgeMore follows what stands open after a commit, and checks what does not ask the interpreter. before is the
// state that the execution had; nil of a claim.
func (w *World) judgeMore(p *process, r *run, before *interp.State, old, x *store.Execution, news []flow.HistoryEvent) {
	counts := old != nil && (x.SweepAttempts > old.SweepAttempts || x.RunnerAttempts > old.RunnerAttempts)
	r.cut = !x.Status.Final() && (r.state.Ready() || counts && r.cut)
	r.visits.add(news, p.now().UnixMilli(), r.more)
	if x.Status.Final() && r.ended.IsZero() {
		r.ended = time.Now()
	}
	r.noteAttempts(news)
	w.judgeWake(p, r, x)
	w.judgePutOff(p, r, old, x)
	w.judgeLeases(p, r)
	w.judgeRetention(x)
	w.judgeOrphans(r)
	w.judgeReportedEnd(r, news)
	if before != nil && r.x.Account != guarded {
		w.judgeLeft(r, before.Outbox)
	}
	w.noteOutbox(r)
	now := time.Now().UnixMilli()
	if r.wrote <= w.quiescedAt {
		r.retaken = now
	}
	r.wrote = now
	r.noteLeft(before, now)
	w.clock.recheck()
}

// dueClock checks what is owed at the time, not at the end: before each step it looks whether
// anything is overdue. Only the scheduler's goroutine touches it.
type dueClock struct {
	next int64 // nothing is overdue before, ms since 1970
	died int64 // when the last process has died, ms since 1970
}

// recheck makes the clock look at everything anew: what excuses something has changed.
func (d *dueClock) recheck() { d.next = 0 }

// latest is when something must have happened that is due at a time and may take a while then, without
// faults: at the latest a sweep finds it, by a process that is there.
func (w *World) latest(due int64, most time.Duration) int64 {
	there := max(w.quiescedAt, w.clock.died) + restartMax.Milliseconds()
	return max(due+most.Milliseconds(), there) + (firstSweepMax + stepsTake).Milliseconds()
}

// judgeDue fails the run when anything is overdue. Between faults nothing is owed: each may delay
// everything.
func (w *World) judgeDue() {
	now := time.Now().UnixMilli()
	if !w.quiesced || now < w.clock.next || w.failed() {
		return
	}
	w.clock.next = math.MaxInt64
	for _, partition := range w.partitions {
		r := w.runs[partition]
		if r == nil || r.state == nil {
			continue
		}
		w.owes(r, func(o obligation) { w.overdue(r, now, o) })
	}
	others := func(o obligation) { w.overdue(nil, now, o) }
	w.owesInbox(others)
	w.owesInvocations(others)
	w.owesPolls(others)
	w.owesExpress(others)
}

func (w *World) overdue(r *run, now int64, o obligation) {
	w.checked(o.invariant)
	if now <= o.by {
		w.clock.next = min(w.clock.next, o.by+1)
		return
	}
	where := ""
	if r != nil {
		where = fmt.Sprintf("%s v%d (found due %d times, wakes at %d): ", r.x.Partition(), r.x.Version, r.x.SweepAttempts, r.x.Wake)
	}
	w.violate(o.invariant, "%s%s was due at %d and should have come to pass by %d, without faults since %d; it is %d", where, o.what, o.due, o.by,
		w.quiescedAt, now)
}

// owes tells everything that is owed to one execution.
func (w *World) owes(r *run, owe func(obligation)) {
	put := owe
	if r.x.SweepAttempts > 0 && (r.found <= w.quiescedAt || w.poison.partition != "") {
		// It was found due while there were faults, by a sweep that then came to grief: the next one
		// may come as much later as the row says (invariant "put off").
		put = func(o obligation) {
			o.by = max(o.by, w.latest(r.x.Wake, 0))
			owe(o)
		}
	}
	if r.excuse > 0 {
		// The sweep that finds it then brings it on; what that takes counts from then, also when the row says
		// already that it has been taken up.
		before := put
		put = func(o obligation) {
			o.by = max(o.by, w.latest(r.excuse, 0))
			before(o)
		}
	}
	if inner := put; w.faults.skew > 0 {
		// The clock that its wake time was reckoned by may have been wrong, while there were faults. Then it is
		// seen to that much later, and what is owed may take its time from then on. A timer that was set by that
		// clock stays as it is when the row is written again (2001781).
		put = func(o obligation) {
			o.by += 2 * w.faults.skew.Milliseconds()
			if r.wrote > w.quiescedAt && w.faults.skew > slack*time.Millisecond {
				o.by = max(o.by, w.latest(r.retaken, readyWakes+4*sweepEvery))
			}
			inner(o)
		}
	}
	w.owesTimers(r, put)
	w.owesReady(r, put)
	w.owesHint(r, owe)
	w.owesLeases(r, put)
	if r.x.Account != guarded { // there it may be refused for as long as rights are missing
		w.owesOutbox(r, put)
		w.owesStops(r, put)
		w.owesCallback(r, put)
	}
	w.owesResults(r, owe)
	w.owesTaking(r, owe)
}

// leaf reports whether a state has to go on by itself: nothing in it does.
func (v *visit) leaf() bool { return v.inside == 0 }

// calling reports whether an attempt of the task is open.
func (v *visit) calling() bool { return v.attempt != nil && !v.attempt.over }

// quiescedSleepMax bounds how long the world sleeps while nothing waits and nothing fails.
const quiescedSleepMax = 24 * time.Hour

// lookAgain is how long the world may sleep while nothing waits: until something may be overdue, or somebody has
// to look after something.
func (w *World) lookAgain() time.Duration {
	most, now := quiescedSleepMax, time.Now()
	for _, at := range []int64{w.clock.next, w.rescueAt.UnixMilli(), w.alarm} {
		if at > now.UnixMilli() && at < math.MaxInt64 {
			most = min(most, time.UnixMilli(at).Sub(now))
		}
	}
	return most
}
