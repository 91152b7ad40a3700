package sim

import (
	"fmt"
	"strconv"
	"strings"

	"millrace/shared/expr"
	"millrace/shared/flow"
)

// visits are the open states of an execution, computed from its definition and its history alone:
// the invariants that use them do not ask the interpreter.
type visits struct {
	m        *flow.Machine
	of       map[int64]*visit       // by the id of each of their events
	attempts map[int64]*taskAttempt // by the id of their TaskScheduled events
	open     []*visit               // in the order in which they were entered
	events   []flow.HistoryEvent
	see      func(*flow.HistoryEvent, *visit) // called for each event before it counts
}

// visit is one entry of a state that has not ended.
type visit struct {
	in      *visit // the state around it; nil if there is none
	state   *flow.State
	id      int64 // of its Entered event
	closed  bool
	dropped int64          // everything entered in it before this event ended without an event
	kept    int64          // dropped of the state around it, before this one failed
	inside  int            // open visits in it
	last    flow.EventType // its last event, or that of a state that ended inside it
	at      int64          // its time, ms since 1970
	base    int64          // when its current activity began, ms since 1970
	// it began in the last transaction, or in an earlier one since which all were cut
	pending bool
	started int64 // time of its Started event
	input   *flow.Value

	attempt *taskAttempt // the last one; nil before the first
	tries   int          // attempts so far
	failed  bool         // the attempt failed, and the state is retried or left
	granted bool         // a rule says that it is retried
	pause   int64        // before the next attempt, ms
	used    []int        // retries so far, by rule
}

// taskAttempt is one attempt of a task.
type taskAttempt struct {
	of        *visit
	id        int64 // of its TaskScheduled event
	at        int64 // its time
	started   bool
	submitted bool
	over      bool
	how       flow.EventType // that ended it
}

func newVisits(m *flow.Machine, see func(*flow.HistoryEvent, *visit)) *visits {
	return &visits{m: m, of: map[int64]*visit{}, attempts: map[int64]*taskAttempt{}, see: see}
}

// add processes the events of a commit made at a time. cut means that the transaction before it
// ended early: then a state that began in that transaction, or in an earlier one that was cut, may
// not have been processed yet, and its activity begins with this commit or a later one.
func (s *visits) add(events []flow.HistoryEvent, at int64, cut bool) {
	for _, v := range s.open {
		if v.pending = v.pending && cut; v.pending {
			v.base = max(v.base, at)
		}
	}
	for i := range events {
		s.events = append(s.events, events[i])
		s.event(&s.events[len(s.events)-1])
	}
	open := s.open[:0]
	for _, v := range s.open {
		if v.isOpen() {
			v.inside = 0
			open = append(open, v)
		}
	}
	s.open = open
	for _, v := range open {
		if v.in != nil {
			v.in.inside++
		}
	}
}

// isOpen reports whether neither the state nor one around it has ended.
func (v *visit) isOpen() bool {
	for ; v != nil; v = v.in {
		if v.closed || v.in != nil && v.id < v.in.dropped {
			return false
		}
	}
	return true
}

func (s *visits) event(e *flow.HistoryEvent) {
	from := s.of[e.Schedule]
	switch e.Type {
	case flow.ExecutionRedriven:
		for _, v := range s.open {
			v.closed = true
		}
		return
	case flow.StateEntered, flow.StepEntered:
		v := &visit{in: s.around(e, from), state: s.m.Nodes[e.Node], id: e.ID}
		s.of[e.ID] = v
		s.open = append(s.open, v)
		v.touch(e)
		return
	case flow.BranchEntered, flow.IterationEntered, flow.BranchExited, flow.IterationExited:
		for from != nil && from.state.Node != e.Node {
			from = from.in
		}
	default:
		for from != nil && e.Node >= 0 && from.state.Node != e.Node {
			from = from.in
		}
	}
	s.of[e.ID] = from
	if from == nil || e.Node < 0 {
		return
	}
	s.see(e, from)
	from.touch(e)
	switch e.Type {
	case flow.StateStarted, flow.StepStarted:
		from.input, from.started = e.Input, e.Time
	case flow.TaskScheduled:
		from.attempt, from.failed, from.pause = &taskAttempt{of: from, id: e.ID, at: e.Time}, false,
			0
		s.attempts[e.ID] = from.attempt
	case flow.TaskStarted:
		from.attempt.started = true
	case flow.TaskSubmitted:
		from.attempt.submitted = true
	case flow.TaskSucceeded, flow.TaskFailed, flow.TaskTimedOut, flow.TaskSubmitFailed:
		from.attempt.over, from.attempt.how = true, e.Type
		if e.Error != nil {
			from.fail(s.m.Dialect, e.Error)
		}
	case flow.StateSucceeded, flow.StateFailed, flow.StateTimedOut, flow.StateAborted,
		flow.StepFailed, flow.StepExited:
		if from.in != nil && e.Type == flow.StepExited &&
			s.events[e.Schedule-1].Type == flow.StepFailed {
			from.in.dropped = from.kept // it was caught
		}
		if !from.closed {
			from.closed = true
			from.drop(e)
			if from.in != nil {
				from.in.touch(e)
			}
		}
	}
}

// drop records what the failure of a FlowV1 step ends if it is not caught: everything that is open
// in the step around it. StateMachine writes events for that.
func (v *visit) drop(e *flow.HistoryEvent) {
	if e.Type == flow.StepFailed && v.in != nil {
		v.kept, v.in.dropped = v.in.dropped, e.ID
	}
}

// around returns the visit in which a state was entered.
func (s *visits) around(e *flow.HistoryEvent, from *visit) *visit {
	switch {
	case from == nil:
		return nil
	case !from.closed || s.begins(e):
		return from
	}
	return from.in
}

// begins reports whether an entered state is the first one of a FlowV1 branch or iteration.
func (s *visits) begins(e *flow.HistoryEvent) bool {
	t := s.events[e.Schedule-1].Type
	return t == flow.BranchEntered || t == flow.IterationEntered
}

func (v *visit) touch(e *flow.HistoryEvent) {
	v.last, v.at, v.base, v.pending = e.Type, e.Time, e.Time, true
}

// fail records an error of the task's attempt, and the pause that follows by the definition: that
// of the first rule that names the error, if it has retries left.
func (v *visit) fail(dialect flow.Dialect, err *flow.Error) {
	v.failed, v.granted, v.pause = true, false, 0
	if v.used == nil {
		v.used = make([]int, len(v.state.Retry))
	}
	for i := range v.state.Retry {
		r := &v.state.Retry[i]
		if !names(dialect, r.Errors, err.Name) {
			continue
		}
		if v.used[i] < r.AttemptsMax {
			v.used[i]++
			v.granted = true
			v.pause = pauseOf(r, v.used[i])
		}
		return
	}
}

// pauses returns the sum and the number of the state's pauses, in ms, if all retries are used. An
// error in building data or inside a container can be retried without an event of the state itself.
func (v *visit) pauses() (most, times int64) {
	for i := range v.state.Retry {
		for n := range v.state.Retry[i].AttemptsMax {
			most += pauseOf(&v.state.Retry[i], n+1)
			times++
		}
	}
	return most, times
}

// pauseOf returns the pause before retry n of a rule, ms.
func pauseOf(r *flow.Retry, n int) int64 {
	seconds := float64(r.Interval)
	for range n - 1 {
		seconds *= r.Rate
		if seconds >= float64(r.IntervalMax) {
			break
		}
	}
	return int64(min(seconds, float64(r.IntervalMax)) * 1000)
}

// names reports whether a rule applies to an error.
func names(dialect flow.Dialect, list []string, name string) bool {
	for _, n := range list {
		switch {
		case n == flow.ErrorAll, n == name:
			return true
		case dialect == flow.FlowV1 && strings.TrimPrefix(n, "FC.") == name:
			return true
		case dialect == flow.FlowV1 && strings.EqualFold(n, "fnf.ExecutionAlreadyExists") &&
			strings.EqualFold(n, name):
			return true
		}
	}
	return false
}

// wait returns how long a Wait lasts, ms, if the definition and the input of the state determine
// it.
func (v *visit) wait() (ms int64, known bool) {
	if v.state.Wait == nil || v.state.Wait.Seconds == nil {
		return 0, false
	}
	return v.seconds(v.state.Wait.Seconds)
}

// timeout returns the time limit of an attempt of the task, ms; 0 if there is none.
func (v *visit) timeout() (ms int64, known bool) {
	if v.state.Task == nil || v.state.Task.Timeout == nil {
		return 0, true
	}
	return v.seconds(v.state.Task.Timeout)
}

// seconds reads a number of seconds, or one that a path selects from the input of the state.
func (v *visit) seconds(t *expr.Template) (ms int64, known bool) {
	c, constant := t.ConstantValue()
	if !constant {
		for e := range t.Exprs() {
			if c = v.member(e.String()); c == nil {
				return 0, false
			}
		}
	}
	n, err := strconv.ParseInt(fmt.Sprint(c), 10, 64)
	return n * 1000, err == nil
}

// member returns what a path of one name selects from the input of the state; nil for any other
// path.
func (v *visit) member(path string) any {
	name, ok := strings.CutPrefix(path, "$Input.")
	if v.input == nil || !ok {
		return nil
	}
	members, _ := v.input.Object()
	return members[name]
}
