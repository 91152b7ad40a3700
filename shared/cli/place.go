package cli

import (
	"fmt"
	"strings"

	"millrace/shared/rpc/client"
)

// places says for each event of a history which state, which branch or item, and which attempt it
// belongs to. The wire names the state alone; the rest follows from the event that each event
// follows (ScheduleEventId). Events must come in order and from the first.
type places struct {
	entries map[int64]*place // by event id: what the event belongs to
	scopes  map[int64]*scope // by event id: what BranchEntered and IterationEntered begin
}

// scope is the execution itself, a branch, or an item.
type scope struct {
	owner *place // the Parallel or Map; nil for the execution
	path  string // "[2][17]"
}

// place is one entry of a state.
type place struct {
	state     string
	scope     *scope
	startedID int64
	attempt   int      // the latest attempt of a task; 0 before the first
	scopes    int      // branches or items so far
	first     []string // the states that they began with: at most two different ones
	failed    string   // the error text that was shown last
}

func newPlaces() *places {
	return &places{entries: map[int64]*place{}, scopes: map[int64]*scope{}}
}

// add takes the next event and returns its place; nil if it belongs to the execution.
func (p *places) add(e *client.Event) *place {
	if e.StepName == "" {
		return nil
	}
	before := p.entries[e.ScheduleEventID]
	at := p.find(e, before)
	switch {
	case e.Type == "BranchEntered" || e.Type == "IterationEntered":
		p.scopes[e.EventID] = at.begin(e.Type)
	case strings.HasSuffix(e.Type, "Entered"):
		at = p.enter(e, before)
	case e.Type == "StateStarted" || e.Type == "StepStarted":
		at.startedID = e.EventID
	case e.Type == "TaskScheduled":
		at.attempt++
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
	at := &place{state: e.StepName, scope: &scope{}}
	switch {
	case p.scopes[e.ScheduleEventID] != nil:
		at.scope = p.scopes[e.ScheduleEventID]
	case before == nil:
	case before.startedID == e.ScheduleEventID && e.Type == "StateEntered":
		at.scope = before.begin(e.StepName)
	case before.startedID == e.ScheduleEventID: // in a Choice of FlowV1
		at.scope = &scope{before, before.scope.path}
	default:
		at.scope = before.scope
	}
	return at
}

// begin counts a branch or item, which begins with a state, and returns its scope.
func (at *place) begin(first string) *scope {
	s := &scope{at, fmt.Sprintf("%s[%d]", at.scope.path, at.scopes)}
	at.scopes++
	if len(at.first) == 0 || len(at.first) == 1 && at.first[0] != first {
		at.first = append(at.first, first)
	}
	return s
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
