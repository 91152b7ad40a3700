package sim

import (
	"fmt"
	"math"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// livenessState holds what a run needs for the checks of its obligations. About the run itself:
type livenessState struct {
	visits *visits
	cut    bool  // the last commit left something ready
	more   bool  // the last transaction was cut
	found  int64 // when a sweep found it due last, ms since 1970
	// until when faults delayed it, or when it was taken up before, ms since 1970
	excuse int64
	ended  time.Time // when its end was committed
	wrote  int64     // when its row was written last, ms since 1970
	// since when it is ready or has something to send, ms since 1970; 0: neither
	left    int64
	outbox  map[int64]sending // by id of the entry
	leases  map[int64]int64   // end of the lease, by attempt
	retaken int64             // when it was written for the first time after the faults ended

	// Attempts that wait for an execution, and when they were closed by anything but that
	// execution's end, ms since 1970.
	attempts map[int64]*taskAttempt
	released map[int64]int64
	rescued  bool // its end does not follow from its tasks alone
	// About a child: no task waited for it any more when it was claimed.
	unwatched bool
}

// liveness holds what the world needs for the same checks.
type liveness struct {
	idleSweeps  idleSweeps
	clock       dueClock
	children    map[string]*run // started by tasks that wait for them, by origin
	invocations []*invocation
	hintTracker hintTracker
	polls       []*poll
	blind       []string // invariants that are not checked
	timeline    timeline
	outageUntil time.Time // the store is unavailable until then
	rescueAt    time.Time // when the rescuer looks at what waits forever
	alarm       int64     // the world looks again by then in any case, ms since 1970; 0: not needed
}

// The delays of everything that a sweep finds. World.latest adds them up.
const (
	// restartMax is how long a dead process may be absent: kill starts another one within 90 s.
	restartMax = 90 * time.Second
	// firstSweepMax is how long a process may take from its start to its first sweep. The interval
	// between two sweeps is no longer.
	firstSweepMax = sweepEvery
	// stepsTake is the difference of process clocks, plus the time of the steps from a sweep to a
	// commit. Each step takes up to a millisecond, and a transaction that is cut after each
	// transition needs a thousand.
	stepsTake = 20 * time.Second
)

// obligation is something that a running system must do by a time.
type obligation struct {
	invariant string
	due       int64  // ms since 1970: it may happen from then on
	by        int64  // and must have happened by then
	what      string // for the message
}

// begins prepares the run for these checks.
func (w *World) begins(r *run) {
	r.visits = newVisits(r.m, func(e *flow.HistoryEvent, v *visit) {
		w.judgeEarly(r, e, v)
		w.judgeAttempts(r, e, v)
	})
	w.noteChild(r)
}

// judgeMore tracks what is open after a commit, and makes the checks that need no interpreter.
// before is the previous state of the execution; nil for a claim.
func (w *World) judgeMore(p *process, r *run, before *interp.State, old, x *store.Execution,
	added []flow.HistoryEvent) {
	counts := old != nil && (x.SweepAttempts > old.SweepAttempts ||
		x.EngineAttempts > old.EngineAttempts)
	r.cut = !x.Status.Final() && (r.state.Ready() || counts && r.cut)
	r.visits.add(added, p.now().UnixMilli(), r.more)
	if x.Status.Final() && r.ended.IsZero() {
		r.ended = time.Now()
	}
	r.noteAttempts(added)
	w.judgeMapRuns(r)
	w.judgeWake(p, r, x)
	w.judgePutOff(p, r, old, x)
	w.judgeLeases(p, r)
	w.judgeRetention(x)
	w.judgeOrphans(r)
	w.judgeReportedEnd(r, added)
	if before != nil && r.x.Account != guarded && !redrivenBy(old, x) {
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

// dueClock checks obligations at their time, not at the end of the run: before each step the world
// looks for overdue ones. Only the scheduler's goroutine uses it.
type dueClock struct {
	next int64 // nothing is overdue before it, ms since 1970
	died int64 // when the last process died, ms since 1970
}

// recheck makes the clock check everything again, because something that excuses delays has
// changed.
func (d *dueClock) recheck() { d.next = 0 }

// latest returns the time by which something must have happened without faults, if it is due at a
// time and may take most from then: a sweep of a live process finds it at the latest.
func (w *World) latest(due int64, most time.Duration) int64 {
	there := max(w.quiescedAt, w.clock.died) + restartMax.Milliseconds()
	return max(due+most.Milliseconds(), there) + (firstSweepMax + stepsTake).Milliseconds()
}

// judgeDue fails the run if anything is overdue. There are no obligations while there are faults:
// each fault may delay everything.
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
	w.owesSchedules(others)
	w.owesBulks(others)
}

func (w *World) overdue(r *run, now int64, o obligation) {
	w.checked(o.invariant)
	if now <= o.by {
		w.clock.next = min(w.clock.next, o.by+1)
		return
	}
	where := ""
	if r != nil {
		where = fmt.Sprintf("%s v%d (found due %d times, wakes at %d): ", r.x.Partition(),
			r.x.Version, r.x.SweepAttempts, r.x.Wake)
	}
	w.violate(o.invariant,
		"%s%s was due at %d and should have come to pass by %d, without faults since %d; it is %d",
		where, o.what, o.due, o.by,
		w.quiescedAt, now)
}

// owes lists the obligations of one execution.
func (w *World) owes(r *run, owe func(obligation)) {
	put := owe
	if r.x.SweepAttempts > 0 && (r.found <= w.quiescedAt || w.poison.partition != "") {
		// A sweep found it due while there were faults, and then failed. The next sweep may find it
		// as much later as the row says (invariant "put off").
		put = func(o obligation) {
			o.by = max(o.by, w.latest(r.x.Wake, 0))
			owe(o)
		}
	}
	if r.excuse > 0 {
		// A sweep that finds it brings it forward. The time for that counts from then, even if the
		// row already says that it has been taken up.
		before := put
		put = func(o obligation) {
			o.by = max(o.by, w.latest(r.excuse, 0))
			before(o)
		}
	}
	if inner := put; w.faults.skew > 0 {
		// While there were faults, the clock that its wake time was computed by may have been
		// wrong. Then it is handled that much later, and an obligation counts from then on. A timer
		// that was set by that clock stays as it is when the row is written again (2001781).
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
	if r.x.Account != guarded { // there it may be refused as long as rights are missing
		w.owesOutbox(r, put)
		w.owesStops(r, put)
		w.owesCallback(r, put)
	}
	w.owesResults(r, owe)
	w.owesTaking(r, owe)
}

// leaf reports whether a state must proceed by itself because no state is open inside it.
func (v *visit) leaf() bool { return v.inside == 0 }

// calling reports whether an attempt of the task is open.
func (v *visit) calling() bool { return v.attempt != nil && !v.attempt.over }

// quiescedSleepMax is the longest time that the world sleeps while nothing waits and nothing fails.
const quiescedSleepMax = 24 * time.Hour

// lookAgain returns how long the world may sleep while nothing waits: until something may be
// overdue, or the rescuer has to look.
func (w *World) lookAgain() time.Duration {
	most, now := quiescedSleepMax, time.Now()
	for _, at := range []int64{w.clock.next, w.rescueAt.UnixMilli(), w.alarm} {
		if at > now.UnixMilli() && at < math.MaxInt64 {
			most = min(most, time.UnixMilli(at).Sub(now))
		}
	}
	return most
}
