package interp

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// open makes the flow's own scope.
func (f *fold) open() error {
	input := f.s.Input
	if !input.Loaded() {
		return missing(input)
	}
	if f.m.Input != nil {
		tree, err := f.build(f.m.Input, &env{fold: f, site: "flow.input", input: input})
		if err != nil {
			return err
		}
		if input, err = f.sized(tree, "the input of the flow"); err != nil {
			return err
		}
	}
	f.s.root = &Scope{input: input, last: 1, at: f.m.Root.Start}
	if f.m.Language == flow.Steps {
		f.s.root.local = flow.Empty()
	}
	return nil
}

// enter opens the scope's next state.
func (f *fold) enter(sc *Scope) {
	st := f.spec(sc).States[sc.at]
	sc.entries++
	e := &Entry{scope: sc, node: st.Node, count: sc.entries, phase: entered}
	ev := flow.HistoryEvent{Type: flow.StateEntered, Schedule: sc.last, Node: st.Node, Input: sc.input}
	if f.m.Language == flow.Steps {
		ev.Type, ev.Local = flow.StepEntered, sc.local
	}
	e.id = f.emit(ev)
	e.last = e.id
	sc.cur = e
}

// start builds the state's input.
func (f *fold) start(e *Entry) error {
	input, err := f.input(e)
	if err != nil {
		e.noRetry(err)
		return err
	}
	if input.Len() > f.l.Data(f.m.Language) {
		return f.tooLarge("the input of state "+value.Quote(f.state(e).Name), f.l.Data(f.m.Language))
	}
	e.input = input
	typ := flow.StateStarted
	if f.m.Language == flow.Steps {
		typ = flow.StepStarted
	}
	e.begun = f.emit(flow.HistoryEvent{Type: typ, Schedule: e.id, Node: e.node, Input: input})
	e.last = e.begun
	e.phase = beginning
	return nil
}

// noRetry marks an error of the entry that would repeat itself.
func (e *Entry) noRetry(err error) {
	if _, need := err.(needError); !need {
		e.final = true
	}
}

// work begins the state's own work.
func (f *fold) work(e *Entry) error {
	st := f.state(e)
	if !e.input.Loaded() {
		return missing(e.input)
	}
	switch st.Kind {
	case flow.Pass, flow.Succeed:
		f.passed(e)
		return nil
	case flow.Wait:
		return f.wait(e, st.Wait)
	case flow.Fail:
		return f.raise(e, st.Fail)
	case flow.Choice:
		return f.choose(e, st)
	case flow.Parallel:
		f.fan(e, len(st.Parallel))
		return nil
	case flow.Map:
		return f.loop(e, st)
	case flow.Task:
		return f.schedule(e, st)
	}
	panic("interp: unknown kind " + strconv.Itoa(int(st.Kind)))
}

// passed ends the work of a state that does none.
func (f *fold) passed(e *Entry) {
	e.result = e.input
	if f.m.Language == flow.Steps {
		e.result = flow.Empty()
	}
	e.phase = finishing
}

// wait sets the timer.
func (f *fold) wait(e *Entry, w *flow.WaitSpec) error {
	due, err := f.dueTime(e, w)
	if err != nil {
		return err
	}
	if due <= f.clock {
		f.passed(e)
		return nil
	}
	e.due, e.phase = due, waiting
	return nil
}

func (f *fold) dueTime(e *Entry, w *flow.WaitSpec) (int64, error) {
	if w.Until != nil {
		v, err := f.build(w.Until, f.env(e, "timestamp"))
		if err != nil {
			return 0, err
		}
		text, _ := v.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return 0, f.runtime("timestamp must be an RFC 3339 time, got " + value.Quote(string(value.Encode(v))))
		}
		if limit := f.l.WaitSecondsOld; at.UnixMilli()-f.now > limit*1000 {
			return 0, f.runtime(fmt.Sprintf("timestamp is more than %d seconds ahead", limit))
		}
		return at.UnixMilli(), nil
	}
	v, err := f.build(w.Seconds, f.env(e, "Seconds"))
	if err != nil {
		return 0, err
	}
	least, most := int64(1), f.l.WaitSeconds
	if f.s.Express {
		most = f.l.WaitSecondsExpr
	}
	if f.m.Language == flow.Steps {
		least, most = 0, f.l.WaitSecondsOld
	}
	n, ok := seconds(v, f.m.Language == flow.Steps)
	if !ok || n < least || n > most {
		return 0, f.runtime(fmt.Sprintf("the time to wait must be a whole number from %d to %d, got %s", least, most, value.Quote(string(value.Encode(v)))))
	}
	return f.now + n*1000, nil
}

// seconds reads a whole number, in texts only where they are allowed.
func seconds(v any, texts bool) (int64, bool) {
	switch v := v.(type) {
	case value.Number:
		return value.Int(v)
	case string:
		if texts {
			n, err := strconv.ParseInt(v, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// raise is a Fail state.
func (f *fold) raise(e *Entry, spec *flow.FailSpec) error {
	var texts [2]string
	for i, t := range []*expr.Template{spec.Code, spec.Detail} {
		if t == nil {
			continue
		}
		v, err := f.build(t, f.env(e, [...]string{"Code", "Detail"}[i]))
		if err != nil {
			return err
		}
		if text, ok := v.(string); ok {
			texts[i] = text
		} else {
			texts[i] = string(value.Encode(v))
		}
	}
	if spec.Code == nil && f.m.Language == flow.States {
		texts[0] = flow.ErrFail
	}
	f.fail(e, flow.Error{Name: texts[0], Cause: texts[1]})
	return nil
}

// choose takes the first option whose condition is true.
func (f *fold) choose(e *Entry, st *flow.State) error {
	taken := len(st.Choice.Options)
	for i := range st.Choice.Options {
		f.refill()
		ok, err := st.Choice.Options[i].Condition.Condition(f.env(e, "Condition"+strconv.Itoa(i)), &f.spend)
		if err != nil {
			return f.located(e, "Branches["+strconv.Itoa(i)+"].Condition", err)
		}
		if ok {
			taken = i
			break
		}
	}
	e.option = taken
	if option(st, taken).Scope == nil {
		f.passed(e)
		return nil
	}
	e.total, e.cursor, e.missing = taken+1, taken, 1
	e.done = make([]*flow.Value, 1)
	e.phase = spawning
	return nil
}

// loop is a Map: it finds the items and opens them.
func (f *fold) loop(e *Entry, st *flow.State) error {
	if st.Map.Distributed {
		f.fail(e, flow.Error{Name: flow.ErrMapRunNotSupported,
			Cause: "the distributed mode of Map is not supported yet; leave ProcessorConfig out to run the items inside this execution"})
		return nil
	}
	items, err := f.items(e, st)
	if err != nil {
		return err
	}
	e.items = items
	if st.Map.Items.Roots()&expr.Global != 0 {
		// Other branches may write to $Global before all items are opened.
		e.list = flow.NewValue(items)
	}
	f.fan(e, len(items))
	return nil
}

func (f *fold) items(e *Entry, st *flow.State) ([]any, error) {
	f.refill()
	v, err := st.Map.Items.Eval(f.env(e, "ItemsPath"), &f.spend)
	if err != nil {
		return nil, f.located(e, "ItemsPath", err)
	}
	items, ok := v.([]any)
	if !ok {
		return nil, f.runtime("the items of " + value.Quote(f.state(e).Name) + " must be an array: " + st.Map.Items.String() + " gives none")
	}
	return items, nil
}

// fan prepares n scopes.
func (f *fold) fan(e *Entry, n int) {
	e.total, e.cursor, e.missing = n, 0, n
	e.done = make([]*flow.Value, n)
	e.phase = spawning
}

// width is how many scopes may be open at once.
func (f *fold) width(st *flow.State) int {
	switch {
	case f.l.Sequential:
		return 1
	case st.Kind != flow.Map:
		return math.MaxInt
	case f.m.Language == flow.Steps:
		return f.l.IterationsOld
	case st.Map.Concurrency == 0:
		return f.l.MapConcurrency
	}
	return min(st.Map.Concurrency, f.l.MapConcurrencyMax)
}

// spawn opens the next scope inside a state, or puts the results together when all have ended.
func (f *fold) spawn(e *Entry) error {
	st := f.state(e)
	if e.missing == 0 {
		return f.collect(e, st)
	}
	input, err := f.childInput(e, st)
	if err != nil {
		return err
	}
	sc := &Scope{owner: e, index: e.cursor, input: input, last: e.last}
	if st.Kind != flow.Choice {
		sc.last = e.begun
	}
	if f.m.Language == flow.Steps {
		sc.local = flow.Empty()
		if typ := enteredType(st.Kind); typ != 0 {
			sc.last = f.emit(flow.HistoryEvent{Type: typ, Schedule: sc.last, Node: e.node, Input: input, Local: sc.local})
		}
	}
	e.cursor++
	e.running = append(e.running, sc)
	sc.at = f.spec(sc).Start
	return nil
}

func enteredType(k flow.Kind) flow.EventType {
	switch k {
	case flow.Parallel:
		return flow.BranchEntered
	case flow.Map:
		return flow.IterationEntered
	}
	return 0
}

// childInput is what the next scope inside starts with.
func (f *fold) childInput(e *Entry, st *flow.State) (*flow.Value, error) {
	if st.Kind != flow.Map {
		return e.input, nil
	}
	if err := f.itemsAgain(e, st); err != nil {
		return nil, err
	}
	item := e.items[e.cursor]
	if f.m.Language == flow.States {
		return flow.NewValue(item), nil
	}
	if !e.input.Loaded() {
		return nil, missing(e.input)
	}
	own, _ := e.input.Object()
	in := make(map[string]any, len(own)+2)
	for k, v := range own {
		in[k] = v
	}
	in[st.Map.Item] = item
	if st.Map.Index != "" {
		in[st.Map.Index] = value.FromInt(int64(e.cursor))
	}
	return flow.NewValue(in), nil
}

// itemsAgain finds the items of a Map that has been stored and read again.
func (f *fold) itemsAgain(e *Entry, st *flow.State) (err error) {
	if e.items != nil {
		return nil
	}
	var items []any
	if e.list != nil {
		var tree any
		if tree, err = loaded(e.list); err == nil {
			items, _ = tree.([]any)
		}
	} else {
		items, err = f.items(e, st)
	}
	if err != nil {
		return err
	}
	if len(items) != e.total {
		return f.runtime("the items of " + value.Quote(st.Name) + " have changed while they were run")
	}
	e.items = items
	return nil
}

// finish ends a scope that has run its last state.
func (f *fold) finish(sc *Scope) error {
	if sc.owner == nil {
		return f.succeed(sc)
	}
	e := sc.owner
	out := sc.input
	last := sc.last
	if f.m.Language == flow.Steps {
		out = sc.local
		if k := f.state(e).Kind; k != flow.Choice {
			typ := flow.BranchExited
			if k == flow.Map {
				typ = flow.IterationExited
			}
			last = f.emit(flow.HistoryEvent{Type: typ, Schedule: last, Node: e.node, Local: out})
		}
	}
	i := sc.index
	if f.state(e).Kind == flow.Choice {
		i = 0
	}
	e.done[i] = out
	e.missing--
	e.last = last
	for i, r := range e.running {
		if r == sc {
			e.running = append(e.running[:i], e.running[i+1:]...)
			break
		}
	}
	sc.over = true
	return nil
}

// collect puts the results of the scopes inside together.
func (f *fold) collect(e *Entry, st *flow.State) error {
	if err := e.unpack(); err != nil {
		return err
	}
	size := 0
	for _, v := range e.done {
		size += v.Len() + 1
	}
	if size > f.l.ResultBytes {
		return f.tooLarge("the result of state "+value.Quote(st.Name), f.l.ResultBytes)
	}
	var absent []*flow.Value
	for _, v := range e.done {
		if !v.Loaded() {
			absent = append(absent, v)
		}
	}
	if absent != nil {
		return needError{absent}
	}
	switch {
	case st.Kind == flow.Choice:
		e.result = e.done[0]
	case st.Kind == flow.Parallel && f.m.Language == flow.States:
		e.result = branchResults(e.done)
	default:
		list := itemResults(e.done)
		if f.m.Language == flow.States {
			list = append(append([]byte(`{"Items":`), list...), '}')
		}
		e.result = flow.TextValue(list)
	}
	e.done, e.items, e.list, e.blocks = nil, nil, nil, nil
	e.phase = finishing
	return nil
}

func itemResults(done []*flow.Value) []byte {
	text := []byte{'['}
	for i, v := range done {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, v.Text()...)
	}
	return append(text, ']')
}

func branchResults(done []*flow.Value) *flow.Value {
	members := make(map[string]any, len(done))
	for i, v := range done {
		members["Branch"+strconv.Itoa(i)] = v.Tree()
	}
	return flow.NewValue(members)
}
