// Package historycheck checks histories of executions by the rules of their dialect, for tests.
package historycheck

import (
	"fmt"

	"millrace/shared/flow"
)

// Check checks a history, complete or growing, from its first event on, and returns one line per
// fault. It checks that ids have no gaps, that time does not go back, that ScheduleEventId refers
// to an earlier event that may lead to this one, and that the events of each entry of a state and
// of each attempt of a task are in the order of the dialect (docs/api.md#getexecutionhistory).
// Values need not be loaded.
func Check(m *flow.Machine, events []flow.HistoryEvent) []string {
	c := &checker{
		m: m, events: events, positions: positionsOf(m),
		entries: make([]*entryState, len(events)+1), successor: make([]int64, len(events)+1),
		succeeded: map[int]bool{},
	}
	for i := range events {
		c.event(i)
		if len(c.faults) >= faultsMax {
			return c.faults
		}
	}
	c.end()
	return c.faults
}

// faultsMax is the number of faults after which the check ends.
const faultsMax = 20

// position is the position of a state: the state that contains it (-1: none), and which of that
// state's lists.
type position struct{ container, list int }

func positionsOf(m *flow.Machine) []position {
	positions := make([]position, len(m.Nodes))
	var walk func(sc *flow.Scope, at position)
	walk = func(sc *flow.Scope, at position) {
		if sc == nil {
			return
		}
		for _, st := range sc.States {
			positions[st.Node] = at
			for i, branch := range st.Parallel {
				walk(branch, position{st.Node, i})
			}
			if st.Map != nil {
				walk(st.Map.Processor, position{st.Node, 0})
			}
			if st.Choice != nil {
				for i := range st.Choice.Options {
					walk(st.Choice.Options[i].Scope, position{st.Node, i})
				}
				walk(st.Choice.Default.Scope, position{st.Node, len(st.Choice.Options)})
			}
		}
	}
	walk(m.Root, position{-1, 0})
	return positions
}

// entryState is the state of one entry of a state.
type entryState struct {
	node      int
	parent    *entryState // the entry of the containing state; nil if there is none
	open      int         // number of open entries inside
	openLists int         // FlowV1: number of open branches or iterations
	closed    bool
}

// checker checks a history event by event.
type checker struct {
	m         *flow.Machine
	events    []flow.HistoryEvent
	positions []position
	entries   []*entryState // by event id: the entry that the event belongs to
	successor []int64       // by event id: the event that it led to
	open      int
	faults    []string
	ended     bool
	redriven  bool         // events of a later life have come
	succeeded map[int]bool // by node: one of its tasks, or its branches, has succeeded in any life
}

func (c *checker) fault(e *flow.HistoryEvent, format string, args ...any) {
	event := fmt.Sprintf("event %d %s %s (of %d): ", e.ID, e.Type, e.StepName(c.m), e.Schedule)
	c.faults = append(c.faults, event+fmt.Sprintf(format, args...))
}

func (c *checker) event(i int) {
	e := &c.events[i]
	switch {
	case e.ID != int64(i)+1:
		c.fault(e, "the id must be %d", i+1)
	case i == 0 && (e.Type != flow.ExecutionStarted || e.Schedule != 0 || e.Node != -1):
		c.fault(e, "the first event must be ExecutionStarted of 0")
	case i > 0 && (e.Schedule < 1 || e.Schedule >= e.ID):
		c.fault(e, "the event that led to it must be an earlier one")
	case i > 0 && e.Time < c.events[i-1].Time:
		c.fault(e, "the time is before that of the event before")
	case e.Type == flow.ExecutionRedriven:
		c.redrive(e, &c.events[i-1])
	case c.ended:
		c.fault(e, "the execution had ended")
	case i > 0:
		c.checkPredecessor(e, &c.events[e.Schedule-1])
	}
	c.values(e)
}

// redrive checks the event that begins another life. What was open before it is not any more.
func (c *checker) redrive(e, from *flow.HistoryEvent) {
	if !c.ended || from.Type == flow.ExecutionSucceeded || e.Schedule != from.ID || e.Node != -1 {
		c.fault(e, "it must follow the end of an execution that has not succeeded")
	}
	c.end()
	c.ended, c.redriven, c.open = false, true, 0
	for _, v := range c.entries {
		if v != nil {
			v.closed = true
		}
	}
}

// values checks that an event carries the values of its type, and no others.
func (c *checker) values(e *flow.HistoryEvent) {
	input, local, output, failure := false, false, false, false
	switch e.Type {
	case flow.ExecutionStarted, flow.StateEntered, flow.StateStarted, flow.StepStarted,
		flow.TaskScheduled:
		input = true
	case flow.StepEntered, flow.BranchEntered, flow.IterationEntered:
		input, local = true, true
	case flow.StepExited, flow.BranchExited, flow.IterationExited:
		local = true
	case flow.ExecutionSucceeded, flow.StateSucceeded, flow.StepSucceeded, flow.TaskSucceeded,
		flow.MapRunStarted:
		output = true
	case flow.TaskStarted, flow.TaskSubmitted, flow.ExecutionRedriven:
	default:
		failure = true
	}
	if input != (e.Input != nil) || local != (e.Local != nil) || output != (e.Output != nil) ||
		failure != (e.Error != nil) {
		c.fault(e, "it must carry input %v, local %v, output %v, error %v",
			input, local, output, failure)
	}
}

// checkPredecessor checks an event against the one that led to it.
func (c *checker) checkPredecessor(e, from *flow.HistoryEvent) {
	if e.Type >= flow.ExecutionSucceeded && e.Type <= flow.ExecutionTimedOut {
		c.ended = true
		if e.Node != -1 {
			c.fault(e, "it belongs to the execution")
		}
		if e.Type == flow.ExecutionSucceeded && c.open > 0 {
			c.fault(e, "%d states are still open", c.open)
		}
		return
	}
	if e.Node < 0 || e.Node >= len(c.m.Nodes) {
		c.fault(e, "there is no state %d", e.Node)
		return
	}
	if !c.opens(from, e) {
		if c.successor[from.ID] != 0 {
			c.fault(e, "event %d has led to event %d already", from.ID, c.successor[from.ID])
		}
		c.successor[from.ID] = e.ID
	}
	switch e.Type {
	case flow.StateEntered, flow.StepEntered:
		c.enter(e, from)
	case flow.BranchEntered, flow.IterationEntered:
		v := c.assignEntry(e, from)
		if from.Type != flow.StepStarted {
			c.fault(e, "it cannot follow %s", from.Type)
		}
		if v != nil {
			v.openLists++
		}
	default:
		c.checkInEntry(e, from)
	}
}

// kindOf returns the kind of an event's state; 0 if the event has no state.
func (c *checker) kindOf(e *flow.HistoryEvent) flow.Kind {
	if e.Node < 0 || e.Node >= len(c.m.Nodes) {
		return 0
	}
	return c.m.Nodes[e.Node].Kind
}

// opens reports whether an event is one of several that an event of a container leads to.
func (c *checker) opens(from, e *flow.HistoryEvent) bool {
	switch e.Type {
	case flow.StateEntered:
		return from.Type == flow.StateStarted
	case flow.BranchEntered, flow.IterationEntered:
		return true
	}
	kind := c.kindOf(from)
	return (kind == flow.Parallel || kind == flow.Map) &&
		(from.Type == flow.StateStarted || from.Type == flow.StepStarted)
}

// assignEntry assigns an event to the entry of the event that led to it.
func (c *checker) assignEntry(e, from *flow.HistoryEvent) *entryState {
	v := c.entries[from.ID]
	if v == nil || v.node != e.Node {
		c.fault(e, "event %d %s is none of that entry of the state", from.ID, from.Type)
		return nil
	}
	if v.closed && e.Type != flow.StepExited {
		c.fault(e, "that entry of the state is closed")
	}
	c.entries[e.ID] = v
	return v
}

// enter checks an event that enters a state.
func (c *checker) enter(e, from *flow.HistoryEvent) {
	at := c.positions[e.Node]
	v := &entryState{node: e.Node}
	c.entries[e.ID] = v
	c.open++
	before := c.entries[from.ID]
	switch from.Type {
	case flow.ExecutionStarted, flow.ExecutionRedriven:
		if at.container != -1 {
			c.fault(e, "the state does not stand in the outermost list")
		}
		return
	case flow.StateSucceeded, flow.StateFailed, flow.StateTimedOut, flow.StepExited:
		if before == nil || !before.closed || c.positions[before.node] != at {
			c.fault(e, "event %d does not close a state of the same list", from.ID)
			return
		}
		v.parent = before.parent
	case flow.StateStarted, flow.StepStarted, flow.BranchEntered, flow.IterationEntered:
		if before == nil || before.node != at.container || !c.mayOpen(from) {
			c.fault(e, "event %d does not open the list of the state", from.ID)
			return
		}
		v.parent = before
	default:
		c.fault(e, "it cannot follow %s", from.Type)
	}
	if v.parent != nil {
		v.parent.open++
	}
}

// mayOpen reports whether a container's event is the one that begins its lists.
func (c *checker) mayOpen(from *flow.HistoryEvent) bool {
	kind := c.kindOf(from)
	switch from.Type {
	case flow.StepStarted:
		return kind == flow.Choice
	case flow.BranchEntered:
		return kind == flow.Parallel
	case flow.IterationEntered:
		return kind == flow.Map
	}
	return kind == flow.Parallel || kind == flow.Map
}

// allowedPredecessors lists the events of the same entry that may lead to an event.
var allowedPredecessors = map[flow.EventType][]flow.EventType{
	flow.StateStarted: {flow.StateEntered},
	flow.StepStarted:  {flow.StepEntered},
	flow.TaskScheduled: {flow.StateStarted, flow.StepStarted, flow.TaskFailed, flow.TaskTimedOut,
		flow.TaskSubmitFailed, flow.TaskSucceeded},
	flow.TaskStarted:      {flow.TaskScheduled},
	flow.TaskSubmitted:    {flow.TaskStarted},
	flow.TaskSubmitFailed: {flow.TaskStarted},
	flow.TaskSucceeded:    {flow.TaskStarted, flow.TaskSubmitted},
	flow.TaskFailed:       {flow.TaskStarted, flow.TaskSubmitted},
	flow.TaskTimedOut:     {flow.TaskScheduled, flow.TaskStarted, flow.TaskSubmitted},
	flow.MapRunStarted:    {flow.StateStarted, flow.MapRunStarted},
	flow.StateSucceeded:   {flow.StateStarted, flow.TaskSucceeded, flow.MapRunStarted},
	flow.StepSucceeded: {flow.StepStarted, flow.TaskSucceeded, flow.BranchExited,
		flow.IterationExited},
	flow.StateFailed: {flow.StateEntered, flow.StateStarted, flow.TaskFailed,
		flow.TaskTimedOut, flow.TaskSubmitFailed, flow.TaskSucceeded, flow.MapRunStarted},
	flow.StepFailed: {flow.StepEntered, flow.StepStarted, flow.TaskFailed, flow.TaskTimedOut,
		flow.TaskSubmitFailed, flow.TaskSucceeded,
		flow.BranchExited, flow.IterationExited},
	flow.StateTimedOut: {flow.TaskTimedOut},
	flow.StateAborted: {flow.StateEntered, flow.StateStarted, flow.TaskScheduled, flow.TaskStarted,
		flow.TaskSubmitted,
		flow.TaskSucceeded, flow.TaskFailed, flow.TaskTimedOut, flow.TaskSubmitFailed,
		flow.MapRunStarted},
	flow.StepExited:      {flow.StepSucceeded, flow.StepFailed},
	flow.BranchExited:    {flow.BranchEntered},
	flow.IterationExited: {flow.IterationEntered},
}

// allowedInnerPredecessors lists the events of an inner state that may lead to an event of its
// container.
var allowedInnerPredecessors = map[flow.EventType][]flow.EventType{
	flow.StateSucceeded:  {flow.StateSucceeded, flow.StateFailed, flow.StateTimedOut},
	flow.StateFailed:     {flow.StateSucceeded, flow.StateFailed, flow.StateTimedOut},
	flow.StateAborted:    {flow.StateSucceeded, flow.StateFailed, flow.StateTimedOut},
	flow.StepSucceeded:   {flow.StepExited},
	flow.StepFailed:      {flow.StepFailed, flow.StepExited},
	flow.BranchExited:    {flow.StepExited},
	flow.IterationExited: {flow.StepExited},
}

// checkInEntry checks an event of an open entry.
func (c *checker) checkInEntry(e, from *flow.HistoryEvent) {
	inside := c.entries[from.ID]
	if inside != nil && inside.parent != nil && inside.parent.node == e.Node &&
		containsType(allowedInnerPredecessors[e.Type], from.Type) && inside.closed {
		c.entries[e.ID] = inside.parent
		if inside.parent.closed {
			c.fault(e, "that entry of the state is closed")
		}
	} else if c.assignEntry(e, from); !containsType(allowedPredecessors[e.Type], from.Type) {
		c.fault(e, "it cannot follow %s", from.Type)
	}
	if v := c.entries[e.ID]; v != nil {
		c.checkKind(e, from)
		c.close(e, v)
	}
}

func containsType(list []flow.EventType, t flow.EventType) bool {
	for _, l := range list {
		if l == t {
			return true
		}
	}
	return false
}

// checkKind checks that a state of this kind has such an event, and that it may succeed after the
// event from.
func (c *checker) checkKind(e, from *flow.HistoryEvent) {
	kind := c.kindOf(e)
	if e.Type >= flow.TaskScheduled && e.Type <= flow.TaskTimedOut && kind != flow.Task {
		c.fault(e, "only tasks have it")
	}
	if t := c.m.Nodes[e.Node].Task; t != nil {
		waits := t.Mode != flow.RequestComplete
		switch e.Type {
		case flow.TaskSubmitted, flow.TaskSubmitFailed:
			if !waits {
				c.fault(e, "the task does not wait for a report")
			}
		case flow.TaskSucceeded, flow.TaskFailed:
			if waits != (from.Type == flow.TaskSubmitted) {
				c.fault(e, "it cannot follow %s in the task's mode", from.Type)
			}
		}
	}
	spec := c.m.Nodes[e.Node].Map
	distributed := spec != nil && spec.Distributed != nil
	if e.Type == flow.MapRunStarted && !distributed {
		c.fault(e, "only a distributed Map has it")
	}
	if e.Type == flow.TaskSucceeded || c.kindOf(from) != 0 && from.Node != e.Node {
		c.succeeded[e.Node] = true
	}
	if e.Type != flow.StateSucceeded && e.Type != flow.StepSucceeded {
		return
	}
	if c.redriven && c.succeeded[e.Node] &&
		(from.Type == flow.StateStarted || from.Type == flow.StepStarted) {
		return // an earlier life had the result, and did not get to leave the state
	}
	if distributed && from.Type != flow.MapRunStarted {
		c.fault(e, "it cannot follow %s", from.Type)
	}
	if kind == flow.Fail {
		c.fault(e, "a Fail cannot succeed")
	}
	if kind == flow.Task && from.Type != flow.TaskSucceeded ||
		kind == flow.Parallel && from.Node == e.Node && from.Type == flow.StateStarted {
		c.fault(e, "it cannot follow %s", from.Type)
	}
}

// close records the end of an entry.
func (c *checker) close(e *flow.HistoryEvent, v *entryState) {
	switch e.Type {
	case flow.BranchExited, flow.IterationExited:
		v.openLists--
		return
	case flow.StateSucceeded, flow.StepSucceeded:
		if v.open > 0 || v.openLists > 0 {
			c.fault(e, "%d states inside and %d branches or iterations are still open",
				v.open, v.openLists)
		}
	case flow.StateFailed, flow.StateTimedOut, flow.StateAborted:
		if v.open > 0 {
			c.fault(e, "%d states inside are neither closed nor aborted", v.open)
		}
	case flow.StepFailed:
	default:
		return
	}
	if v.closed {
		return
	}
	v.closed = true
	c.open--
	if v.parent != nil {
		v.parent.open--
	}
}

// end checks that a finished history has closed all entries.
func (c *checker) end() {
	if c.ended && c.open > 0 && c.m.Dialect == flow.StateMachine {
		e := &c.events[len(c.events)-1]
		c.fault(e, "%d states are neither closed nor aborted", c.open)
	}
}
