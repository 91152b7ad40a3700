package reference

import (
	"fmt"
	"slices"
	"strings"
)

// The StateMachine language: what a state does from its entry to its end, step by step
// (docs/statemachine.md#data-flow).

// tooLarge is the panic value for data that exceeds the limit of a state: no rule can catch it.
type tooLarge struct{ what string }

func (c *checker) sized(v any, what string) any {
	limit := c.out.Limits.Data
	if c.probing {
		limit -= slack(v)
	}
	if sizeMax(v) > limit && len(text(v)) > limit {
		panic(tooLarge{what})
	}
	return v
}

// machine runs the outermost scope and ends the execution.
func (t *thread) machine() (any, *failure) {
	c := t.c
	out, err := t.scope(c.definition, c.input, &c.place)
	c.failed = err
	t.peek(want{t.last, "ExecutionSucceeded", ""}, want{t.last, "ExecutionFailed", ""})
	if err == nil {
		if _, ok := c.sized(out, "the output of the execution").(object); !ok && c.context.Map == "" {
			err = &failure{Failure: Failure{Name: errExpression}, free: true}
		}
	}
	t.endExecution(out, err)
	return nil, nil
}

func (t *thread) endExecution(out any, err *failure) {
	c := t.c
	c.ended = true
	if err != nil {
		t.failsWith(t.take("ExecutionFailed", pageErrors+", "+v1Catch), err)
		return
	}
	c.succeeded = true
	c.detail(t.take("ExecutionSucceeded", pageData+", "+v1Document),
		pageData+", "+v1Document, object{"output": out})
}

// failsWith compares an event's error with the expected one and returns the event's error.
func (t *thread) failsWith(e *Event, err *failure) *failure {
	const rule = pageErrors + ", " + pageNames + ", " + v1Names
	name, cause := t.c.errorOf(e)
	if want := cut(err.Name, 128); name != want {
		t.c.violate(e, rule, "the error must be %q, not %q (%s)", want, name, err.Cause)
	}
	if want := cut(err.Cause, 4096); !err.free && cause != want {
		if diff := t.c.drawn.match(want, cause); diff != "" {
			t.c.violate(e, rule, "the cause%s", diff)
		}
	}
	shown := *err
	shown.Name, shown.Cause, shown.free = name, cause, false
	return &shown
}

// scope runs a list of states, beginning with its first one, or where an earlier life has left it.
func (t *thread) scope(list object, input any, p *place) (any, *failure) {
	at := textField(list, "StartAt")
	if p.begun {
		at, input = p.at, p.input
	}
	for !p.done {
		if len(p.targets) > 1 { // a drawn value decides
			at = t.peekAny(p.targets).Step
		}
		st := stateNamed(list, at)
		if st == nil {
			panic(&Unjudged{"a state that is not there: " + at})
		}
		out, targets, err := t.state(st, input, p, p.enter(at, 0, input, nil))
		if err != nil {
			return nil, err
		}
		*p = place{begun: true, input: out, targets: targets, done: targets == nil}
		if input = out; targets != nil {
			at = targets[0]
			p.at = at
		}
	}
	return p.input, nil
}

func stateNamed(list object, name string) object {
	for _, s := range listField(list, "States") {
		if textField(s.(object), "Name") == name {
			return s.(object)
		}
	}
	return nil
}

// state runs one state. It returns the input of the next state, and the names of the states that
// may be next; none at the end of the scope.
func (t *thread) state(st object, raw any, p *place, old *visit) (
	out any, targets []string, err *failure,
) {
	c := t.c
	name := textField(st, "Name")
	e := t.peek(want{t.last, "StateEntered", name})
	t.take("StateEntered", pageHistory)
	v := &visit{t: t, name: name, id: e.ID, last: e.ID, used: map[int]int{}}
	v.raw = c.detail(e, pageData, object{"input": raw})["input"]
	kind := textField(st, "Type")
	v.contains = kind == "Parallel" || kind == "Map"
	v.resume(old)
	p.open = v
	t.open = append(t.open, v)
	defer func() { t.open = t.open[:len(t.open)-1] }()

	if err := t.begin(st, v); err != nil {
		return t.failed(st, v, err)
	}
	for {
		result, done := v.kept()
		var err *failure
		if !done {
			result, err = t.work(st, v)
		}
		if err == nil {
			v.noteResult(result)
			out, targets, err := t.leave(st, v, result)
			if err == nil {
				return out, targets, nil
			}
			v.unfinished()
			if !t.retried(listField(st, "Retry"), v, err) {
				return t.failed(st, v, err)
			}
		} else if !t.retried(listField(st, "Retry"), v, err) {
			return t.failed(st, v, err)
		}
	}
}

// env returns the roots that expressions of a state can read. extra holds roots that exist
// only in some fields.
func (t *thread) env(v *visit, input any, extra object) *scope {
	c := t.c
	current := object{"Name": v.name, "Input": input, "RetryCount": number(int64(v.retries))}
	roots := object{"Input": input, "Global": c.drawn.settle(c.globals)}
	for k, x := range extra {
		current[k] = x
		if k == "Output" {
			roots["Output"] = x
		}
	}
	roots["Context"] = object{
		"Execution": object{"Name": c.context.Execution, "Input": c.input,
			"RoleArn": c.context.RoleArn},
		"Workflow": object{"Flow": c.context.Flow, "AccountId": c.context.Account,
			"Region": c.context.Region},
		"Current": current,
	}
	return &scope{roots, c.drawn}
}

// begin builds the state's input.
func (t *thread) begin(st object, v *visit) *failure {
	t.peek(want{v.last, "", v.name})
	input := v.raw
	if known, ok := v.knownInput(); ok {
		input = known
	} else if template := objectField(st, "InputConstructor"); template != nil {
		built, err := evaluate(errExpression, func() any {
			return built(template, t.env(v, v.raw,
				nil))
		})
		if err != nil {
			err.permanent = true
			return err
		}
		input = built
	}
	t.c.sized(input, "the input of state "+v.name)
	e := t.take("StateStarted", pageData+", "+pageHistory)
	v.begun = e.ID
	v.setInput(t.c.detail(e, pageData+", "+pageExpressions, object{"input": input})["input"])
	t.c.sized(v.input, "the input of state "+v.name)
	return nil
}

// work does the state's own work.
func (t *thread) work(st object, v *visit) (any, *failure) {
	switch kind := textField(st, "Type"); kind {
	case "Pass", "Succeed", "Choice":
		return v.input, nil
	case "Wait":
		return v.input, t.wait(st, v)
	case "Fail":
		return nil, t.runFail(st, v)
	case "Task":
		return t.task(st, v)
	case "Parallel":
		return t.parallel(st, v)
	case "Map":
		return t.loop(st, v)
	default:
		panic(&Unjudged{"state type " + kind})
	}
}

// peekOf waits for the next event of a state. That may be the entry of the first branch or
// iteration inside it.
func (t *thread) peekOf(st object, v *visit) *Event {
	wants := []want{{v.last, "", v.name}}
	inside := objectField(st, "Processor")
	if list := listField(st, "Branches"); textField(st, "Type") == "Parallel" {
		inside = list[0].(object)
	}
	switch {
	case inside != nil && v.old != nil && v.old.fork != nil:
		wants = append(wants, want{v.begun, "StateEntered", ""})
	case inside != nil:
		wants = append(wants, want{v.begun, "StateEntered", textField(inside, "StartAt")})
	}
	return t.peek(wants...)
}

// field evaluates a single field that may have the suffix .$; it returns false if there is none.
func (t *thread) field(st object, name string, v *visit) (any, bool, *failure) {
	if e, ok := st[name+".$"]; ok && e != nil {
		got, err := evaluate(errExpression, func() any {
			return suffixed(e, t.env(v, v.input,
				nil))
		})
		return got, true, err
	}
	got, ok := st[name]
	return got, ok && got != nil, nil
}

// wait runs a Wait.
func (t *thread) wait(st object, v *visit) *failure {
	t.peek(want{v.last, "", v.name})
	got, _, err := t.field(st, "Seconds", v)
	if err != nil {
		return err
	}
	n, ok := whole(got)
	if !ok || n < 1 || n > t.c.out.Limits.WaitSeconds {
		return &failure{Failure: Failure{Name: errExpression}, free: true}
	}
	t.due = t.lastTime + n*1000
	return nil
}

// runFail runs a Fail.
func (t *thread) runFail(st object, v *visit) *failure {
	t.peek(want{v.last, "", v.name})
	texts := [2]string{"FnF.Fail", ""}
	for i, name := range [...]string{"Code", "Detail"} {
		got, there, err := t.field(st, name, v)
		if err != nil {
			return err
		}
		if s, ok := got.(string); ok {
			texts[i] = s
		} else if there {
			texts[i] = text(got)
		}
	}
	return &failure{Failure: Failure{texts[0], texts[1]}}
}

// parallel runs a Parallel.
func (t *thread) parallel(st object, v *visit) (any, *failure) {
	list := listField(st, "Branches")
	t.peekOf(st, v)
	results, err := t.branches(len(list), len(list), func(child *thread, i int) (any, *failure) {
		return child.scope(list[i].(object), v.input, child.place)
	})
	out := object{}
	for i, r := range results {
		out[fmt.Sprintf("Branch%d", i)] = r
	}
	return t.joined(out, err)
}

// joined returns the combined results of branches.
func (t *thread) joined(v any, err *failure) (any, *failure) {
	if err != nil {
		return nil, err
	}
	return evaluate(t.c.runtime(), func() any { return v })
}

// runtime returns the name of the errors that are found while a state runs.
func (c *checker) runtime() string {
	if c.flowV1 {
		return errRuntime
	}
	return errExpression
}

// loop runs an inline Map.
func (t *thread) loop(st object, v *visit) (any, *failure) {
	if objectField(st, "ProcessorConfig") != nil {
		panic(&Unjudged{"a distributed Map"})
	}
	c, limits := t.c, t.c.out.Limits
	processor := objectField(st, "Processor")
	at, before := v.last, c.drawn.settle(c.globals)
	t.peekOf(st, v)
	path := textField(st, "ItemsPath")
	got, err := evaluate(errExpression, func() any {
		return array(parsed.get(path)(t.env(v,
			v.input, nil)))
	})
	if strings.Contains(path, "$Global") && t.got.ID != at+1 && !equal(before,
		c.drawn.settle(c.globals)) {
		// Another branch wrote $Global, and the history does not show which came first.
		panic(&Unjudged{"ItemsPath that reads $Global while another branch writes it"})
	}
	if err != nil {
		return nil, err
	}
	items := got.([]any)
	width, given := int64(limits.MapConcurrency), false
	// the second is how one page spells it
	for _, name := range []string{"MaxConcurrency", "MaxConcuccency"} {
		if n, ok := whole(st[name]); ok && n > 0 && !given {
			width, given = min(n, int64(limits.MapConcurrencyMax)), true
		}
	}
	results, err := t.branches(len(items), int(width), func(child *thread, i int) (any, *failure) {
		return child.scope(processor, items[i], child.place)
	})
	return t.joined(object{"Items": results}, err)
}

// leave builds the output. targets are the states that may be next.
func (t *thread) leave(st object, v *visit, result any) (out any, targets []string, err *failure) {
	c := t.c
	t.peekOf(st, v)
	kind := textField(st, "Type")
	if end, _ := st["End"].(bool); kind == "Choice" {
		if targets, err = t.choose(st, v); err != nil {
			return nil, nil, err
		}
	} else if !end && kind != "Succeed" {
		targets = []string{textField(st, "Next")}
	}
	extra := object{"Output": result}
	out = result
	if template := objectField(st, "OutputConstructor"); template != nil {
		if out, err = evaluate(errExpression, func() any {
			return built(template, t.env(v, v.input,
				extra))
		}); err != nil {
			return nil, nil, err
		}
	}
	globals := object{}
	if template := objectField(st, "GlobalConstructor"); template != nil {
		made, err := evaluate(errExpression, func() any {
			return built(template, t.env(v, v.input,
				extra))
		})
		if err != nil {
			return nil, nil, err
		}
		globals = made.(object)
	}
	c.sized(out, "the output of state "+v.name)
	e := t.take("StateSucceeded", pageData+", "+pageHistory)
	out = c.detail(e, pageData+", "+pageExpressions, object{"output": out})["output"]
	c.sized(out, "the output of state "+v.name)
	c.globals = overlay(c.globals, globals)
	return out, targets, nil
}

// peekAny waits for the entry of one of several states.
func (t *thread) peekAny(targets []string) *Event {
	var wants []want
	for _, name := range targets {
		wants = append(wants, want{t.last, "StateEntered", name})
	}
	return t.peek(wants...)
}

// choose runs a Choice. It returns the possible targets: one, unless a drawn value decides.
func (t *thread) choose(st object, v *visit) ([]string, *failure) {
	var targets []string
	for _, b := range listField(st, "Branches") {
		b := b.(object)
		got, err := evaluate(errExpression, func() any {
			got := parsed.get(textField(b, "Condition"))(t.env(v, v.input, nil))
			if _, ok := got.(undetermined); ok {
				return got
			}
			return boolean(got)
		})
		if err != nil {
			if len(targets) > 0 && t.got.Type != "StateFailed" {
				return targets, nil // an earlier rule was true, by chance
			}
			return nil, err
		}
		if got != any(false) && !slices.Contains(targets, textField(b, "Next")) {
			targets = append(targets, textField(b, "Next"))
		}
		if got == any(true) {
			return targets, nil
		}
	}
	if name := textField(st, "Default"); !slices.Contains(targets, name) {
		targets = append(targets, name)
	}
	return targets, nil
}
