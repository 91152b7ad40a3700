package reference

import (
	"fmt"
	"time"
)

// Event is one event of a history, as GetExecutionHistory gives it (api.md 6.1).
type Event struct {
	ID       int64 // EventId
	Schedule int64 // ScheduleEventId
	Type     string
	Step     string // StepName; "" for an event of the execution
	Detail   string // EventDetail, JSON
	Time     int64  // ms since 1970
}

// Context is what an execution knows of itself.
type Context struct {
	Flow, Execution          string
	Account, Region, RoleArn string
	Started                  int64 // ms since 1970; 0: the time of the first event
}

// Limits are those of an execution. Check takes them as they are: there are no defaults.
type Limits struct {
	Events            int   // events of an execution
	Data              int   // bytes of a state's input or output
	WaitSeconds       int64 // of a Wait of the newer language
	WaitSecondsV1     int64
	MapConcurrency    int // of a Map that does not say
	MapConcurrencyMax int
	IterationsV1      int
	TaskSeconds       int64
	ExecutionSeconds  int64 // of an execution whose flow does not say
	Others            bool  // small ones of globals or open states, which may end an execution at any time
}

// Failure is an error with its cause; the newer language calls them Code and Detail.
type Failure struct{ Name, Cause string }

// Outcome is what somebody outside said of a task: its result, JSON, or an error.
type Outcome struct {
	Output string
	Error  *Failure
	Async  bool  // a call's answer in mode WaitForSystemCallback that is the end of the job too
	At     int64 // when, ms since 1970; 0: not known

	AnyCause bool // the cause of the error is not known
}

// Attempt is what is known of one attempt of a task.
type Attempt struct {
	Params, Input string // what it was called with, JSON; "" when not known
	Token         string // "" when not known
	Answers       []Outcome
	Unknown       bool // what the call was answered is not known
	Children      []Child
	Lost          bool // its callers were lost so often that the engine may have given up
}

// Stop is a StopExecution.
type Stop struct {
	Failure
	At int64
}

// Record is what happened outside, and how exactly it is known.
type Record struct {
	Limits     Limits
	Sequential bool // branches and iterations ran one after the other
	Unfinished bool // the history may end before the execution does

	// Known: Attempts and Reports have everything that was answered and reported. Otherwise results
	// are taken from the history. Attempts go by the EventId of TaskScheduled, Reports by the event
	// that the token names: the same, or in the older language StepEntered.
	Known    bool
	Attempts map[int64]*Attempt
	Reports  map[int64][]Outcome
	Stops    []Stop
	Refused  bool // calls may have been refused for want of rights: {prefix}.AccessDenied
	Broken   bool // the engine may have given the execution up (FnF.InternalError)

	// Early is by how much the clocks that stamp events may differ. Late is how long after its time
	// an event may come; below 0: without bound.
	Early, Late time.Duration
}

// Violation is an event that the languages do not allow there.
type Violation struct {
	Event Event
	Why   string
	Rule  string // where the reference says so
}

func (v *Violation) Error() string {
	return fmt.Sprintf("event %d %s %q (of %d) at %d: %s [%s]\n  %.600s", v.Event.ID, v.Event.Type,
		v.Event.Step, v.Event.Schedule, v.Event.Time,
		v.Why, v.Rule, v.Event.Detail)
}

// Unjudged says that a history depends on something that the reference does not know.
type Unjudged struct{ What string }

func (u *Unjudged) Error() string { return "reference: cannot judge " + u.What }
