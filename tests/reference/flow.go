package reference

import (
	"strconv"
	"time"
)

// The FlowV1 language: docs/flowv1.md.

// flow runs the steps of the flow and ends the execution.
func (t *thread) flow() (any, *failure) {
	c := t.c
	input := c.input
	if m := listField(c.definition, "inputMappings"); len(m) > 0 {
		input = mapped(m, rootsV1{c.input, absent{}, t.contextV1(nil, nil)})
	}
	local, err := t.steps(listField(c.definition, "steps"), input, &c.place)
	c.failed = err
	t.peek(want{t.last, "ExecutionSucceeded", ""}, want{t.last, "ExecutionFailed", ""})
	var out any = local
	if m := listField(c.definition, "outputMappings"); len(m) > 0 && err == nil {
		out = mapped(m, rootsV1{input, local, t.contextV1(nil, nil)})
	}
	if err == nil {
		c.sized(out, "the output of the execution")
	}
	t.endExecution(out, err)
	return nil, nil
}

// contextV1 returns $context (2.6).
func (t *thread) contextV1(st object, v *visit) object {
	c := t.c
	out := object{"flow": object{"name": c.context.Flow, "id": c.context.Flow},
		"execution": object{"name": c.context.Execution, "id": c.context.Execution,
			"startedTime": time.UnixMilli(c.started).UTC().Format("2006-01-02T15:04:05.000Z")}}
	if v == nil {
		return out
	}
	out["step"] = object{"name": v.name, "eventId": number(v.id)}
	if textField(st, "pattern") == "waitForCallback" {
		out["task"] = object{"token": v.token}
	}
	return out
}

// steps runs a list of steps and returns its local data (3, "Going on").
func (t *thread) steps(list []any, input any, p *place) (object, *failure) {
	local, i := object{}, 0
	if p.begun {
		local, i = p.local, p.index
	}
	for !p.done && i < len(list) {
		st := list[i].(object)
		next, err := t.step(st, input, &local, p, p.enter("", i, input, local))
		if err != nil {
			return nil, err
		}
		end, _ := st["end"].(bool)
		switch {
		case next != "":
			i = indexOf(list, next)
		case end || textField(st, "type") == "succeed":
			i = len(list)
		default:
			i++
		}
		*p = place{begun: true, index: i, input: input, local: local}
	}
	*p = place{begun: true, index: i, input: input, local: local, done: true}
	return local, nil
}

func indexOf(list []any, name string) int {
	for i := range list {
		if textField(list[i].(object), "name") == name {
			return i
		}
	}
	panic(&Unjudged{"a goto to a step that is not there: " + name})
}

// step runs one step and merges its output into the local data of its list. next is the target of a
// goto.
func (t *thread) step(st object, parent any, local *object, p *place, old *visit) (
	next string, err *failure,
) {
	c := t.c
	name := textField(st, "name")
	t.peek(want{t.last, "StepEntered", name})
	e := t.take("StepEntered", pageHistory)
	v := &visit{t: t, name: name, id: e.ID, last: e.ID, used: map[int]int{}, token: c.drawn.token()}
	c.detail(e, v1Data+", "+pageHistory, object{"input": parent, "local": *local})
	kind := textField(st, "type")
	v.contains = kind == "parallel" || kind == "foreach"
	v.resume(old)
	p.open = v
	t.open = append(t.open, v)
	defer func() { t.open = t.open[:len(t.open)-1] }()

	t.peek(want{v.last, "", name})
	var input any = overlay(parent, *local)
	if known, ok := v.knownInput(); ok {
		input = known
	} else if m := listField(st, "inputMappings"); len(m) > 0 {
		if input, err = t.mapped(m, rootsV1{parent, *local, t.contextV1(st, v)}); err != nil {
			err.permanent = true
			return t.stepFailed(st, v, err, local)
		}
	}
	c.sized(input, "the input of step "+name)
	e = t.take("StepStarted", pageHistory)
	v.begun = e.ID
	v.setInput(c.detail(e, v1Data+", "+v1Mappings, object{"input": input})["input"])
	for {
		result, done := v.kept()
		if done {
			next, err = textField(v.old.taken, "goto"), nil
		} else {
			result, next, err = t.body(st, v)
		}
		if err == nil {
			v.noteResult(result)
			if v.taken == nil && v.old != nil {
				v.taken = v.old.taken
			}
			if err = t.exit(st, v, result, local); err == nil {
				return next, nil
			}
			v.unfinished()
		}
		if !t.retried(listField(st, "retry"), v, err) {
			return t.stepFailed(st, v, err, local)
		}
	}
}

// body does the work of a step. It returns the step's $local and the target of a choice.
func (t *thread) body(st object, v *visit) (any, string, *failure) {
	switch kind := textField(st, "type"); kind {
	case "pass", "succeed":
		return object{}, "", nil
	case "wait":
		return object{}, "", t.waitV1(st, v)
	case "fail":
		return nil, "", &failure{Failure: Failure{textField(st, "error"), textField(st, "cause")}}
	case "choice":
		return t.option(st, v)
	case "parallel":
		list := listField(st, "branches")
		got, err := t.lists(len(list), len(list), v, "Branch", func(i int) ([]any, any) {
			return listField(list[i].(object), "steps"), v.input
		})
		return got, "", err
	case "foreach":
		got, err := t.foreach(st, v)
		return got, "", err
	case "task":
		got, err := t.taskV1(st, v)
		return got, "", err
	default:
		panic(&Unjudged{"step type " + kind})
	}
}

// exit ends a step that did not fail.
func (t *thread) exit(st object, v *visit, result any, local *object) *failure {
	c, limit := t.c, t.c.out.Limits.Data
	t.peek(want{v.last, "", v.name})
	out := result
	kind := textField(st, "type")
	mappings := listField(st, "outputMappings")
	switch _, isObject := result.(object); {
	case len(mappings) > 0:
		var err *failure
		roots := rootsV1{v.input, result, t.contextV1(st, v)}
		if out, err = t.mapped(mappings, roots); err != nil {
			return err
		}
	case kind == "parallel" || kind == "foreach":
		out = object{}
	case !isObject:
		return &failure{Failure: Failure{Name: errLocal}, free: true}
	}
	merged := overlay(*local, out)
	size := 0
	if sizeMax(v.input)+sizeMax(out)+sizeMax(result) > limit || sizeMax(merged) > limit {
		size = len(text(v.input)) + len(text(out))
		if len(mappings) > 0 || kind == "parallel" || kind == "foreach" {
			size += len(text(result))
		}
	}
	if size > limit || sizeMax(merged) > limit && len(text(merged)) > limit {
		panic(tooLarge{"input, local data and output of step " + v.name})
	}
	c.detail(t.take("StepSucceeded", v1Steps+", "+pageHistory), v1Data+", "+v1Mappings,
		object{"output": out})
	t.peek(want{v.last, "", v.name})
	*local = merged
	c.detail(t.take("StepExited", pageHistory), v1Data, object{"local": merged})
	return nil
}

// stepFailed handles a step that has no retry left.
func (t *thread) stepFailed(st object, v *visit, err *failure, local *object) (string, *failure) {
	c := t.c
	t.peek(want{v.last, "", v.name})
	catch := c.catching(listField(st, "catch"), "errors", err.Name)
	_, cause := c.peekError(t.got)
	shown := *err
	if err.free {
		shown.Cause = cause
	}
	merged := *local
	if m := listField(st, "errorMappings"); catch != nil && len(m) > 0 {
		out := c.sized(mapped(m, rootsV1{v.input, object{"error": shown.Name, "code": shown.Name,
			"cause": shown.Cause}, t.contextV1(st, v)}),
			"what errorMappings build")
		merged = overlay(*local, out)
		c.sized(merged, "the local data after step "+v.name)
	}
	err = t.failsWith(t.take("StepFailed", v1Retry+", "+v1Catch+", "+pageHistory), err)
	if catch == nil {
		err.timeout, err.permanent = false, false
		return "", err
	}
	t.peek(want{v.last, "", v.name})
	*local = merged
	c.detail(t.take("StepExited", v1Catch+", "+pageHistory), v1Catch,
		object{"local": merged})
	return textField(catch, "goto"), nil
}

// mapped evaluates the mappings of a step.
func (t *thread) mapped(mappings []any, r rootsV1) (any, *failure) {
	return evaluate(errRuntime, func() any { return mapped(mappings, r) })
}

func (t *thread) runtimeV1() *failure {
	return &failure{Failure: Failure{Name: errRuntime}, free: true}
}

// dollar evaluates a field that may be a path on the step's input.
func dollar(field any, input any) any {
	if s, ok := field.(string); ok && len(s) > 0 && s[0] == '$' {
		if got := along(input, s[1:]); got != any(absent{}) {
			return got
		}
		return nil
	}
	return field
}

// waitV1 runs a wait step: 3.3.
func (t *thread) waitV1(st object, v *visit) *failure {
	t.peek(want{v.last, "", v.name})
	limit := t.c.out.Limits.WaitSecondsV1
	if stamp, ok := st["timestamp"]; ok {
		s, _ := dollar(stamp, v.input).(string)
		at, err := time.Parse(time.RFC3339, s)
		if err != nil || at.UnixMilli() > t.lastTime+limit*1000 {
			return t.runtimeV1()
		}
		t.due = max(t.lastTime, at.UnixMilli())
		return nil
	}
	got := dollar(st["duration"], v.input)
	if s, ok := got.(string); ok {
		if _, err := strconv.ParseInt(s, 10, 64); err == nil {
			got = scalar(s)
		}
	}
	n, ok := whole(got)
	if !ok || n < 0 || n > limit {
		return t.runtimeV1()
	}
	t.due = t.lastTime + n*1000
	return nil
}

// option runs a choice step: 3.6. The steps of the option run inside the choice.
func (t *thread) option(st object, v *visit) (any, string, *failure) {
	taken := objectField(st, "default")
	for _, o := range listField(st, "choices") {
		if condition(textField(o.(object), "condition"), v.input) {
			taken = o.(object)
			break
		}
	}
	v.taken = taken
	local := object{}
	var err *failure
	if list := listField(taken, "steps"); len(list) > 0 {
		if v.inner = (&place{}); v.old != nil && v.old.inner != nil {
			v.inner = v.old.inner
		}
		t.last = v.begun
		local, err = t.steps(list, v.input, v.inner)
		v.last = t.last
	}
	return local, textField(taken, "goto"), err
}

// lists runs lists of steps concurrently, each with its own local data: 2.1, 3.7, 3.8.
func (t *thread) lists(n, width int, v *visit, kind string, of func(i int) ([]any, any)) (any,
	*failure) {
	c := t.c
	t.peek(want{v.last, "", v.name}, want{v.begun, kind + "Entered", v.name})
	got, err := t.branches(n, width, func(child *thread, i int) (any, *failure) {
		list, input := of(i)
		before := object{}
		if child.place.begun {
			before = child.place.local
		}
		child.place.local = before
		child.peek(want{child.last, kind + "Entered", v.name})
		e := child.take(kind+"Entered", v1Parallel+", "+v1Foreach+", "+pageHistory)
		c.detail(e, v1Parallel+", "+v1Foreach+", "+pageHistory,
			object{"input": input, "local": before})
		local, err := child.steps(list, input, child.place)
		if err != nil {
			return nil, err
		}
		child.peek(want{child.last, kind + "Exited", v.name})
		c.detail(child.take(kind+"Exited", pageHistory), v1Data+", "+pageHistory,
			object{"local": local})
		return local, nil
	})
	return t.joined(got, err)
}

// foreach runs a foreach step: 3.8.
func (t *thread) foreach(st object, v *visit) (any, *failure) {
	m := objectField(st, "iterationMapping")
	items, ok := dollar(m["collection"], v.input).([]any)
	if !ok {
		t.peek(want{v.last, "", v.name})
		return nil, t.runtimeV1()
	}
	return t.lists(len(items), t.c.out.Limits.IterationsV1, v, "Iteration", func(i int) ([]any,
		any) {
		input := overlay(v.input, object{textField(m, "item"): items[i]})
		if index := textField(m, "index"); index != "" {
			input[index] = number(int64(i))
		}
		return listField(st, "steps"), input
	})
}

// taskV1 runs a task step: 3.1 and 6.
func (t *thread) taskV1(st object, v *visit) (any, *failure) {
	c := t.c
	t.peek(want{v.last, "", v.name})
	shown := object{"input": v.input, "pattern": "requestResponse",
		"resourceArn": st["resourceArn"]}
	if p := textField(st, "pattern"); p != "" {
		shown["pattern"] = p
	}
	if st["resourceArn"] == nil {
		shown["resourceArn"] = st["action"]
	}
	e := t.take("TaskScheduled", v1Retry+", "+pageHistory)
	c.detail(e, pageHistory, shown)
	a := attempt{id: e.ID, token: v.id, scheduled: e.Time, timeout: numberField(st,
		"timeoutSeconds", 0) * 1000}
	switch shown["pattern"] {
	case "sync":
		a.waits, a.system, a.starts = true, true, isFlow(st)
	case "waitForCallback":
		a.waits = true
	}
	var params any
	if service := objectField(st, "serviceParams"); service != nil {
		made := object{}
		for k, p := range service {
			if s, ok := p.(string); ok && (s == "$" || len(s) > 1 && s[0] == '$' && (s[1] == '.' ||
				s[1] == '[')) {
				if p = along(v.input, s[1:]); p == any(absent{}) {
					continue // omitted
				}
			}
			made[k] = p
		}
		params = made
	}
	t.called(&a, params, v.input, v.token)
	if isFlow(st) {
		a.child = childOfV1(st, params, v.input)
		c.startsOnly(&a)
	}
	return t.outcome(&a, v)
}

// isFlow reports whether a task starts an execution.
func isFlow(st object) bool {
	arn := textField(st, "resourceArn")
	return len(arn) > 8 && arn[:8] == "acs:fnf:" || textField(st, "action") == "fnf:StartExecution"
}
