package cli

import (
	"fmt"
	"time"

	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// places says for each event of a history which state, which branch or item, and which attempt it
// belongs to. The wire names the state alone; the rest follows from the event that each event
// follows (ScheduleEventId). Events must come in order and from the first.
type places struct {
	machine *flow.Machine    // of the execution's definition; nil if it is not known
	root    *scope           // the execution's own
	entries map[int64]*place // by event id: what the event belongs to
	scopes  map[int64]*scope // by event id: what BranchEntered and IterationEntered begin
}

// scope is the execution itself, a branch, or an item.
type scope struct {
	owner *place // the Parallel or Map; nil for the execution
	path  string // "[2][17]"
	index int    // of the branch or item
	open  bool   // one of its states has been entered and has not ended
}

// place is one entry of a state.
type place struct {
	state     string
	scope     *scope
	startedID int64
	entered   time.Time
	attempt   int      // the latest attempt of a task; 0 before the first
	scopes    int      // branches or items so far
	running   int      // how many of them are open
	failedIn  *scope   // the branch or item that failed last, and was not caught
	first     []string // the states that they began with: at most two different ones
	failed    string   // the error text that was shown last

	// What only the definition says.
	spec    *flow.State // nil if it is not known
	items   int         // items of a Map in all; 0 if not known
	retries []int       // so far, by rule of the state
	next    time.Time   // when the next attempt begins; zero if there is none, or it is not known
}

func newPlaces() *places {
	return &places{
		root: &scope{}, entries: map[int64]*place{}, scopes: map[int64]*scope{},
	}
}

// add takes the next event and returns its place; nil if it belongs to the execution.
func (p *places) add(e *client.Event) *place {
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
		at.items = itemsOf(at.spec, e)
	case "TaskScheduled":
		at.attempt++
		at.next = time.Time{}
	case "TaskFailed", "TaskTimedOut", "TaskSubmitFailed":
		at.next = p.nextAttempt(at, e)
	case "StateSucceeded", "StepExited":
		at.scope.set(false)
	case "StateFailed", "StateTimedOut", "StateAborted", "StepFailed":
		at.scope.set(false)
		if at.scope.owner != nil {
			at.scope.owner.failedIn = at.scope
		}
	}
	p.entries[e.EventID] = at
	return at
}

// find returns the entry of the event's state. What ends a Parallel or a Map follows an event
// within it, so the search goes outwards from there.
func (p *places) find(e *client.Event, at *place) *place {
	for ; at != nil; at = at.scope.owner {
		if at.state == e.StepName {
			return at
		}
	}
	return &place{state: e.StepName, scope: &scope{}}
}

// enter returns the place of a state that is entered: the first of a branch or item, or one that
// follows another.
func (p *places) enter(e *client.Event, before *place) *place {
	at := &place{state: e.StepName, scope: p.root, entered: e.Time.Time()}
	switch {
	case p.scopes[e.ScheduleEventID] != nil:
		at.scope = p.scopes[e.ScheduleEventID]
	case before == nil:
	case before.startedID == e.ScheduleEventID && e.Type == "StateEntered":
		at.scope = before.begin(e.StepName)
	case before.startedID == e.ScheduleEventID: // in a Choice of FlowV1
		at.scope = &scope{owner: before, path: before.scope.path}
	default:
		at.scope = before.scope
	}
	at.scope.set(true)
	at.spec = p.specOf(at)
	return at
}

// begin counts a branch or item, which begins with a state, and returns its scope. What begins after
// a failure is the first of another attempt of the Parallel or Map.
func (at *place) begin(first string) *scope {
	if at.failedIn != nil {
		at.scopes, at.running, at.first, at.failedIn = 0, 0, nil, nil
	}
	s := &scope{owner: at, path: fmt.Sprintf("%s[%d]", at.scope.path, at.scopes), index: at.scopes}
	at.scopes++
	s.set(true)
	if len(at.first) == 0 || len(at.first) == 1 && at.first[0] != first {
		at.first = append(at.first, first)
	}
	return s
}

// set opens a scope or closes it. A scope whose state has ended is closed until the next one is
// entered, which happens in the same commit.
func (s *scope) set(open bool) {
	if s.owner != nil && s.open != open {
		if open {
			s.owner.running++
			s.owner.failedIn = nil // a Catch goes on
		} else {
			s.owner.running--
		}
	}
	s.open = open
}

// String returns the name of the state with its branch or item: Fetch[17].
func (at *place) String() string {
	if at == nil {
		return "(execution)"
	}
	return at.state + at.scope.path
}

// count says how many branches or items the state had; "" if it has none. Branches begin with
// different states; only FlowV1 names the kind.
func (at *place) count() string {
	switch {
	case at == nil || at.scopes == 0:
		return ""
	case len(at.first) > 1 || at.first[0] == "BranchEntered":
		return plural(at.scopes, "branch", "branches")
	}
	return plural(at.scopes, "item", "items")
}

// done says how many items of a Map have ended: "23 of 50 items done".
func (at *place) done() string {
	return fmt.Sprintf("%d of %s done", at.scopes-at.running, plural(at.items, "item", "items"))
}
