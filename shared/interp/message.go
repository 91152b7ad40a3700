package interp

import (
	"fmt"

	"millrace/shared/flow"
)

// MessageKind is the kind of a Message.
type MessageKind uint8

// The kinds of messages.
const (
	CallCompleted    MessageKind = iota + 1 // a call has returned a result or an error
	TaskReported                            // a caller reports the end of a task by its token
	StopRequested                           // the execution must stop
	EngineFailed                            // the execution cannot be advanced: it ends as Failed
	LeaseExpired                            // the owner of a call is gone: the call must be repeated
	LeaseRenewed                            // the owner extends the lease of its call to Until
	Delivered                               // an outbox entry is delivered, or postponed to Next
	CallReturned                            // the owner has cancelled the call: it must be repeated
	MapRunUpdated                           // a caller changes an open MapRun
	RedriveRequested                        // an execution that has ended must go on
)

// Message is something that happened outside the execution. It names the attempt it is for, so
// applying it twice has the same effect as applying it once.
type Message struct {
	Kind MessageKind
	// Attempt is set for CallCompleted, LeaseExpired, LeaseRenewed and CallReturned. For a
	// TaskReported whose token names an entry, it is the attempt the report is for, or 0.
	Attempt int64
	Owner   uint64
	Until   int64 // LeaseRenewed: ms since 1970
	TokenID int64 // TaskReported: the event id in the token
	// CallCompleted and TaskReported have either an Output or an Error; the Error of StopRequested
	// may be nil. Output is canonical JSON.
	Output []byte
	Tree   any // the decoded Output, or nil if it is not decoded
	Error  *flow.Error
	Async  bool // CallCompleted in mode WaitForSystemCallback: the job has ended too
	Mark   uint64
	// Delivered: the ID of the outbox entry, and the time of the next try if delivery failed, ms
	// since 1970.
	OutboxID int64
	Next     int64
	MapRun   *MapRunUpdate // MapRunUpdated
	// StopRequested and RedriveRequested: the number of the life that is to end, or that has ended,
	// from 1; 0: not bound to one yet (Bind). After is the last event when it was bound.
	Life  int
	After int64
}

// Rejection says why a message was not accepted.
type Rejection uint8

// The rejections.
const (
	Accepted     Rejection = iota
	AlreadyEnded           // the attempt is closed, or the execution has ended
	RetryLater             // the task waits before a retry: send the message again later
	NotWaiting             // the task does not wait for a report
	// The attempt is closed, and another attempt of its task has begun or will begin.
	Superseded
	NotEnded      // an execution to redrive runs
	NotRedrivable // an execution has succeeded, or has nothing to go on from
)

// Reply is the result of a message: the event written for it, or the reason why it was rejected.
type Reply struct {
	Event     int64
	Rejection Rejection
}

// handle applies one message. Like fireTimers, it must not use the machine, nor may anything that
// it calls: an acceptor has no machine, and must write the same as a process that has it.
func (f *stepper) handle(n *Message) Reply {
	if n.Kind == Delivered {
		f.delivered(n)
		return Reply{}
	}
	if n.Kind == RedriveRequested {
		return f.redriveRequested(n)
	}
	if f.s.Final() {
		return Reply{Rejection: AlreadyEnded}
	}
	f.mark = n.Mark
	f.countBytes(len(n.Output))
	defer func() { f.mark = 0 }()
	if err := truncateError(n.Error); err != n.Error {
		cut := *n // the caller may apply n again
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
	case MapRunUpdated:
		return f.mapRunUpdated(n.MapRun)
	}
	return Reply{}
}

// find returns the first open entry that matches, or nil.
func (f *stepper) find(match func(e *entry) bool) *entry {
	var found *entry
	f.s.each(func(e *entry) {
		if found == nil && match(e) {
			found = e
		}
	})
	return found
}

// entryOf returns the open entry of an attempt, or nil if the attempt is closed.
func (f *stepper) entryOf(attempt int64) *entry {
	return f.find(func(e *entry) bool { return e.attempt != nil && e.attempt.id == attempt })
}

// callCompleted applies the result of a call. A result belongs to its attempt, not to a lease: it
// counts as long as the attempt is open, even if the lease has expired and the attempt is ready to
// be called again.
func (f *stepper) callCompleted(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || !e.attempt.started || e.attempt.phase == attemptSubmitted && !n.Async {
		return Reply{Rejection: AlreadyEnded}
	}
	switch {
	case e.mapRunOf() != nil:
		return f.childReturned(e, n)
	case e.isWriting():
		return f.fileWritten(e, n)
	case e.reader() != nil:
		return f.blockRead(e, n)
	}
	if f.endAtEventLimit(e.attempt.completionEvents(n)) {
		return Reply{Event: f.s.LastEvent}
	}
	switch {
	case e.attempt.mode == flow.RequestComplete:
		return f.completeAttempt(e, n)
	case n.Error != nil && !n.Async:
		id := f.emit(flow.HistoryEvent{Type: flow.TaskSubmitFailed, Schedule: e.last, Node: e.node,
			Error: n.Error})
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

// completionEvents returns the number of events that the result of an attempt's call writes.
func (a *attempt) completionEvents(n *Message) int {
	switch {
	case a.mode == flow.RequestComplete || n.Error != nil && !n.Async:
		return 1
	case n.Async:
		return a.submitEvents() + 1
	}
	return a.submitEvents()
}

// submitEvents returns the number of events that submit writes.
func (a *attempt) submitEvents() int {
	n := 0
	for _, written := range []bool{a.started, a.submitted} {
		if !written {
			n++
		}
	}
	return n
}

// submit writes TaskSubmitted, and before it TaskStarted, each at most once per attempt.
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
	ev := flow.HistoryEvent{Type: flow.TaskSucceeded, Schedule: e.last, Node: e.node,
		Error: n.Error}
	if n.Error != nil {
		ev.Type = flow.TaskFailed
	} else {
		ev.Output = flow.ParsedValue(n.Output, n.Tree)
	}
	if len(n.Output) > f.l.ResultBytes {
		// The message has no name of the state, because only the machine knows it.
		f.failExecution(flow.ErrDataLimit,
			fmt.Sprintf("the result of the task that event %d has scheduled is "+
				"longer than %d bytes", e.attempt.id, f.l.ResultBytes))
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

// Check reports how a TaskReported or StopRequested message would be answered now: Accepted, or the
// reason for a rejection. It changes nothing.
func (s *State) Check(n *Message) Rejection {
	if s.Final() || !s.ofThisLife(n) {
		return AlreadyEnded
	}
	if n.Kind != TaskReported {
		return Accepted
	}
	_, refusal := s.waitingEntry(n.TokenID, n.Attempt)
	return refusal
}

// Bind binds a message from outside to what is open now, unless it is bound already. When the
// message is applied again, it is still for that. A report whose token names an entry is bound to
// an attempt, and cannot close a later one; a stop or a redrive to a life of the execution.
func (s *State) Bind(n *Message) {
	if n.Kind == StopRequested || n.Kind == RedriveRequested {
		s.bindLife(n)
		return
	}
	if n.Kind != TaskReported || n.Attempt != 0 || !EntryTokens(s.Dialect) {
		return
	}
	if e, _ := s.waitingEntry(n.TokenID, 0); e != nil {
		n.Attempt = e.attempt.id
	}
}

// waitingEntry returns the entry whose task waits for a report with this token, or the reason why
// there is none. attempt is the attempt the report is for; 0 means the open one.
func (s *State) waitingEntry(token, attempt int64) (*entry, Rejection) {
	var e *entry
	s.each(func(o *entry) {
		if e == nil && (o.attempt != nil && o.tokenID(s) == token ||
			o.attempt == nil && EntryTokens(s.Dialect) && o.id == token) {
			e = o
		}
	})
	switch {
	case e == nil:
		return nil, AlreadyEnded
	case attempt != 0 && (e.attempt == nil && e.phase != finishing ||
		e.attempt != nil && e.attempt.id != attempt):
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

// taskReported applies a report by token.
func (f *stepper) taskReported(n *Message) Reply {
	e, refusal := f.s.waitingEntry(n.TokenID, n.Attempt)
	if refusal != Accepted {
		return Reply{Rejection: refusal}
	}
	if e.mapRunOf() != nil {
		f.endChild(e, n, n.Error)
		return Reply{}
	}
	if f.endAtEventLimit(e.attempt.submitEvents() + 1) {
		return Reply{Event: f.s.LastEvent}
	}
	f.submit(e)
	return f.completeAttempt(e, n)
}

// stopRequested ends the execution on request.
func (f *stepper) stopRequested(n *Message) Reply {
	if !f.s.ofThisLife(n) {
		return Reply{Rejection: AlreadyEnded}
	}
	err := n.Error
	if err == nil {
		err = &flow.Error{}
	}
	f.end(flow.Stopped, err)
	return Reply{Event: f.s.LastEvent}
}

// leaseRenewed extends a lease.
func (f *stepper) leaseRenewed(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || e.attempt.phase != attemptRunning || e.attempt.owner != n.Owner {
		return Reply{Rejection: AlreadyEnded}
	}
	e.attempt.until = n.Until
	f.out.Changed = true
	return Reply{}
}

// CallsMax is the number of leases of one attempt that may expire; the last of them fails the
// attempt.
const CallsMax = 5

// leaseExpired makes an attempt ready again after its caller is gone.
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
			Error: &flow.Error{Name: f.s.callErrorName(e),
				Cause: "the call was lost with its caller several times"}})
	}
	a.releaseLease()
	return Reply{}
}

// callReturned makes an attempt ready again after its caller has released it. It does not count as
// a lost call, because no process was lost.
func (f *stepper) callReturned(n *Message) Reply {
	e := f.entryOf(n.Attempt)
	if e == nil || e.attempt.phase != attemptRunning || e.attempt.owner != n.Owner {
		return Reply{Rejection: AlreadyEnded}
	}
	e.attempt.releaseLease()
	f.out.Changed = true
	return Reply{}
}

// releaseLease makes the attempt ready for any process to call.
func (a *attempt) releaseLease() { a.phase, a.owner, a.until = attemptReady, 0, 0 }

// callErrorName returns the error name of a call without a result.
func (s *State) callErrorName(e *entry) string {
	switch {
	case e.attempt.http:
		return "HTTP.RequestFailed"
	case e.isWriting():
		return flow.ErrResultWriter
	case e.reader() != nil:
		return flow.ErrItemReader
	}
	return "FC.Unknown"
}

// delivered removes an outbox entry, or postpones it. It ignores an entry that is already removed:
// another process may have sent it too, or the commit that removed it had an unknown outcome.
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
