package reference

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// task runs a Task of StateMachine.
func (t *thread) task(st object, v *visit) (any, *failure) {
	c := t.c
	t.peek(want{v.last, "", v.name})
	token := c.drawn.token() // a new one for each attempt
	var params any = object{}
	if template := objectField(st, "Parameters"); template != nil {
		got, err := evaluate(errExpression, func() any {
			return built(template, t.env(v, v.input,
				object{"TaskToken": token}))
		})
		if err != nil {
			return nil, err
		}
		params = c.sized(got, "the parameters of state "+v.name)
	}
	limit, err := t.timeout(st, v)
	if err != nil {
		return nil, err
	}
	e := t.take("TaskScheduled", pageRetry+", "+pageHistory)
	shown := c.detail(e, pageData+", "+pageTask+", "+pageHistory,
		object{"input": params})["input"]
	a := attempt{id: e.ID, token: e.ID, scheduled: e.Time, timeout: limit, waits: true}
	switch mode := textField(st, "TaskMode"); mode {
	case "", "RequestComplete":
		a.waits = false
	case "WaitForSystemCallback":
		a.system = true
	case "WaitForCustomCallback":
	default:
		panic(&Unjudged{"task mode " + mode})
	}
	if objectField(st, "Parameters") == nil {
		shown = nil
	}
	t.called(&a, shown, v.input, token)
	action := strings.ReplaceAll(textField(st, "Action"), "::", ":")
	if p, ok := shown.(object); ok && strings.EqualFold(action, "FNF:StartExecution") {
		a.child = childOf(p)
		a.starts = a.system
		c.startsOnly(&a)
	}
	return t.outcome(&a, v)
}

// timeout returns the task's Timeout in ms; 0: none.
func (t *thread) timeout(st object, v *visit) (int64, *failure) {
	got, there, err := t.field(st, "Timeout", v)
	if err != nil || !there {
		return 0, err
	}
	if s, ok := got.(string); ok {
		got = scalar(s)
	}
	n, ok := whole(got)
	if !ok || n < 0 || n > t.c.out.Limits.TaskSeconds {
		return 0, &failure{Failure: Failure{Name: errExpression}, free: true}
	}
	return n * 1000, nil
}

// attempt is one attempt of a task.
type attempt struct {
	id        int64 // its TaskScheduled
	token     int64 // the event that its token names
	scheduled int64
	timeout   int64  // ms; 0: none
	waits     bool   // for a report, or for the end of a job
	system    bool   // the response of its call may end the job too
	starts    bool   // it starts an execution and waits for the end
	child     *child // the execution that it starts, whether or not it waits for it
}

// called compares the recorded request of a call with the expected one.
func (t *thread) called(a *attempt, params, input any, token string) {
	c := t.c
	known := c.out.Attempts[a.id]
	if known == nil {
		return
	}
	for _, call := range []struct {
		what, text string
		want       any
	}{{"the parameters", known.Params, params}, {"the input", known.Input, input}} {
		if call.text == "" {
			continue
		}
		got, err := readJSON(call.text)
		if err != nil {
			c.violate(c.at, pageTask, "%s of the call are no JSON: %v", call.what,
				err)
		}
		if diff := c.drawn.match(call.want, got); diff != "" {
			c.violate(c.at, pageTask+", "+v1Params, "%s of the call%s",
				call.what, diff)
		}
	}
	if known.Token == "" {
		return
	}
	if diff := c.drawn.match(token, known.Token); diff != "" {
		c.violate(c.at, pageTask+", "+pageTokens, "its token%s", diff)
	}
	c.named(a, known.Token)
}

// named checks that a token names the right execution and event (docs/protocol.md#task-tokens).
func (c *checker) named(a *attempt, token string) {
	raw, err := base64.StdEncoding.DecodeString(token)
	want := fmt.Sprintf("v1#%s#%s#%d#", c.context.Flow, c.context.Execution, a.token)
	if err != nil || !strings.HasPrefix(string(raw), want) {
		c.violate(c.at, pageTokens, "the token must be of %s, not of %.200s", want, raw)
	}
}

const (
	ruleTask    = pageTask + ", " + pageHistory + ", " + v1Task
	ruleTimeout = pageErrors + ", " + pageTask + ", " + v1Task
)

// outcome follows an attempt from its TaskScheduled to its end.
func (t *thread) outcome(a *attempt, v *visit) (any, *failure) {
	if a.starts {
		t.attempt = a.id
	}
	out, err := t.followed(a, v)
	if err != nil && (err.timeout || err.unsure) {
		t.abandon()
	}
	t.attempt = 0
	return out, err
}

func (t *thread) followed(a *attempt, v *visit) (any, *failure) {
	if e := t.peek(want{v.last, "", v.name}); e.Type == "TaskTimedOut" {
		return nil, t.timedOut(a)
	}
	t.take("TaskStarted", ruleTask)
	e := t.peek(want{v.last, "", v.name})
	switch {
	case e.Type == "TaskTimedOut":
		return nil, t.timedOut(a)
	case !a.waits:
		return t.closed(a, v)
	case e.Type == "TaskSubmitFailed":
		t.takeOutside("TaskSubmitFailed", ruleTask)
		name, cause := t.c.errorOf(e)
		if t.c.out.Known && !t.c.answered(a, e, func(o *Outcome) bool {
			return !o.Async &&
				o.failed(name, cause)
		}) && !t.c.lost(a, name) {
			t.c.violate(e, ruleTask, "no call was answered so: %s", t.c.said(a))
		}
		return nil, &failure{Failure: Failure{name, cause}, unsure: !refusedStart(name)}
	}
	t.takeOutside("TaskSubmitted", ruleTask)
	if t.c.out.Known && !t.c.submitted(a, e) {
		t.c.violate(e, ruleTask, "no call was answered, and nothing reported: %s", t.c.said(a))
	}
	t.peek(want{v.last, "", v.name})
	if t.got.Type == "TaskTimedOut" {
		return nil, t.timedOut(a)
	}
	return t.closed(a, v)
}

func (t *thread) timedOut(a *attempt) *failure {
	if a.timeout == 0 {
		t.c.violate(t.got, ruleTimeout, "the task has no Timeout")
	}
	t.due = a.scheduled + a.timeout
	e := t.take("TaskTimedOut", ruleTimeout)
	name, cause := t.c.errorOf(e)
	if name != errTask {
		t.c.violate(e, pageNames+", "+v1Names, "its error must be %s", errTask)
	}
	return &failure{Failure: Failure{name, cause}, timeout: true}
}

// closed ends an attempt with its result.
func (t *thread) closed(a *attempt, v *visit) (any, *failure) {
	c, e := t.c, t.got
	if late := c.out.Late.Milliseconds(); a.timeout > 0 && c.out.Late >= 0 &&
		e.Time > a.scheduled+a.timeout+late {
		c.violate(e, ruleTimeout, "its time was over at %d", a.scheduled+a.timeout)
	}
	if e.Type == "TaskFailed" {
		t.takeOutside("TaskFailed", ruleTask)
		name, cause := c.errorOf(e)
		if c.out.Known && !c.closedBy(a, e, func(o *Outcome) bool {
			return o.failed(name,
				cause)
		}) && !c.lost(a, name) {
			c.violate(e, ruleTask, "nobody said so: %s", c.said(a))
		}
		return nil, &failure{Failure: Failure{name, cause}}
	}
	t.takeOutside("TaskSucceeded", ruleTask)
	shown, err := readJSON(e.Detail)
	m, _ := shown.(object)
	out, there := m["output"]
	if err != nil || !there || len(m) != 1 {
		c.violate(e, pageHistory, "its detail must be an output")
	}
	if c.out.Known && !c.closedBy(a, e, func(o *Outcome) bool {
		reported, err := readJSON(o.Output)
		return o.Error == nil && err == nil && equal(reported, out)
	}) {
		c.violate(e, ruleTask, "nobody said so: %s", c.said(a))
	}
	c.answer(a, out)
	return out, nil
}

// failed reports whether an outcome is this error, in the form that a history shows.
func (o *Outcome) failed(name, cause string) bool {
	return o.Error != nil && cut(o.Error.Name, 128) == name && (o.AnyCause || cut(o.Error.Cause,
		4096) == cause)
}

// closedBy reports whether, by the time of e, an outcome that fits and can end the attempt was
// known.
func (c *checker) closedBy(a *attempt, e *Event, fits func(*Outcome) bool) bool {
	if !a.waits {
		return c.answered(a, e, fits)
	}
	for i := range c.out.Reports[a.token] {
		if o := &c.out.Reports[a.token][i]; !c.used[o] && c.known(o, e) && fits(o) {
			c.used[o] = true
			return true
		}
	}
	return a.system && c.answered(a, e, func(o *Outcome) bool { return o.Async && fits(o) })
}

// submitted reports whether, by the time of e, the task was known to be in progress: its call had
// returned, or a report had come first.
func (c *checker) submitted(a *attempt, e *Event) bool {
	for i := range c.out.Reports[a.token] {
		if o := &c.out.Reports[a.token][i]; !c.used[o] && c.known(o, e) {
			return true
		}
	}
	return c.answered(a, e, func(o *Outcome) bool { return o.Error == nil || o.Async })
}

// answered reports whether, by the time of e, a call of the attempt had returned an outcome that
// fits.
func (c *checker) answered(a *attempt, e *Event, fits func(*Outcome) bool) bool {
	known := c.out.Attempts[a.id]
	if known == nil {
		return false
	}
	if known.Unknown {
		return true
	}
	for i := range known.Answers {
		if o := &known.Answers[i]; c.known(o, e) && fits(o) {
			return true
		}
	}
	return false
}

// known reports whether an outcome was known when an event was written.
func (c *checker) known(o *Outcome, e *Event) bool {
	if o.At == 0 {
		return true
	}
	from := max(o.At, c.events[e.Schedule-1].Time)
	return e.Time >= o.At-c.out.Early.Milliseconds() && (c.out.Late < 0 ||
		e.Time <= from+c.out.Late.Milliseconds())
}

// lost reports whether an attempt may have failed because its callers were lost or had no right to
// call.
func (c *checker) lost(a *attempt, name string) bool {
	if c.out.Refused && strings.HasSuffix(name, ".AccessDenied") {
		return true
	}
	known := c.out.Attempts[a.id]
	return known != nil && known.Lost && (name == "FC.Unknown" || name == "HTTP.RequestFailed")
}

// said lists the known outcomes of an attempt.
func (c *checker) said(a *attempt) string {
	text := ""
	for _, list := range [][]Outcome{c.answersOf(a), c.out.Reports[a.token]} {
		for _, o := range list {
			text += fmt.Sprintf(" %.100s", o.Output)
			if o.Error != nil {
				text += fmt.Sprintf(" %s: %.60s", o.Error.Name, o.Error.Cause)
			}
			text += fmt.Sprintf(" at %d;", o.At)
		}
	}
	if text == "" {
		return "nothing was said"
	}
	return text
}

func (c *checker) answersOf(a *attempt) []Outcome {
	if known := c.out.Attempts[a.id]; known != nil {
		return known.Answers
	}
	return nil
}
