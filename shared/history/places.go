package history

import (
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// Places says for each event of a history which state, which branch or item, and which attempt it
// belongs to. The wire names the state alone; the rest follows from the event that each event
// follows (ScheduleEventId). Events must come in order and from the first.
type Places struct {
	machine *flow.Machine    // of the execution's definition; nil if it is not known
	root    *Scope           // the execution's own
	entries map[int64]*Place // by event id: what the event belongs to
	scopes  map[int64]*Scope // by event id: what BranchEntered and IterationEntered begin
}

// Scope is the execution itself, a branch, or an item.
type Scope struct {
	Owner *Place // the Parallel or Map; nil for the execution
	path  string // "[2][17]"
	index int    // of the branch or item
	open  bool   // one of its states has been entered and has not ended

	failed bool // its last state has failed
}

// Place is one entry of a state. It changes with the events that are added.
type Place struct {
	State   string
	Scope   *Scope
	Entered time.Time
	Attempt int // the latest attempt of a task; 0 before the first
	Scopes  int // branches or items so far
	Running int // how many of them are open
	Failed  int // how many of them have failed

	startedID int64
	failedIn  *Scope   // the branch or item that failed last, and was not caught
	first     []string // the states that they began with: at most two different ones

	// What only the definition says.
	Items   int         // items of a Map in all; 0 if not known
	Next    time.Time   // when the next attempt begins; zero if there is none, or it is not known
	spec    *flow.State // nil if it is not known
	retries []int       // so far, by rule of the state
}

// NewPlaces returns the places of a history without events.
func NewPlaces() *Places {
	return &Places{
		root: &Scope{}, entries: map[int64]*Place{}, scopes: map[int64]*Scope{},
	}
}

// Add takes the next event and returns its place; nil if it belongs to the execution.
func (p *Places) Add(e *client.Event) *Place {
	if e.StepName == "" {
		return nil
	}
	before := p.entries[e.ScheduleEventID]
	at := p.find(e, before)
	switch e.Type {
	case "BranchEntered", "IterationEntered":
		p.scopes[e.EventID] = at.begin(e.Type)
	case "StateEntered", "StepEntered":
		at = p.enter(e, before)
	case "StateStarted", "StepStarted":
		at.startedID = e.EventID
		at.Items = itemsOf(at.spec, e)
	case "TaskScheduled":
		at.Attempt++
		at.Next = time.Time{}
	case "TaskFailed", "TaskTimedOut", "TaskSubmitFailed":
		at.Next = p.nextAttempt(at, e)
	case "StateSucceeded", "StepExited":
		at.Scope.set(false)
	case "StateFailed", "StateTimedOut", "StateAborted", "StepFailed":
		at.Scope.set(false)
		at.Scope.fail()
	}
	p.entries[e.EventID] = at
	return at
}

// find returns the entry of the event's state. What ends a Parallel or a Map follows an event
// within it, so the search goes outwards from there.
func (p *Places) find(e *client.Event, at *Place) *Place {
	for ; at != nil; at = at.Scope.Owner {
		if at.State == e.StepName {
			return at
		}
	}
	return &Place{State: e.StepName, Scope: &Scope{}}
}

// enter returns the place of a state that is entered: the first of a branch or item, or one that
// follows another.
func (p *Places) enter(e *client.Event, before *Place) *Place {
	at := &Place{State: e.StepName, Scope: p.root, Entered: e.Time.Time()}
	switch {
	case p.scopes[e.ScheduleEventID] != nil:
		at.Scope = p.scopes[e.ScheduleEventID]
	case before == nil:
	case before.startedID == e.ScheduleEventID && e.Type == "StateEntered":
		at.Scope = before.begin(e.StepName)
	case before.startedID == e.ScheduleEventID: // in a Choice of FlowV1
		at.Scope = &Scope{Owner: before, path: before.Scope.path}
	default:
		at.Scope = before.Scope
	}
	at.Scope.set(true)
	at.spec = p.specOf(at)
	return at
}

// begin counts a branch or item, which begins with a state, and returns its scope. What begins
// after a failure is the first of another attempt of the Parallel or Map.
func (at *Place) begin(first string) *Scope {
	if at.failedIn != nil {
		at.Scopes, at.Running, at.Failed, at.first, at.failedIn = 0, 0, 0, nil, nil
	}
	s := &Scope{Owner: at, path: fmt.Sprintf("%s[%d]", at.Scope.path, at.Scopes), index: at.Scopes}
	at.Scopes++
	s.set(true)
	if len(at.first) == 0 || len(at.first) == 1 && at.first[0] != first {
		at.first = append(at.first, first)
	}
	return s
}

// set opens a scope or closes it. A scope whose state has ended is closed until the next one is
// entered, which happens in the same commit.
func (s *Scope) set(open bool) {
	if s.Owner != nil && s.open != open {
		if open {
			s.Owner.Running++
			s.Owner.failedIn = nil
			if s.failed { // a Catch goes on
				s.failed = false
				s.Owner.Failed--
			}
		} else {
			s.Owner.Running--
		}
	}
	s.open = open
}

// fail notes that a scope has failed, unless a Catch goes on.
func (s *Scope) fail() {
	if s.Owner == nil {
		return
	}
	s.Owner.failedIn = s
	if !s.failed {
		s.failed = true
		s.Owner.Failed++
	}
}

// Of returns the place of an event that was added, by its id; nil if it belongs to the execution.
func (p *Places) Of(id int64) *Place { return p.entries[id] }

// HasBranches reports whether the scopes of a state are branches, not items. Branches begin with
// different states; only FlowV1 names the kind.
func (at *Place) HasBranches() bool {
	return len(at.first) > 1 || len(at.first) == 1 && at.first[0] == "BranchEntered"
}

// String returns the name of the state with its branch or item: Fetch[17].
func (at *Place) String() string {
	if at == nil {
		return "(execution)"
	}
	return at.State + at.Scope.path
}
