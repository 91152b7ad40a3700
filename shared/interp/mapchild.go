package interp

import (
	"fmt"
	"slices"
	"strconv"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// spawnChild opens the attempt of the next child execution of a MapRun.
func (f *stepper) spawnChild(e *entry, st *flow.State) error {
	if err := f.reloadItems(e, st); err != nil {
		return err
	}
	c, again := childItems{index: e.children(), first: e.cursor}, len(e.mapRun.redo) > 0
	if again {
		c = e.mapRun.redo[0]
	}
	tree, n, complete, err := f.childInput(e, st, c)
	if err != nil {
		return err
	}
	r := e.reader()
	if !complete && len(r.blocks) < blocksMax {
		r.ahead = len(r.blocks) + 1
		return nil
	}
	index := c.index
	a := &attempt{id: e.mapRun.childAttempt(index), phase: attemptReady, items: n, first: c.first + 1,
		started: true, submitted: true} // no event says so
	if st.Map.Distributed.Mode == flow.Standard {
		a.mode = flow.WaitForSystemCallback
		a.childFlow, a.child = f.s.Flow, f.s.childName(e.mapRun, index)
	}
	sc := &scope{owner: e, index: index}
	child := &entry{scope: sc, node: e.node, id: e.id, ordinal: 1, phase: calling, attempt: a}
	sc.cur = child
	if again {
		e.mapRun.redo = e.mapRun.redo[1:]
	} else {
		e.cursor += n
		if r != nil {
			r.release(e.cursor)
			r.ahead = 0
		}
		if e.mapRun.writer != nil {
			e.mapRun.children++
		} else {
			e.results = append(e.results, nil)
		}
	}
	e.running = append(e.running, sc)
	size, err := value.Measure(tree, f.dataMax())
	switch {
	case err != nil:
		f.endChild(child, nil, &flow.Error{Name: f.d.errors.runtime,
			Cause: "the input of the child execution is " + err.Error()})
	case size > f.dataMax():
		f.endChild(child, nil, &flow.Error{Name: flow.ErrDataLimit, Cause: fmt.Sprintf(
			"the input of the child execution is longer than %d bytes", f.dataMax())})
	default:
		f.countBytes(size)
		a.params = flow.ParsedValue(value.Append(make([]byte, 0, size), tree), tree)
	}
	return nil
}

// children returns how many children a MapRun has started.
func (e *entry) children() int {
	if e.mapRun.writer != nil {
		return e.mapRun.children
	}
	return len(e.results)
}

// childInput builds the input of the next child: an item, or a batch of n items. A child whose
// number of items is given is started again, with the same ones. A batch is not complete if items
// that are not read yet may be part of it.
func (f *stepper) childInput(
	e *entry, st *flow.State, c childItems,
) (input any, n int, complete bool, err error) {
	d := st.Map.Distributed
	switch {
	case c.input != nil:
		input, err = treeOf(c.input)
		return input, c.items, true, err
	case d.Batch == nil:
		input, err = f.item(e, st, c.first)
		return input, 1, true, err
	}
	batch := map[string]any{"Items": []any{}}
	if d.Batch.Input != nil {
		if batch["BatchInput"], err = f.build(d.Batch.Input, f.env(e, "BatchInput")); err != nil {
			return nil, 0, false, err
		}
	}
	items := []any{}
	r := e.mapRun
	size, err := value.Measure(batch, int(r.batchBytes))
	if err != nil {
		return nil, 0, false, f.runtimeError("BatchInput is " + err.Error())
	}
	for c.first+n < e.total && (c.items == 0 && int64(n) < r.batchItems || n < c.items) {
		item, err := f.item(e, st, c.first+n)
		if err != nil {
			return nil, 0, false, err
		}
		length, err := value.Measure(item, int(r.batchBytes))
		// An item that does not fit makes a batch of its own, whose child may fail by it.
		size += length + min(n, 1)
		if c.items == 0 && n > 0 && (err != nil || size > int(r.batchBytes)) {
			complete = true
			break
		}
		items = append(items, item)
		n++
	}
	batch["Items"] = items
	complete = complete || c.items > 0 || int64(n) >= r.batchItems || e.allRead()
	return batch, n, complete, nil
}

// item returns the item with an index as the ItemConstructor builds it.
func (f *stepper) item(e *entry, st *flow.State, index int) (any, error) {
	t := st.Map.Distributed.Item
	var item any
	if r := e.reader(); r != nil {
		item = r.at(index)
	} else {
		item = e.items[index]
	}
	if t == nil {
		return item, nil
	}
	v := f.env(e, "ItemConstructor["+strconv.Itoa(index)+"]")
	v.item = item
	return f.build(t, v)
}

// childReturned applies the result of the call that runs a child, or starts it.
func (f *stepper) childReturned(e *entry, n *Message) Reply {
	a := e.attempt
	switch {
	case a.mode == flow.RequestComplete:
		f.endChild(e, n, n.Error)
	case n.Error != nil:
		if !startedNothing(n.Error.Name) {
			f.enqueueStopChild(a)
		}
		f.endChild(e, nil, n.Error)
	default:
		a.phase = attemptSubmitted
		a.owner, a.until = 0, 0
		f.out.Changed = true
	}
	return Reply{}
}

// endChild ends a child execution with the output of n, or with an error. It must not use the
// machine.
func (f *stepper) endChild(child *entry, n *Message, err *flow.Error) {
	owner, a := child.scope.owner, child.attempt
	r, index := owner.mapRun, child.scope.index
	result := childFailure(err)
	if err == nil {
		result = flow.ParsedValue(n.Output, n.Tree)
		r.succeeded += a.items
	} else {
		r.failed += a.items
		r.noteUndone(child)
		if r.firstError == nil {
			r.firstError = &flow.Error{Name: err.Name, Cause: truncateCause(
				f.s.childName(r, index) + ": " + err.Cause)}
		}
	}
	owner.pending -= a.items
	if r.writer != nil {
		r.writer.add(f.s.childName(r, index), result, err)
	} else {
		owner.results[index] = result
		r.bytes += result.Len() + 1
	}
	owner.running = slices.DeleteFunc(owner.running, func(sc *scope) bool {
		return sc == child.scope
	})
	child.phase, child.attempt, child.scope.ended = closed, nil, true
	f.noteProgress(owner)
	f.checkTolerance(owner)
}

// noteProgress records a change of a MapRun, and that the Map can advance if it can: the last
// children in flight leave nothing to do until all have ended.
func (f *stepper) noteProgress(e *entry) {
	if e.pending == 0 && e.allRead() || e.mayOpen() && len(e.running) < e.mapRun.concurrency ||
		e.writer() != nil && e.writer().wantsWrite(e) {
		f.s.ready = true
	}
	f.out.Changed = true
}

// childFailure returns what the results of a MapRun have in place of the output of a child that has
// failed.
func childFailure(err *flow.Error) *flow.Value {
	if err == nil {
		return nil
	}
	return flow.NewValue(map[string]any{"Error": map[string]any{
		"Code": err.Name, "Detail": value.Cut(err.Cause, childCauseMax)}})
}

// childCauseMax bounds the cause of a failed child in the results, in characters: many children may
// fail for the same reason.
const childCauseMax = 256

// checkTolerance fails a distributed Map with more failures than it tolerates, or with more results
// than a state may have.
func (f *stepper) checkTolerance(e *entry) {
	r := e.mapRun
	if r.bytes > f.l.ResultBytes {
		f.failExecution(flow.ErrDataLimit, fmt.Sprintf(
			"the results of MapRun %s are longer than %d bytes", f.s.mapRunName(r.id),
			f.l.ResultBytes))
		return
	}
	if r.tolerates(f.itemsBound(e)) {
		return
	}
	f.fail(e, flow.Error{Name: flow.ErrMapRunFailed, Cause: fmt.Sprintf(
		"%d of %d items of MapRun %s failed, which is more than it tolerates; first %s: %s",
		r.failed, e.total, f.s.mapRunName(r.id), r.firstError.Name, r.firstError.Cause)})
}

// tolerates reports whether the MapRun tolerates its failures. If neither tolerance is given, it
// tolerates none.
func (r *mapRun) tolerates(total int) bool {
	count, percentage := r.toleratedCount, r.toleratedPercentage
	if count < 0 && percentage < 0 {
		count = 0
	}
	return (count < 0 || int64(r.failed) <= count) &&
		(percentage < 0 || float64(r.failed)*100 <= percentage*float64(total))
}

// closeMapRun ends the MapRun of an entry and stops its children that are still in flight.
func (f *stepper) closeMapRun(e *entry, status MapRunStatus) {
	d := f.s.describe(e)
	d.Status, d.Stopped = status, f.now
	d.Running, d.Aborted = 0, d.Running
	d.Name = "" // it is derived
	if status != MapRunSucceeded {
		e.keepMapRun()
	}
	for _, sc := range e.running {
		if sc.cur != nil {
			f.cancelAttempt(sc.cur)
			sc.cur.phase = closed
		}
		sc.cur, sc.ended = nil, true
	}
	e.running, e.mapRun = nil, nil
	f.s.endedMapRuns = append(f.s.endedMapRuns, endedMapRun{MapRun: d, unknown: nil})
}

// MapRunUpdate changes an open MapRun. nil leaves a setting as it is.
type MapRunUpdate struct {
	ID                  int64 // event id of its MapRunStarted event
	Concurrency         *int64
	ToleratedCount      *int64
	ToleratedPercentage *float64
}

// mapRunUpdated applies an update.
func (f *stepper) mapRunUpdated(u *MapRunUpdate) Reply {
	e := f.find(func(e *entry) bool { return e.mapRun != nil && e.mapRun.id == u.ID })
	if e == nil {
		return Reply{Rejection: AlreadyEnded}
	}
	r := e.mapRun
	if u.Concurrency != nil {
		r.concurrency = f.clampConcurrency(*u.Concurrency)
	}
	if u.ToleratedCount != nil {
		r.toleratedCount = *u.ToleratedCount
	}
	if u.ToleratedPercentage != nil {
		r.toleratedPercentage = *u.ToleratedPercentage
	}
	f.noteProgress(e)
	f.checkTolerance(e)
	return Reply{}
}
