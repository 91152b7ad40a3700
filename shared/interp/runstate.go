package interp

import (
	"fmt"
	"math"
	"strconv"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// runState begins the work of the state's kind.
func (f *stepper) runState(e *entry) error {
	st := f.state(e)
	if !e.input.Loaded() {
		return needValue(e.input)
	}
	f.countBytes(e.input.Len())
	if e.resumed {
		return f.resume(e, st)
	}
	switch st.Kind {
	case flow.Pass, flow.Succeed:
		f.passThrough(e)
		return nil
	case flow.Wait:
		return f.runWait(e, st.Wait)
	case flow.Fail:
		return f.runFail(e, st.Fail)
	case flow.Choice:
		return f.runChoice(e, st)
	case flow.Parallel:
		f.fork(e, len(st.Parallel))
		return nil
	case flow.Map:
		return f.runMap(e, st)
	case flow.Task:
		return f.schedule(e, st)
	}
	panic("interp: unknown kind " + strconv.Itoa(int(st.Kind)))
}

// passThrough finishes a state that does no work. Timers call it, so it must not use the machine.
func (f *stepper) passThrough(e *entry) {
	e.result, e.phase = f.d.data.passed(e), finishing
}

// runWait sets the timer of a Wait state.
func (f *stepper) runWait(e *entry, w *flow.WaitSpec) error {
	due, err := f.dueTime(e, w)
	if err != nil {
		return err
	}
	if due <= f.clock {
		f.passThrough(e)
		return nil
	}
	e.due, e.phase = due, waiting
	return nil
}

func (f *stepper) dueTime(e *entry, w *flow.WaitSpec) (int64, error) {
	if w.Until != nil {
		v, err := f.build(w.Until, f.env(e, "timestamp"))
		if err != nil {
			return 0, err
		}
		text, _ := v.(string)
		at, err := flow.ParseTime(text)
		if err != nil {
			return 0, f.runtimeError("timestamp must be an RFC 3339 time, got " +
				value.Quote(string(value.Encode(v))))
		}
		if limit := f.d.wait.max(f.l, f.s.Express); at.UnixMilli()-f.now > limit*1000 {
			return 0, f.runtimeError(fmt.Sprintf("timestamp is more than %d seconds ahead", limit))
		}
		return at.UnixMilli(), nil
	}
	v, err := f.build(w.Seconds, f.env(e, "Seconds"))
	if err != nil {
		return 0, err
	}
	minSeconds, maxSeconds := f.d.wait.min, f.d.wait.max(f.l, f.s.Express)
	n, ok := wholeNumber(v, f.d.wait.texts)
	if !ok || n < minSeconds || n > maxSeconds {
		return 0, f.runtimeError(
			fmt.Sprintf("the time to wait must be a whole number from %d to %d, got %s",
				minSeconds, maxSeconds, value.Quote(string(value.Encode(v)))))
	}
	return f.now + n*1000, nil
}

// wholeNumber reads an integer; texts allows one in a string.
func wholeNumber(v any, texts bool) (int64, bool) {
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

// runFail runs a Fail state.
func (f *stepper) runFail(e *entry, spec *flow.FailSpec) error {
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
	if spec.Code == nil {
		texts[0] = f.d.errors.fail
	}
	f.fail(e, flow.Error{Name: texts[0], Cause: texts[1]})
	return nil
}

// runChoice chooses the first option whose condition is true.
func (f *stepper) runChoice(e *entry, st *flow.State) error {
	taken := len(st.Choice.Options)
	v := f.env(e, "")
	for i := range st.Choice.Options {
		v.site, v.draws = "Condition"+strconv.Itoa(i), 0
		ok, err := st.Choice.Options[i].Condition.Condition(v, &f.budget)
		if err != nil {
			return f.withLocation(e, "Branches["+strconv.Itoa(i)+"].Condition", err)
		}
		if ok {
			taken = i
			break
		}
	}
	e.option = taken
	if option(st, taken).Scope == nil {
		f.passThrough(e)
		return nil
	}
	e.total, e.cursor, e.pending = taken+1, taken, 1
	e.results = make([]*flow.Value, 1)
	e.phase = spawning
	return nil
}

// runMap runs a Map state: it evaluates the items and prepares one scope for each, or starts a
// MapRun over them, or over those that its ItemReader reads.
func (f *stepper) runMap(e *entry, st *flow.State) error {
	if d := st.Map.Distributed; d != nil && d.Reader != nil {
		return f.startMapRun(e, st, 0)
	}
	items, err := f.items(e, st)
	if err != nil {
		return err
	}
	f.countBytes(16 * len(items))
	var stored *flow.Value
	if st.Map.Items.Roots()&expr.Global != 0 || f.workSpent() > reloadWorkMax {
		// The items are stored if evaluating them again is wrong or expensive: other branches may
		// write to $Global before all items are opened, or the evaluation took long.
		what := "the list of state " + value.Quote(st.Name)
		if stored, err = f.valueWithin(items, math.MaxInt, what); err != nil {
			return err
		}
	}
	if st.Map.Distributed == nil {
		f.fork(e, len(items))
	} else if err := f.startMapRun(e, st, len(items)); err != nil {
		return err
	}
	e.items, e.storedItems = items[:e.total], stored
	return nil
}

// reloadWorkMax is the maximum work for evaluating the items of a Map again after the state was
// stored and decoded.
const reloadWorkMax = 2_000

func (f *stepper) items(e *entry, st *flow.State) ([]any, error) {
	v, err := st.Map.Items.Eval(f.env(e, "ItemsPath"), &f.budget)
	if err != nil {
		return nil, f.withLocation(e, "ItemsPath", err)
	}
	items, ok := v.([]any)
	if !ok {
		return nil, f.runtimeError("the items of " + value.Quote(f.state(e).Name) +
			" must be an array: " + st.Map.Items.String() + " gives none")
	}
	return items, nil
}
