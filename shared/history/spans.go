package history

import (
	"time"

	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// spansMax is how many entries Spans keeps.
const spansMax = 5000

// Spans are the entries of states, with when each began and ended, in the order of their events.
type Spans struct {
	Entries []*Span
	Dropped int       // entries that are not kept, because there were too many
	Until   time.Time // of the last event

	open map[*Place]*Span
}

// Span is one entry of a state.
type Span struct {
	At       *Place
	From, To time.Time // To is zero while it is open
	Outcome  Outcome
	Waits    bool // it is a Wait
	Attempts []Attempt
}

// Outcome is how an entry or an attempt ended.
type Outcome string

// The outcomes.
const (
	StillOpen Outcome = ""
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Aborted   Outcome = "aborted"
)

// Attempt is one call of a task.
type Attempt struct {
	From, To  time.Time // To is zero while it is open
	Submitted time.Time // since when its result is waited for; zero if it is not
	Outcome   Outcome
}

// outcomes are the events that end an entry.
var outcomes = map[string]Outcome{"StateSucceeded": Succeeded, "StepSucceeded": Succeeded,
	"StepExited": Succeeded, "StateFailed": Failed, "StateTimedOut": Failed, "StepFailed": Failed,
	"StateAborted": Aborted}

// add takes the next event with its place.
func (s *Spans) add(e *client.Event, at *Place) {
	s.Until = e.Time.Time()
	if at == nil {
		return
	}
	switch e.Type {
	case "StateEntered", "StepEntered":
		s.enter(at)
		return
	}
	entry := s.open[at]
	if entry == nil {
		return
	}
	entry.add(e, s.Until)
}

func (s *Spans) enter(at *Place) {
	if len(s.Entries) >= spansMax {
		s.Dropped++
		return
	}
	entry := &Span{At: at, From: s.Until,
		Waits: at.spec != nil && at.spec.Kind == flow.Wait}
	s.Entries = append(s.Entries, entry)
	if s.open == nil {
		s.open = map[*Place]*Span{}
	}
	s.open[at] = entry
}

func (e *Span) add(event *client.Event, now time.Time) {
	if outcome, ends := outcomes[event.Type]; ends {
		if e.Outcome != Failed { // what failed in FlowV1 is exited, too
			e.Outcome = outcome
		}
		e.To = now
		e.endAttempt(now, Aborted)
		return
	}
	switch event.Type {
	case "TaskScheduled":
		e.endAttempt(now, Aborted)
		e.Attempts = append(e.Attempts, Attempt{From: now})
	case "TaskSubmitted":
		if n := len(e.Attempts); n > 0 {
			e.Attempts[n-1].Submitted = now
		}
	case "TaskSucceeded":
		e.endAttempt(now, Succeeded)
	case "TaskFailed", "TaskTimedOut", "TaskSubmitFailed":
		e.endAttempt(now, Failed)
	}
}

// endAttempt ends the latest attempt if it is open.
func (e *Span) endAttempt(now time.Time, outcome Outcome) {
	if n := len(e.Attempts); n > 0 && e.Attempts[n-1].To.IsZero() {
		e.Attempts[n-1].To, e.Attempts[n-1].Outcome = now, outcome
	}
}
