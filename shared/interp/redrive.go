package interp

import (
	"cmp"
	"slices"

	"millrace/shared/flow"
)

// A redrive begins another life of an execution that has ended without success
// (docs/protocol.md#redrive). While states fail and are aborted, each scope keeps the visit that was
// open in it, and that visit the scopes inside it. A redrive enters those states again, from the
// outside in: what has finished is not run again.

// redriveRequested begins the life after the one that the message names. A redrive that has been
// made before is accepted again, and changes nothing: Event is set only for the message that made
// it.
func (f *stepper) redriveRequested(n *Message) Reply {
	s := f.s
	s.bindLife(n)
	switch r := s.checkRedrive(n, f.l); {
	case r != Accepted:
		return Reply{Rejection: r}
	case n.Life <= s.Redrives:
		if n.Life == s.Redrives && n.Mark == s.RedriveMark {
			return Reply{Event: s.LastEvent}
		}
		return Reply{}
	}
	f.mark = n.Mark
	id := f.emit(flow.HistoryEvent{Type: flow.ExecutionRedriven, Node: -1, Schedule: s.LastEvent})
	f.mark = 0
	s.Status, s.Error, s.Stopped, s.ready = flow.Running, nil, 0, true
	s.Redrives++
	s.Redriven, s.RedriveMark = f.now, n.Mark
	s.Deadline = f.now + s.TimeLimit
	// A report of the end that is not delivered yet is not due any more. The next end has its own.
	s.Outbox = slices.DeleteFunc(s.Outbox, func(o OutboxEntry) bool {
		return o.Kind == OutboxCallback
	})
	if s.root != nil {
		s.root.ended, s.root.last = false, id
	}
	return Reply{Event: id}
}

// checkRedrive reports whether a redrive is accepted: one that is new, or one that has been made.
func (s *State) checkRedrive(n *Message, l *flow.Limits) Rejection {
	switch {
	case n.Life <= s.Redrives:
		return Accepted
	case !s.Final():
		return NotEnded
	case n.Life > s.Redrives+1, s.Status == flow.Succeeded, s.Express, s.Child,
		s.LastEvent >= int64(l.Events), !s.keptAll():
		return NotRedrivable
	}
	return Accepted
}

// keptAll reports whether the state has kept what a redrive needs. Programs before redrives kept
// nothing of an execution that was stopped or timed out, and did not note the items of a MapRun's
// children. One that ended before its first state has nothing to keep: each life of it has two
// events.
func (s *State) keptAll() bool {
	if s.root == nil {
		return s.LastEvent <= 2*int64(s.Redrives+1)
	}
	return s.root.keptItems()
}

// keptItems reports whether the items of all MapRuns that the scope keeps are known.
func (sc *scope) keptItems() bool {
	e := sc.left
	if e == nil {
		return true
	}
	if r := e.leftRun; r != nil {
		if r.writer != nil {
			return false // what it has written is not read again
		}
		known := r.succeeded + e.total - e.cursor
		for _, c := range r.undone {
			known += c.items
		}
		if known != e.total {
			return false
		}
	}
	for _, inner := range e.left {
		if !inner.keptItems() {
			return false
		}
	}
	return true
}

// bindLife binds a stop or a redrive to the life of the execution that it is judged in first.
// Applied again, it does not reach a later one.
func (s *State) bindLife(n *Message) {
	if n.Life != 0 {
		return
	}
	n.Life, n.After = s.Redrives+1, s.LastEvent
	if n.Kind == RedriveRequested && !s.Final() && s.Redrives > 0 {
		n.Life-- // it repeats the redrive that the execution runs since
	}
}

// ofThisLife reports whether a stop is for the present life.
func (s *State) ofThisLife(n *Message) bool { return n.Life == 0 || n.Life == s.Redrives+1 }

// abandon closes the open entry of a scope that ends without success. The scope keeps it for a
// redrive.
func (sc *scope) abandon(e *entry) {
	if e.phase != finishing && e.total == 0 && !e.resumed {
		e.result = nil // the work of a state is done again if the state has failed
	}
	e.attempt, e.items, e.due = nil, nil, 0
	e.failure, e.timeout, e.permanent, e.retriesByRule = nil, false, false, nil
	e.keepScopes()
	e.phase = closed
	sc.cur, sc.ended, sc.left = nil, true, e
}

// keepScopes keeps the inner scopes of an entry, which have ended, for a redrive.
func (e *entry) keepScopes() {
	if len(e.running) == 0 {
		return
	}
	e.left = append(e.left, e.running...)
	slices.SortStableFunc(e.left, func(a, b *scope) int { return cmp.Compare(a.index, b.index) })
	e.running = nil
}

// resumeFrom makes an entry go on from a visit of the same state in an earlier life: with its input
// and, if its work had begun to give results, with these. Such an entry has the place of the
// earlier one, so that it evaluates the items of a Map alike.
func (e *entry) resumeFrom(old *entry) {
	e.input = old.input
	if old.result == nil && old.total == 0 {
		return
	}
	e.resumed = true
	e.ordinal, e.retries, e.option = old.ordinal, old.retries, old.option
	e.result, e.total, e.cursor, e.pending = old.result, old.total, old.cursor, old.pending
	e.results, e.blocks, e.storedItems = old.results, old.blocks, old.storedItems
	e.left, e.leftRun = old.left, old.leftRun
}

// resume goes on with the work of a resumed entry.
func (f *stepper) resume(e *entry, st *flow.State) error {
	switch {
	case st.Kind == flow.Wait:
		e.result, e.resumed = nil, false
		return f.runWait(e, st.Wait) // its time counts anew, even if it was over
	case e.result != nil:
		e.phase = finishing
	case e.leftRun != nil:
		if err := f.resumeMapRun(e, st); err != nil {
			return err
		}
		e.phase = spawning
	default:
		e.phase = spawning
	}
	e.resumed = false
	return nil
}

// reopen opens the next inner scope that an earlier life has left. It goes on with the state that
// was open in it.
func (f *stepper) reopen(e *entry, st *flow.State) error {
	typ := f.d.events.scopeEntered[st.Kind]
	if typ != 0 {
		if err := f.checkEventLimit(1); err != nil {
			return err
		}
	}
	sc := e.left[0]
	e.left = e.left[1:]
	sc.owner, sc.ended, sc.last = e, false, e.startID
	if typ != 0 {
		sc.last = f.emit(flow.HistoryEvent{Type: typ, Schedule: sc.last, Node: e.node,
			Input: sc.input, Local: sc.local})
	}
	e.running = append(e.running, sc)
	return nil
}

// mayOpen reports whether an entry has an inner scope to open.
func (e *entry) mayOpen() bool {
	return e.cursor < e.total || len(e.left) > 0 || e.mapRun != nil && len(e.mapRun.redo) > 0
}

// childItems are the items that a child of a MapRun works on: items of them from the one with the
// index first.
type childItems struct {
	index int // of the child
	first int
	items int
	input *flow.Value // of the child, if its items were read from objects and are not kept
}

// How many children without success a MapRun keeps for a redrive, because they make the row longer.
// One with more of them cannot be redriven.
const (
	undoneMax     = 10_000
	undoneReadMax = 1000 // with an ItemReader
)

// resumeMapRun starts a MapRun that goes on with the items of an earlier one: its results count,
// its children that have failed or were in flight are started again, as other executions.
func (f *stepper) resumeMapRun(e *entry, st *flow.State) error {
	if err := e.unpack(f.s.blockSize()); err != nil {
		return err
	}
	if err := f.checkMapRuns(); err != nil {
		return err
	}
	r, _, err := f.readDistribution(e, st.Map)
	if err != nil {
		return err
	}
	if err := f.checkEventLimit(1); err != nil {
		return err
	}
	f.announceMapRun(e, r)
	r.succeeded, r.redo, r.reader = e.leftRun.succeeded, e.leftRun.undone, e.leftRun.reader
	slices.SortFunc(r.redo, func(a, b childItems) int { return cmp.Compare(a.index, b.index) })
	e.blocks, e.leftRun = nil, nil
	for _, c := range r.redo {
		e.results[c.index] = nil
	}
	for _, v := range e.results {
		if v != nil {
			r.bytes += v.Len() + 1
		}
	}
	e.pending = e.total - r.succeeded
	return nil
}

// keepMapRun keeps, for a redrive, the MapRun of an entry that ends without success.
func (e *entry) keepMapRun() {
	r := e.mapRun
	for _, sc := range e.running {
		if sc.cur != nil && sc.cur.attempt != nil { // otherwise the row is damaged
			r.noteUndone(sc.cur)
		}
	}
	r.undone, r.redo = append(r.undone, r.redo...), nil
	e.leftRun = r
}

// noteUndone notes that the child that an entry stands for has not succeeded.
func (r *mapRun) noteUndone(child *entry) {
	a, limit := child.attempt, undoneMax
	c := childItems{index: child.scope.index, first: a.first - 1, items: a.items}
	if r.reader != nil {
		c.input, limit = a.params, undoneReadMax
	}
	if r.writer == nil && a.first > 0 && len(r.undone) < limit && (r.reader == nil || c.input != nil) {
		r.undone = append(r.undone, c)
	}
}

// eachValue calls f for every value that the MapRun keeps besides its results.
func (r *mapRun) eachValue(f func(v *flow.Value)) {
	if r == nil {
		return
	}
	if r.reader != nil {
		r.reader.eachValue(f)
	}
	if r.writer != nil {
		r.writer.eachValue(f)
	}
	for _, c := range slices.Concat(r.undone, r.redo) {
		if c.input != nil {
			f(c.input)
		}
	}
}
