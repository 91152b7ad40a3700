package interp

import (
	"fmt"

	"millrace/shared/flow"
)

// NewsKind tells what a piece of news is.
type NewsKind uint8

// The kinds of news.
const (
	Answered  NewsKind = iota + 1 // a call has been answered (or has failed)
	Reported                      // somebody reports the end of a task by token
	StopAsked                     // the execution is to be stopped
	Broken                        // the execution cannot be advanced: it ends as Failed
	LeaseOver                     // the owner of a call is gone: it must be called again
	Renewed                       // the owner of a call still works on it: its lease goes on until Until
	Sent                          // an outgoing has been delivered, or is put off to Next
	Returned                      // the owner of a call has cut it and gives it back: it must be called again
)

// News is something that happened outside. It names its attempt, so that folding it twice is folding it once.
type News struct {
	Kind    NewsKind
	Attempt int64 // Answered, LeaseOver, Renewed, Returned; of a report whose token names an entry: 0, or the attempt that it is for
	Owner   uint64
	Until   int64 // Renewed
	Token   int64 // Reported: the id in the token
	// Output and Error: exactly one for Answered and Reported; Error may be nil for StopAsked. Output is
	// canonical JSON.
	Output []byte
	Tree   any // of Output, if it is at hand; nil otherwise
	Error  *flow.Error
	Async  bool // Answered in mode System: the job has ended too
	Mark   uint64
	// Sent: ID of the outgoing and, when it was not delivered, when to try again.
	Outgoing int64
	Next     int64
}

// Refusal says why news was not accepted.
type Refusal uint8

// The refusals.
const (
	Accepted     Refusal = iota
	AlreadyEnded         // the attempt is closed, or the execution has ended
	NotYet               // the task is in a pause before a retry: try again
	NotWaiting           // the task does not wait for a report
	Superseded           // the attempt is closed, and its task is tried again
)

// Verdict answers a piece of news: the event written for it, or why it was refused.
type Verdict struct {
	Event   int64
	Refusal Refusal
}

// news folds one piece of news. Like all that it calls, and like due, it must do without the
// machine: a process that only takes in news has none, and must write what one that has it writes.
func (f *fold) news(n *News) Verdict {
	if n.Kind == Sent {
		f.sent(n)
		return Verdict{}
	}
	if f.s.Final() {
		return Verdict{Refusal: AlreadyEnded}
	}
	f.mark = n.Mark
	f.write(len(n.Output))
	defer func() { f.mark = 0 }()
	if err := bounded(n.Error); err != n.Error {
		cut := *n // the caller may fold it again
		cut.Error, n = err, &cut
	}
	switch n.Kind {
	case Answered:
		return f.answered(n)
	case Reported:
		return f.reported(n)
	case StopAsked:
		return f.stopped(n)
	case Broken:
		f.end(flow.Failed, n.Error)
		return Verdict{Event: f.s.LastEvent}
	case LeaseOver:
		return f.leaseOver(n)
	case Renewed:
		return f.renewed(n)
	case Returned:
		return f.returned(n)
	}
	return Verdict{}
}

// find gives the first open entry that matches.
func (f *fold) find(match func(e *entry) bool) *entry {
	var found *entry
	f.s.each(func(e *entry) {
		if found == nil && match(e) {
			found = e
		}
	})
	return found
}

// holder gives the open entry of an attempt; nil when the attempt is closed.
func (f *fold) holder(attempt int64) *entry {
	return f.find(func(e *entry) bool { return e.attempt != nil && e.attempt.id == attempt })
}

// answered takes the answer of a call. A result belongs to its attempt, not to a lease: it counts as long as the
// attempt is open, also when the lease has run out and the attempt is ready to be called again.
func (f *fold) answered(n *News) Verdict {
	e := f.holder(n.Attempt)
	if e == nil || !e.attempt.started || e.attempt.phase == submitted && !n.Async {
		return Verdict{Refusal: AlreadyEnded}
	}
	if f.full(e.attempt.answerEvents(n)) {
		return Verdict{Event: f.s.LastEvent}
	}
	switch {
	case e.attempt.mode == flow.RequestComplete:
		return f.close(e, n)
	case n.Error != nil && !n.Async:
		id := f.emit(flow.HistoryEvent{Type: flow.TaskSubmitFailed, Schedule: e.last, Node: e.node, Error: n.Error})
		e.last = id
		if !startsNone(n.Error.Name) {
			f.stopChild(e.attempt)
		}
		f.fail(e, *n.Error)
		return Verdict{Event: id}
	}
	id := f.submit(e)
	e.attempt.phase = submitted
	if n.Async {
		return f.close(e, n)
	}
	return Verdict{Event: id}
}

// answerEvents is how many events the answer of an attempt's call writes.
func (a *attempt) answerEvents(n *News) int {
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
	for _, written := range []bool{a.started, a.answered} {
		if !written {
			n++
		}
	}
	return n
}

// submit writes TaskSubmitted, and what legally stands before it, once.
func (f *fold) submit(e *entry) int64 {
	a := e.attempt
	mark := f.mark
	f.mark = 0
	if !a.started {
		a.started = true
		e.last = f.emit(flow.HistoryEvent{Type: flow.TaskStarted, Schedule: e.last, Node: e.node})
	}
	if !a.answered {
		a.answered = true
		e.last = f.emit(flow.HistoryEvent{Type: flow.TaskSubmitted, Schedule: e.last, Node: e.node})
	}
	f.mark = mark
	return e.last
}

// close ends an attempt with its result.
func (f *fold) close(e *entry, n *News) Verdict {
	ev := flow.HistoryEvent{Type: flow.TaskSucceeded, Schedule: e.last, Node: e.node, Error: n.Error}
	if n.Error != nil {
		ev.Type = flow.TaskFailed
	} else {
		ev.Output = flow.ParsedValue(n.Output, n.Tree)
	}
	if len(n.Output) > f.l.ResultBytes {
		f.fatal(flow.ErrDataLimit, fmt.Sprintf("the result of the task that event %d has scheduled is "+
			"longer than %d bytes", e.attempt.id, f.l.ResultBytes)) // its name is in the machine
		return Verdict{Event: f.s.LastEvent}
	}
	id := f.emit(ev)
	e.last = id
	if n.Error != nil {
		f.fail(e, *n.Error)
		return Verdict{Event: id}
	}
	e.attempt = nil
	e.result, e.phase = ev.Output, finishing
	f.s.ready = true
	return Verdict{Event: id}
}

// Refuses tells what would become of a report or a stop if it were folded now: Accepted, or why not. It changes nothing.
func (s *State) Refuses(n *News) Refusal {
	if s.Final() {
		return AlreadyEnded
	}
	if n.Kind != Reported {
		return Accepted
	}
	_, refusal := s.awaits(n.Token, n.Attempt)
	return refusal
}

// NameAttempt makes a report whose token names an entry, as in the older language, one for the attempt that is open now, unless it
// has been named before. Folded again it is for that attempt still, and closes none that has been opened since.
func (s *State) NameAttempt(n *News) {
	if n.Kind != Reported || n.Attempt != 0 || s.Language != flow.Steps {
		return
	}
	if e, _ := s.awaits(n.Token, 0); e != nil {
		n.Attempt = e.attempt.id
	}
}

// awaits gives the entry whose task waits for the report of a token, or says why there is none. attempt is the one that
// the report is for; 0: whichever is open.
func (s *State) awaits(token, attempt int64) (*entry, Refusal) {
	var e *entry
	s.each(func(o *entry) {
		if e == nil && (o.attempt != nil && o.tokenID(s) == token || o.attempt == nil && s.Language == flow.Steps && o.id == token) {
			e = o
		}
	})
	switch {
	case e == nil:
		return nil, AlreadyEnded
	case attempt != 0 && (e.attempt == nil && e.phase != finishing || e.attempt != nil && e.attempt.id != attempt):
		return nil, Superseded
	case e.attempt == nil && (e.phase == paused || e.phase == failing || e.phase == beginning):
		return nil, NotYet
	case e.attempt == nil:
		return nil, AlreadyEnded
	case e.attempt.mode == flow.RequestComplete:
		return nil, NotWaiting
	}
	return e, Accepted
}

// reported takes a report by token.
func (f *fold) reported(n *News) Verdict {
	e, refusal := f.s.awaits(n.Token, n.Attempt)
	if refusal != Accepted {
		return Verdict{Refusal: refusal}
	}
	told := *n
	if n.Error != nil && n.Error.Name == flow.ErrExecutionTimedOut && f.s.Language == flow.Steps {
		told.Error = &flow.Error{Name: flow.ErrTaskTimeout, Cause: n.Error.Cause}
	}
	if f.full(e.attempt.submitEvents() + 1) {
		return Verdict{Event: f.s.LastEvent}
	}
	f.submit(e)
	return f.close(e, &told)
}

// stopped ends the execution on request.
func (f *fold) stopped(n *News) Verdict {
	err := n.Error
	if err == nil {
		err = &flow.Error{}
	}
	f.end(flow.Stopped, err)
	return Verdict{Event: f.s.LastEvent}
}

// renewed prolongs a lease.
func (f *fold) renewed(n *News) Verdict {
	e := f.holder(n.Attempt)
	if e == nil || e.attempt.phase != called || e.attempt.owner != n.Owner {
		return Verdict{Refusal: AlreadyEnded}
	}
	e.attempt.until = n.Until
	f.out.Changed = true
	return Verdict{}
}

// CallsMax is how many leases of one attempt may run out before it fails.
const CallsMax = 5

// leaseOver makes an attempt ready again whose caller is gone.
func (f *fold) leaseOver(n *News) Verdict {
	e := f.holder(n.Attempt)
	if e == nil || e.attempt.phase != called || e.attempt.owner != n.Owner {
		return Verdict{Refusal: AlreadyEnded}
	}
	a := e.attempt
	a.calls++
	f.out.Changed = true
	if a.calls >= CallsMax {
		return f.answered(&News{Kind: Answered, Attempt: a.id,
			Error: &flow.Error{Name: f.s.broken(e), Cause: "the call was lost with its caller several times"}})
	}
	a.free()
	return Verdict{}
}

// returned makes an attempt ready again that its caller gives back. Nobody was lost with it, so that does not count.
func (f *fold) returned(n *News) Verdict {
	e := f.holder(n.Attempt)
	if e == nil || e.attempt.phase != called || e.attempt.owner != n.Owner {
		return Verdict{Refusal: AlreadyEnded}
	}
	e.attempt.free()
	f.out.Changed = true
	return Verdict{}
}

// free makes the attempt anybody's to call.
func (a *attempt) free() { a.phase, a.owner, a.until = ready, 0, 0 }

// broken is the error name of a call that came to nothing.
func (s *State) broken(e *entry) string {
	if e.attempt.http {
		return "HTTP.RequestFailed"
	}
	return "FC.Unknown"
}

// sent clears an outgoing, or puts it off. One that is cleared already is left alone: another runner may have sent it
// too, or the commit that cleared it lost its answer.
func (f *fold) sent(n *News) {
	s := f.s
	for i := range s.Outbox {
		if s.Outbox[i].ID != n.Outgoing {
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
