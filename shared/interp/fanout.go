package interp

import (
	"math"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// fork prepares the entry for n inner scopes.
func (f *stepper) fork(e *entry, n int) {
	e.total, e.cursor, e.pending = n, 0, n
	e.results = make([]*flow.Value, n)
	e.phase = spawning
}

// concurrency returns the maximum number of open inner scopes.
func (f *stepper) concurrency(e *entry) int {
	st := f.state(e)
	switch {
	case f.l.Sequential:
		return 1
	case e.mapRun != nil:
		return e.mapRun.concurrency
	case st.Kind != flow.Map:
		return math.MaxInt
	}
	return f.d.concurrency(f.l, st.Map)
}

// canSpawn reports whether spawn has something to do.
func (f *stepper) canSpawn(e *entry) bool {
	r, w := e.reader(), e.writer()
	if w != nil && w.wantsWrite(e) || r != nil && r.wantsBlock(e) {
		return true
	}
	if e.pending == 0 && e.allRead() {
		return w == nil || w.done
	}
	if w != nil && w.congested() {
		return false
	}
	if r != nil && r.lacksBlocks() && f.state(e).Map.Distributed.Batch != nil {
		return false // the batch may go on in the next block
	}
	return e.mayOpen() && len(e.running) < f.concurrency(e)
}

// spawn opens the next inner scope, or joins the results if all inner scopes have ended.
func (f *stepper) spawn(e *entry) error {
	st := f.state(e)
	r, w := e.reader(), e.writer()
	switch {
	case w != nil && w.wantsWrite(e):
		return f.writeFile(e)
	case r != nil && r.wantsBlock(e):
		f.readBlock(e)
		return nil
	case e.pending == 0:
		return f.join(e, st)
	case e.mapRun != nil:
		return f.spawnChild(e, st)
	}
	if len(e.left) > 0 {
		return f.reopen(e, st)
	}
	input, err := f.scopeInput(e, st)
	if err != nil {
		return err
	}
	typ := f.d.events.scopeEntered[st.Kind]
	if typ != 0 {
		if err := f.checkEventLimit(1); err != nil {
			return err
		}
	}
	sc := &scope{owner: e, index: e.cursor, input: input, last: e.last}
	if st.Kind != flow.Choice {
		sc.last = e.startID
	}
	f.d.data.openScope(sc)
	if typ != 0 {
		sc.last = f.emit(flow.HistoryEvent{Type: typ, Schedule: sc.last, Node: e.node,
			Input: input, Local: sc.local})
	}
	e.cursor++
	e.running = append(e.running, sc)
	sc.target = f.spec(sc).Start
	return nil
}

// scopeInput returns the input of the next inner scope.
func (f *stepper) scopeInput(e *entry, st *flow.State) (*flow.Value, error) {
	if st.Kind != flow.Map {
		return e.input, nil
	}
	if err := f.reloadItems(e, st); err != nil {
		return nil, err
	}
	item := e.items[e.cursor]
	in, err := f.d.data.iterationInput(f, e, st.Map, item)
	if err != nil {
		return nil, err
	}
	return f.valueWithin(in, math.MaxInt, "an item of state "+value.Quote(st.Name))
}

// reloadItems sets the items of a Map again after the entry was stored and decoded.
func (f *stepper) reloadItems(e *entry, st *flow.State) (err error) {
	if r := e.reader(); r != nil {
		return r.loadBlocks()
	}
	if e.items != nil {
		return nil
	}
	var items []any
	if e.storedItems != nil {
		var tree any
		if tree, err = treeOf(e.storedItems); err == nil {
			items, _ = tree.([]any)
		}
	} else {
		// The evaluation is not counted as work, because a process that still has the items skips
		// it.
		spend := f.budget
		items, err = f.items(e, st)
		f.budget = spend
	}
	if err != nil {
		return err
	}
	if e.mapRun != nil && len(items) > e.total {
		items = items[:e.total] // by MaxItems
	}
	if len(items) != e.total {
		return f.runtimeError("the items of " + value.Quote(st.Name) +
			" have changed while they were run")
	}
	e.items = items
	return nil
}

// finish ends a scope that has run its last state.
func (f *stepper) finish(sc *scope) error {
	if sc.owner == nil {
		return f.succeed(sc)
	}
	e := sc.owner
	kind := f.state(e).Kind
	out, last := f.d.data.current(sc), sc.last
	if typ := f.d.events.scopeExited[kind]; typ != 0 {
		if err := f.checkEventLimit(1); err != nil {
			return err
		}
		last = f.emit(flow.HistoryEvent{Type: typ, Schedule: last, Node: e.node, Local: out})
	}
	i := sc.index
	if kind == flow.Choice {
		i = 0
	}
	e.results[i] = out
	e.pending--
	// Another branch may have finished later in the history but before this one. The event that
	// closes the state follows from the last.
	e.last = max(e.last, last)
	for i, r := range e.running {
		if r == sc {
			e.running = append(e.running[:i], e.running[i+1:]...)
			break
		}
	}
	sc.ended = true
	return nil
}

// join builds the result from the results of the inner scopes.
func (f *stepper) join(e *entry, st *flow.State) error {
	if e.writer() != nil {
		return f.joinWritten(e)
	}
	if err := e.unpack(f.s.blockSize()); err != nil {
		return err
	}
	size := 0
	for _, v := range e.results {
		size += v.Len() + 1
	}
	f.countBytes(size + 16*len(e.results))
	if size > f.l.ResultBytes {
		return f.dataLimitError("the result of state "+value.Quote(st.Name), f.l.ResultBytes)
	}
	var absent []*flow.Value
	for _, v := range e.results {
		if !v.Loaded() {
			absent = append(absent, v)
		}
	}
	if absent != nil {
		return needError{absent}
	}
	if err := f.checkDepth(e.results, st); err != nil {
		return err
	}
	if st.Kind == flow.Choice {
		e.result = e.results[0]
	} else {
		e.result = f.d.data.joined(st.Kind, e.results)
	}
	if e.mapRun != nil {
		f.closeMapRun(e, MapRunSucceeded)
	}
	e.results, e.items, e.storedItems, e.blocks = nil, nil, nil, nil
	e.phase = finishing
	return nil
}

// checkDepth checks that the joined result does not exceed the maximum depth, which every result
// may use up alone.
func (f *stepper) checkDepth(done []*flow.Value, st *flow.State) error {
	around := 0
	if st.Kind != flow.Choice {
		around = f.d.data.joinedDepth(st.Kind)
	}
	for _, v := range done {
		if value.ExceedsDepth(v.Text(), value.DepthMax-around) {
			return f.runtimeError("the result of state " + value.Quote(st.Name) + " is " +
				value.ErrDepth.Error())
		}
	}
	return nil
}

// appendList appends the results as a JSON array.
func appendList(text []byte, done []*flow.Value) []byte {
	text = append(text, '[')
	for i, v := range done {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, v.Text()...)
	}
	return append(text, ']')
}
