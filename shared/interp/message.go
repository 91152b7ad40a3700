package interp

import (
	"fmt"

	"millrace/shared/flow"
)

// MessageKind tells what a piece of news is.
type MessageKind uint8

// The kinds of news.
const (
	CallCompleted MessageKind = iota + 1 // a call has been answered (or has failed)
	TaskReported                         // somebody reports the end of a task by token
	StopRequested                        // the execution is to be stopped
	EngineFailed                         // the execution cannot be advanced: it ends as Failed
	LeaseExpired                         // the owner of a call is gone: it must be called again
	LeaseRenewed                         // the owner of a call still works on it: its lease goes on until Until
	Delivered                            // an outgoing has been delivered, or is put off to Next
	CallReturned                         // the owner of a call has cut it and gives it back: it must be called again
)

// Message is something that happened outside. It names its attempt, so that folding it twice is folding it once.
type Message struct {
	Kind    MessageKind
	Attempt int64 // Answered, LeaseExpired, Renewed, Returned; of a report whose token names an entry: 0, or the attempt that it is for
	Owner   uint64
	Until   int64 // Renewed
	TokenID int64 // Reported: the id in the token
	// Output and Error: exactly one for Answered and Reported; Error may be nil for StopRequested. Output is
	// canonical JSON.
	Output []byte
	Tree   any // of Output, if it is at hand; nil otherwise
	Error  *flow.Error
	Async  bool // Answered in mode System: the job has ended too
	Mark   uint64
	// Sent: ID of the outgoing and, when it was not delivered, when to try again.
	OutboxID int64
	Next     int64
}

// Rejection says why news was not accepted.
type Rejection uint8

// The refusals.
const (
	Accepted     Rejection = iota
	AlreadyEnded           // the attempt is closed, or the execution has ended
	RetryLater             // the task is in a pause before a retry: try again
	NotWaiting             // the task does not wait for a report
	Superseded             // the attempt is closed, and its task is tried again
)

// Reply answers a piece of news: the event written for it, or why it was refused.
type Reply struct {
	Event     int64
	Rejection Rejection
}

// handle folds one piece of news. Like all that it calls, and like due, it must do without the
// machine: a process that only takes in news has none, and must write what one that has it writes.
func (f *stepper) handle(n *Message) Reply {
	if n.Kind == Delivered {
		f.delivered(n)
		return Reply{}
	}
	if f.s.Final() {
		return Reply{Rejection: AlreadyEnded}
	}
	f.mark = n.Mark
	f.countBytes(len(n.Output))
	defer func() { f.mark = 0 }()
	if err := truncateError(n.Error); err != n.Error {
		cut := *n // the caller may fold it again
		cut.Error, n = err, &cut
	}
	switch n.Kind {
	case CallCompleted:
		return f.callCompleted(n)
	case TaskReported:
		return f.taskReported(n)
	case StopRequested:
		return f.stopRequested(n)
	case EngineFailed:
		f.end(flow.Failed, n.Error)
		return Reply{Event: f.s.LastEvent}
	case LeaseExpired:
		return f.leaseExpired(n)
	case LeaseRenewed:
		return f.leaseRenewed(n)
	case CallReturned:
		return f.callReturned(n)
	}
	return Reply{}
}

// find gives the first open entry that matches.
func (f *stepper) find(match func(e *entry) bool) *entry {
	var found *entry
	f.s.each(func(e *entry) {
		if found == nil && match(e) {
			found = e
		}
	})
	return found
}

// entryOf gives the open entry of an attempt; nil when the attempt is closed.
func (f *stepper) entryOf(attempt int64) *entry {
	return f.find(func(e *entry) bool { return e.attempt != nil && e.attempt.id == attempt })
}

// callCompleted takes the answer of a call. A result belongs to its attempt, not to a lease: it counts as long as the
// attempt is open, also when the lease has run out and the attempt is ready to be called again.
func (f *stepper) callCompleted(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || !e.attempt.started || e.attempt.phase == attemptSubmitted && !n.Async {
		return Reply{Rejection: AlreadyEnded}
	}
	if f.endAtEventLimit(e.attempt.completionEvents(n)) {
		return Reply{Event: f.s.LastEvent}
	}
	switch {
	case e.attempt.mode == flow.RequestComplete:
		return f.completeAttempt(e, n)
	case n.Error != nil && !n.Async:
		id := f.emit(flow.HistoryEvent{Type: flow.TaskSubmitFailed, Schedule: e.last, Node: e.node, Error: n.Error})
		e.last = id
		if !startedNothing(n.Error.Name) {
			f.enqueueStopChild(e.attempt)
		}
		f.fail(e, *n.Error)
		return Reply{Event: id}
	}
	id := f.submit(e)
	e.attempt.phase = attemptSubmitted
	if n.Async {
		return f.completeAttempt(e, n)
	}
	return Reply{Event: id}
}

// completionEvents is how many events the answer of an attempt's call writes.
func (a *attempt) completionEvents(n *Message) int {
	switch {
	case a.mode == flow.RequestComplete || n.Error != nil && !n.Async:
		return 1
	case n.Async:
		return a.submitEvents() + 1
	}
	return a.submitEvents()
}

// submitEvents is how many events submit writes.
func (a *attempt) submitEvents() int {
	n := 0
	for _, written := range []bool{a.started, a.submitted} {
		if !written {
			n++
		}
	}
	return n
}

// submit writes TaskSubmitted, and what legally stands before it, once.
func (f *stepper) submit(e *entry) int64 {
	a := e.attempt
	mark := f.mark
	f.mark = 0
	if !a.started {
		a.started = true
		e.last = f.emit(flow.HistoryEvent{Type: flow.TaskStarted, Schedule: e.last, Node: e.node})
	}
	if !a.submitted {
		a.submitted = true
		e.last = f.emit(flow.HistoryEvent{Type: flow.TaskSubmitted, Schedule: e.last, Node: e.node})
	}
	f.mark = mark
	return e.last
}

// completeAttempt ends an attempt with its result.
func (f *stepper) completeAttempt(e *entry, n *Message) Reply {
	ev := flow.HistoryEvent{Type: flow.TaskSucceeded, Schedule: e.last, Node: e.node, Error: n.Error}
	if n.Error != nil {
		ev.Type = flow.TaskFailed
	} else {
		ev.Output = flow.ParsedValue(n.Output, n.Tree)
	}
	if len(n.Output) > f.l.ResultBytes {
		f.failExecution(flow.ErrDataLimit, fmt.Sprintf("the result of the task that event %d has scheduled is "+
			"longer than %d bytes", e.attempt.id, f.l.ResultBytes)) // its name is in the machine
		return Reply{Event: f.s.LastEvent}
	}
	id := f.emit(ev)
	e.last = id
	if n.Error != nil {
		f.fail(e, *n.Error)
		return Reply{Event: id}
	}
	e.attempt = nil
	e.result, e.phase = ev.Output, finishing
	f.s.ready = true
	return Reply{Event: id}
}

// Check tells what would become of a report or a stop if it were folded now: Accepted, or why not. It changes nothing.
func (s *State) Check(n *Message) Rejection {
	if s.Final() {
		return AlreadyEnded
	}
	if n.Kind != TaskReported {
		return Accepted
	}
	_, refusal := s.waitingEntry(n.TokenID, n.Attempt)
	return refusal
}

// ResolveAttempt makes a report whose token names an entry, as in the older language, one for the attempt that is open now, unless it
// has been named before. Folded again it is for that attempt still, and closes none that has been opened since.
func (s *State) ResolveAttempt(n *Message) {
	if n.Kind != TaskReported || n.Attempt != 0 || s.Language != flow.FlowV1 {
		return
	}
	if e, _ := s.waitingEntry(n.TokenID, 0); e != nil {
		n.Attempt = e.attempt.id
	}
}

// waitingEntry gives the entry whose task waits for the report of a token, or says why there is none. attempt is the one that
// the report is for; 0: whichever is open.
func (s *State) waitingEntry(token, attempt int64) (*entry, Rejection) {
	var e *entry
	s.each(func(o *entry) {
		if e == nil && (o.attempt != nil && o.tokenID(s) == token || o.attempt == nil && s.Language == flow.FlowV1 && o.id == token) {
			e = o
		}
	})
	switch {
	case e == nil:
		return nil, AlreadyEnded
	case attempt != 0 && (e.attempt == nil && e.phase != finishing || e.attempt != nil && e.attempt.id != attempt):
		return nil, Superseded
	case e.attempt == nil && (e.phase == backingOff || e.phase == failing || e.phase == beginning):
		return nil, RetryLater
	case e.attempt == nil:
		return nil, AlreadyEnded
	case e.attempt.mode == flow.RequestComplete:
		return nil, NotWaiting
	}
	return e, Accepted
}

// taskReported takes a report by token.
func (f *stepper) taskReported(n *Message) Reply {
	e, refusal := f.s.waitingEntry(n.TokenID, n.Attempt)
	if refusal != Accepted {
		return Reply{Rejection: refusal}
	}
	told := *n
	if n.Error != nil && n.Error.Name == flow.ErrExecutionTimedOut && f.s.Language == flow.FlowV1 {
		told.Error = &flow.Error{Name: flow.ErrTaskTimeout, Cause: n.Error.Cause}
	}
	if f.endAtEventLimit(e.attempt.submitEvents() + 1) {
		return Reply{Event: f.s.LastEvent}
	}
	f.submit(e)
	return f.completeAttempt(e, &told)
}

// stopRequested ends the execution on request.
func (f *stepper) stopRequested(n *Message) Reply {
	err := n.Error
	if err == nil {
		err = &flow.Error{}
	}
	f.end(flow.Stopped, err)
	return Reply{Event: f.s.LastEvent}
}

// leaseRenewed prolongs a lease.
func (f *stepper) leaseRenewed(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || e.attempt.phase != attemptRunning || e.attempt.owner != n.Owner {
		return Reply{Rejection: AlreadyEnded}
	}
	e.attempt.until = n.Until
	f.out.Changed = true
	return Reply{}
}

// CallsMax is how many leases of one attempt may run out before it fails.
const CallsMax = 5

// leaseExpired makes an attempt ready again whose caller is gone.
func (f *stepper) leaseExpired(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || e.attempt.phase != attemptRunning || e.attempt.owner != n.Owner {
		return Reply{Rejection: AlreadyEnded}
	}
	a := e.attempt
	a.lostCalls++
	f.out.Changed = true
	if a.lostCalls >= CallsMax {
		return f.callCompleted(&Message{Kind: CallCompleted, Attempt: a.id,
			Error: &flow.Error{Name: f.s.callErrorName(e), Cause: "the call was lost with its caller several times"}})
	}
	a.releaseLease()
	return Reply{}
}

// callReturned makes an attempt ready again that its caller gives back. Nobody was lost with it, so that does not count.
func (f *stepper) callReturned(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || e.attempt.phase != attemptRunning || e.attempt.owner != n.Owner {
		return Reply{Rejection: AlreadyEnded}
	}
	e.attempt.releaseLease()
	f.out.Changed = true
	return Reply{}
}

// releaseLease makes the attempt anybody's to call.
func (a *attempt) releaseLease() { a.phase, a.owner, a.until = attemptReady, 0, 0 }

// callErrorName is the error name of a call that came to nothing.
func (s *State) callErrorName(e *entry) string {
	if e.attempt.http {
		return "HTTP.RequestFailed"
	}
	return "FC.Unknown"
}

// delivered clears an outgoing, or puts it off. One that is cleared already is left alone: another runner may have sent it
// too, or the commit that cleared it lost its answer.
func (f *stepper) delivered(n *Message) {
	s := f.s
	for i := range s.Outbox {
		if s.Outbox[i].ID != n.OutboxID {
			continue
		}
		f.out.Changed = true
		if n.Next > 0 {
			s.Outbox[i].Next = n.Next
			s.Outbox[i].Tries++
		} else {
			s.Outbox = append(s.Outbox[:i:i], s.Outbox[i+1:]...)
		}
		return
	}
}
