package interp

import (
	"millrace/shared/flow"
)

// fireTimers fires every timer that is due.
func (f *stepper) fireTimers() {
	s := f.s
	if s.Deadline > 0 && f.clock >= s.Deadline {
		f.end(flow.TimedOut, &flow.Error{Name: flow.ErrExecutionTimedOut,
			Cause: "the execution ran longer than its time limit"})
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

// markReady records that some scope can advance.
func (f *stepper) markReady() {
	f.s.ready = true
	f.out.Changed = true
}

// timedOut closes an attempt that has exceeded its deadline.
func (f *stepper) timedOut(e *entry) {
	if f.endAtEventLimit(1) {
		return
	}
	err := &flow.Error{Name: flow.ErrTaskTimeout, Cause: "the task ran longer than its Timeout"}
	e.last = f.emit(flow.HistoryEvent{Type: flow.TaskTimedOut, Schedule: e.last, Node: e.node,
		Error: err})
	e.timeout = true
	f.cancelAttempt(e)
	f.fail(e, *err)
	f.out.Changed = true
}

// NextWakeTime returns the earliest time at which a process must look at the execution without a
// message, ms since 1970; 0 means never. It covers timers, deadlines, leases and deliveries to
// retry. Calls of the given owner are left out, because the owner watches them itself; owner 0
// leaves out none.
func (s *State) NextWakeTime(owner uint64) int64 {
	timer, send := s.NextTimer(owner), s.NextSend()
	if timer == 0 || send > 0 && send < timer {
		return send
	}
	return timer
}

// NextTimer is NextWakeTime without deliveries.
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

// NextSend returns the earliest time at which an outbox entry must be retried, ms since 1970; 0 if
// there is none.
func (s *State) NextSend() int64 {
	next := int64(0)
	for i := range s.Outbox {
		if t := s.Outbox[i].Next; t > 0 && (next == 0 || t < next) {
			next = t
		}
	}
	return next
}

// Ready reports whether there is work that no process does: a scope can advance, or an attempt
// waits to be leased.
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

// ReadyAttempts returns the number of attempts that wait to be leased.
func (s *State) ReadyAttempts() int {
	n := 0
	s.each(func(e *entry) {
		if e.attempt != nil && e.attempt.phase == attemptReady {
			n++
		}
	})
	return n
}

// Unsent reports whether the outbox has an entry that was never tried.
func (s *State) Unsent() bool {
	for i := range s.Outbox {
		if s.Outbox[i].Next == 0 {
			return true
		}
	}
	return false
}

// Lease is the right of one process to run the call of an attempt.
type Lease struct {
	Attempt int64
	Owner   uint64
	Until   int64 // ms since 1970; expires only LeaseMargin later
	// Deadline of the attempt or the execution, ms since 1970. No lease needs to last beyond it
	// plus LeaseMargin.
	Deadline int64
}

// Leases returns the leases of the running calls.
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

// AttemptOpen reports whether an attempt is still open.
func (s *State) AttemptOpen(attempt int64) bool {
	open := false
	s.each(func(e *entry) { open = open || e.attempt != nil && e.attempt.id == attempt })
	return open
}

// Timer is a running timer of an execution.
type Timer struct {
	State   string
	Attempt int   // 0 for a Wait state
	Due     int64 // ms since 1970
}

// Timers returns the running timers of Wait states and retries.
func (s *State) Timers(m *flow.Machine) []Timer {
	var out []Timer
	s.each(func(e *entry) {
		if e.phase == waiting || e.phase == backingOff {
			out = append(out, Timer{State: m.Nodes[e.node].Name, Attempt: e.retries, Due: e.due})
		}
	})
	return out
}
