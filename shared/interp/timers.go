package interp

import (
	"millrace/shared/flow"
)

// fireTimers deals with every timer whose time has come.
func (f *stepper) fireTimers() {
	s := f.s
	if s.Deadline > 0 && f.clock >= s.Deadline {
		f.end(flow.TimedOut, &flow.Error{Name: flow.ErrExecutionTimedOut, Cause: "the execution ran longer than its time limit"})
		f.out.Changed = true
		return
	}
	s.each(func(e *entry) {
		switch {
		case e.phase == waiting && f.clock >= e.due:
			e.due = 0
			f.passThrough(e)
			f.markReady()
		case e.phase == backingOff && f.clock >= e.due:
			e.due, e.phase = 0, beginning
			f.markReady()
		case e.phase == calling && e.attempt.deadline > 0 && f.clock >= e.attempt.deadline:
			f.timedOut(e)
		}
	})
}

// markReady notes that something may go on.
func (f *stepper) markReady() {
	f.s.ready = true
	f.out.Changed = true
}

// timedOut closes an attempt that took too long.
func (f *stepper) timedOut(e *entry) {
	if f.endAtEventLimit(1) {
		return
	}
	err := &flow.Error{Name: flow.ErrTaskTimeout, Cause: "the task ran longer than its Timeout"}
	e.last = f.emit(flow.HistoryEvent{Type: flow.TaskTimedOut, Schedule: e.last, Node: e.node, Error: err})
	e.timeout = true
	f.cancelAttempt(e)
	f.fail(e, *err)
	f.out.Changed = true
}

// NextWakeTime is the earliest time at which the execution needs attention on its own, ms since 1970: timers, deadlines,
// leases, and what is to be sent again. 0: never. Calls of the owner given are left out: it watches over them itself. 0
// leaves none out.
func (s *State) NextWakeTime(owner uint64) int64 {
	timer, send := s.NextTimer(owner), s.NextSend()
	if timer == 0 || send > 0 && send < timer {
		return send
	}
	return timer
}

// NextTimer is NextDue without what is to be sent.
func (s *State) NextTimer(owner uint64) int64 {
	next := int64(0)
	sooner := func(t int64) {
		if t > 0 && (next == 0 || t < next) {
			next = t
		}
	}
	if !s.Final() {
		sooner(s.Deadline)
	}
	s.each(func(e *entry) {
		if e.phase == waiting || e.phase == backingOff {
			sooner(e.due)
		}
		a := e.attempt
		if a == nil || owner != 0 && a.phase == attemptRunning && a.owner == owner {
			return
		}
		sooner(a.deadline)
		if a.phase == attemptRunning {
			sooner(a.until + LeaseMargin)
		}
	})
	return next
}

// NextSend is the earliest time at which something in the outbox is to be tried again, ms since 1970; 0: nothing is.
func (s *State) NextSend() int64 {
	next := int64(0)
	for i := range s.Outbox {
		if t := s.Outbox[i].Next; t > 0 && (next == 0 || t < next) {
			next = t
		}
	}
	return next
}

// Ready tells whether there is work that nobody has taken: scopes to run on, or attempts to call.
func (s *State) Ready() bool {
	if s.Final() {
		return false
	}
	if s.ready || s.root == nil {
		return true
	}
	open := false
	s.each(func(e *entry) { open = open || e.attempt != nil && e.attempt.phase == attemptReady })
	return open
}

// ReadyAttempts returns how many attempts wait to be taken.
func (s *State) ReadyAttempts() int {
	n := 0
	s.each(func(e *entry) {
		if e.attempt != nil && e.attempt.phase == attemptReady {
			n++
		}
	})
	return n
}

// Unsent tells whether something in the outbox has never been tried.
func (s *State) Unsent() bool {
	for i := range s.Outbox {
		if s.Outbox[i].Next == 0 {
			return true
		}
	}
	return false
}

// Lease is a call that somebody has taken.
type Lease struct {
	Attempt  int64
	Owner    uint64
	Until    int64 // ms since 1970; over only LeaseMargin later
	Deadline int64 // of the attempt and the execution; a lease needs to last no longer than that and LeaseMargin
}

// Leases lists the calls that are taken.
func (s *State) Leases() []Lease {
	var out []Lease
	s.each(func(e *entry) {
		if a := e.attempt; a != nil && a.phase == attemptRunning {
			deadline := s.Deadline
			if a.deadline > 0 {
				deadline = min(deadline, a.deadline)
			}
			out = append(out, Lease{a.id, a.owner, a.until, deadline})
		}
	})
	return out
}

// AttemptOpen tells whether an attempt is still open.
func (s *State) AttemptOpen(attempt int64) bool {
	open := false
	s.each(func(e *entry) { open = open || e.attempt != nil && e.attempt.id == attempt })
	return open
}

// Timer is a wait or a pause that an execution is in.
type Timer struct {
	State   string
	Attempt int   // 0 for a Wait state
	Due     int64 // ms since 1970
}

// Timers lists the waits and pauses that are open.
func (s *State) Timers(m *flow.Machine) []Timer {
	var out []Timer
	s.each(func(e *entry) {
		if e.phase == waiting || e.phase == backingOff {
			out = append(out, Timer{State: m.Nodes[e.node].Name, Attempt: e.retries, Due: e.due})
		}
	})
	return out
}
