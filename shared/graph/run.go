package graph

import (
	"fmt"
	"strings"
)

// Event is what a drawing needs of an event of a history.
type Event struct {
	ID      int64
	Follows int64  // the event that it follows (ScheduleEventId)
	Type    string // as on the wire: "TaskFailed"
	State   string // name of the state; "" for an event of the execution
}

// Status is what a run did in a state. The words and the looks of a drawing follow from it.
type Status string

// The statuses of states, from what needs attention most to what needs it least.
const (
	Failed     Status = "failed"
	Retrying   Status = "retrying" // an attempt failed, and another one comes
	Waiting    Status = "waiting"  // for a callback, or for a time
	Running    Status = "running"
	Caught     Status = "caught" // it failed, and a rule of Catch took the error
	Aborted    Status = "aborted"
	Succeeded  Status = "succeeded"
	NotReached Status = ""
)

// Counts are what a run did in a state, in all its entries together: a state in a Map is entered
// once for each item.
type Counts struct {
	Entered, Succeeded, Failed, Aborted int
	Attempts, AttemptsFailed            int

	items     Items
	submitted int // tasks that wait for a callback or for the end of what they started
	caught    int
	retrying  int
}

// Items are how far a Map is.
type Items struct{ Total, Ended, Failed int }

// Run is what an execution did, by the names of states. States of one name share their Counts.
type Run struct {
	States map[string]*Counts
	Status string // of the execution: "Running", "Succeeded" …

	failures map[int64]*Counts // by the event that ended an entry with a failure
}

// NewRun returns a run without events.
func NewRun() *Run {
	return &Run{States: map[string]*Counts{}, Status: "Running", failures: map[int64]*Counts{}}
}

// Add takes the next event of a history. Events must come in order.
func (r *Run) Add(e Event) {
	if e.Type == "ExecutionRedriven" {
		r.redrive()
		return
	}
	if e.State == "" {
		if status, ok := strings.CutPrefix(e.Type, "Execution"); ok && status != "Started" {
			r.Status = status
		}
		return
	}
	v := r.States[e.State]
	if v == nil {
		v = &Counts{}
		r.States[e.State] = v
	}
	r.add(v, e)
}

// redrive forgets the entries that had not succeeded: their states are entered again.
func (r *Run) redrive() {
	r.Status = "Running"
	for _, v := range r.States {
		v.Failed, v.Aborted = v.caught, 0
		v.Entered = v.Succeeded + v.Failed
		v.submitted, v.retrying, v.items = 0, 0, Items{}
	}
	clear(r.failures)
}

// SetItems says how far a Map is, by the name of its state.
func (r *Run) SetItems(state string, n Items) {
	if v := r.States[state]; v != nil {
		v.items = n
	}
}

func (r *Run) add(v *Counts, e Event) {
	switch e.Type {
	case "StateEntered", "StepEntered":
		v.Entered++
		if from := r.failures[e.Follows]; from != nil {
			from.caught++
		}
	case "TaskScheduled":
		v.Attempts++
		v.retrying = max(0, v.retrying-1)
	case "TaskSubmitted":
		v.submitted++
	case "TaskSucceeded":
		v.submitted = max(0, v.submitted-1)
	case "TaskFailed", "TaskTimedOut", "TaskSubmitFailed":
		v.submitted = max(0, v.submitted-1)
		v.AttemptsFailed++
		v.retrying++
	case "StateSucceeded", "StepSucceeded":
		v.Succeeded++
	case "StateFailed", "StateTimedOut", "StepFailed":
		v.Failed++
		v.retrying = max(0, v.retrying-1)
		r.failures[e.ID] = v
	case "StepExited":
		if failed := r.failures[e.Follows]; failed != nil {
			r.failures[e.ID] = failed
		}
	case "StateAborted":
		v.Aborted++
	}
}

// Open returns how many entries of the state have not ended.
func (v *Counts) Open() int { return v.Entered - v.Succeeded - v.Failed - v.Aborted }

// status returns the status that a state is drawn with. isWait: the state is a Wait.
func (r *Run) status(v *Counts, isWait bool) Status {
	open := r.Status == "Running" && v.Open() > 0
	switch {
	case v.Failed > v.caught:
		return Failed
	case open && v.retrying > 0:
		return Retrying
	case open && (isWait || v.submitted > 0):
		return Waiting
	case open:
		return Running
	case v.caught > 0:
		return Caught
	case v.Aborted > 0 || v.Open() > 0:
		return Aborted
	case v.Succeeded > 0:
		return Succeeded
	}
	return NotReached
}

// words says what a run did in a state: "failed", "running, attempt 2", "23 of 50 done, 2 failed".
func (v *Counts) words(s Status) string {
	switch {
	case s == NotReached:
		return "not reached"
	case v.items.Total > 0 && v.Entered == 1:
		text := fmt.Sprintf("%d of %d items", v.items.Ended, v.items.Total)
		if v.items.Failed > 0 {
			text += fmt.Sprintf(", %d failed", v.items.Failed)
		}
		return text
	case v.Entered > 1:
		text := fmt.Sprintf("%d of %d done", v.Succeeded, v.Entered)
		if v.Failed > 0 {
			text += fmt.Sprintf(", %d failed", v.Failed)
		}
		return text
	case v.Attempts > 1:
		return fmt.Sprintf("%s, attempt %d", s, v.Attempts)
	}
	return string(s)
}
