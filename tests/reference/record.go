package reference

import (
	"fmt"
	"time"
)

// Event is one event of a history in the form of GetExecutionHistory
// (docs/api.md#getexecutionhistory).
type Event struct {
	ID       int64 // EventId
	Schedule int64 // ScheduleEventId
	Type     string
	Step     string // StepName; "" for an event of the execution
	Detail   string // EventDetail, JSON
	Time     int64  // ms since 1970
}

// Context holds the facts that an execution can read about itself.
type Context struct {
	Flow, Execution          string
	Account, Region, RoleArn string
	Started                  int64 // ms since 1970; 0: the time of the first event

	// Of the child of a distributed Map: the name of the Map's state, and the child's time limit,
	// ms since 1970. Its output may be any JSON value.
	Map      string
	Deadline int64
}

// Limits are the limits of an execution. Check applies no defaults.
type Limits struct {
	Events            int   // events of an execution
	Data              int   // bytes of a state's input or output
	WaitSeconds       int64 // of a Wait of StateMachine
	WaitSecondsV1     int64
	MapConcurrency    int // of a Map without MaxConcurrency
	MapConcurrencyMax int
	IterationsV1      int
	TaskSeconds       int64
	ExecutionSeconds  int64 // of an execution whose flow sets no time limit
	// Others means that limits on globals or open states are small: they may end an execution at
	// any time.
	Others bool
}

// Failure is an error with its cause. StateMachine calls them Code and Detail.
type Failure struct{ Name, Cause string }

// Outcome is a call's or a report's result for a task: an output (JSON) or an error.
type Outcome struct {
	Output string
	Error  *Failure
	Async  bool  // the response of a call in mode WaitForSystemCallback that also ends the job
	At     int64 // ms since 1970; 0: not known

	AnyCause bool // the cause of the error is not known
}

// Attempt holds the facts known about one attempt of a task.
type Attempt struct {
	Params, Input string // the request, JSON; "" if not known
	Token         string // "" if not known
	Answers       []Outcome
	Unknown       bool // the response of the call is not known
	Children      []Child
	Lost          bool // callers were lost so often that the engine may have given it up
}

// Stop is a StopExecution request.
type Stop struct {
	Failure
	At int64
}

// Record holds the outside events of an execution, and how exactly they are known.
type Record struct {
	Limits     Limits
	Sequential bool // branches and iterations ran one after the other
	Unfinished bool // the history may end before the execution does

	// Known means that Attempts and Reports are complete. Otherwise results are taken from the
	// history. The key of Attempts is the EventId of TaskScheduled. The key of Reports is the event
	// that the token names: the same, or StepEntered in FlowV1.
	Known    bool
	Attempts map[int64]*Attempt
	Reports  map[int64][]Outcome
	Stops    []Stop
	Refused  bool // calls may have been refused for lack of rights: {prefix}.AccessDenied
	Broken   bool // the engine may have given the execution up (FnF.InternalError)

	// Early is how much the clocks that stamp events may differ. Late is how long after its due
	// time an event may come; below 0: without bound.
	Early, Late time.Duration
}

// Violation is an event that the languages do not allow at its place.
type Violation struct {
	Event Event
	Why   string
	Rule  string // the section of the references
}

func (v *Violation) Error() string {
	return fmt.Sprintf("event %d %s %q (of %d) at %d: %s [%s]\n  %.600s", v.Event.ID, v.Event.Type,
		v.Event.Step, v.Event.Schedule, v.Event.Time,
		v.Why, v.Rule, v.Event.Detail)
}

// Unjudged means that a history depends on something that the reference does not know.
type Unjudged struct{ What string }

func (u *Unjudged) Error() string { return "reference: cannot judge " + u.What }
