package interp

import (
	"fmt"
	"math"
	"strconv"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// work begins the state's own work.
func (f *fold) work(e *entry) error {
	st := f.state(e)
	if !e.input.Loaded() {
		return missing(e.input)
	}
	f.write(e.input.Len())
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

// passed ends the work of a state whose result is its input, or nothing in the older language.
func (f *fold) passed(e *entry) {
	e.result = e.input
	if f.s.Language == flow.Steps {
		e.result = flow.Empty()
	}
	e.phase = finishing
}

// wait sets the timer.
func (f *fold) wait(e *entry, w *flow.WaitSpec) error {
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

func (f *fold) dueTime(e *entry, w *flow.WaitSpec) (int64, error) {
	if w.Until != nil {
		v, err := f.build(w.Until, f.env(e, "timestamp"))
		if err != nil {
			return 0, err
		}
		text, _ := v.(string)
		at, err := flow.ParseTime(text)
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
func (f *fold) raise(e *entry, spec *flow.FailSpec) error {
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
func (f *fold) choose(e *entry, st *flow.State) error {
	taken := len(st.Choice.Options)
	v := f.env(e, "")
	for i := range st.Choice.Options {
		v.site, v.draws = "Condition"+strconv.Itoa(i), 0
		ok, err := st.Choice.Options[i].Condition.Condition(v, &f.spend)
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
func (f *fold) loop(e *entry, st *flow.State) error {
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
	f.write(16 * len(items))
	if st.Map.Items.Roots()&expr.Global != 0 || f.spent() > itemsAgainMax {
		// Other branches may write to $Global before all items are opened; and what took long is
		// not done again.
		if e.list, err = f.measured(items, math.MaxInt, "the list of state "+value.Quote(st.Name)); err != nil {
			return err
		}
	}
	f.fan(e, len(items))
	return nil
}

// itemsAgainMax is how much work it may be to find the items of a Map, for them to be found again
// after the state has been stored and read.
const itemsAgainMax = 2_000

func (f *fold) items(e *entry, st *flow.State) ([]any, error) {
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
