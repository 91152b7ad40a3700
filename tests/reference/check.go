package reference

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// failure is an error of a state. If free, the references fix only its name, not its cause.
type failure struct {
	Failure
	free      bool
	timeout   bool // of the task itself
	permanent bool // a retry would fail the same way
	unsure    bool // of a start: it may have started an execution nevertheless
}

// Result is what Judge reports besides violations.
type Result struct {
	// Abandoned lists attempts, by the EventId of TaskScheduled, that started an execution to wait
	// for (or may have), and were given up before it ended. The engine must stop that execution.
	Abandoned []int64
}

// Check reports whether a history is allowed. The error is a *Violation or an *Unjudged.
func Check(definition, input string, context Context, events []Event, outside Record) error {
	_, err := Judge(definition, input, context, events, outside)
	return err
}

// Judge is Check and also returns a Result.
func Judge(definition, input string, context Context, events []Event, outside Record,
) (v Result, err error) {
	c := &checker{context: context, events: events, out: &outside, drawn: newDrawn(),
		globals: object{}, used: map[*Outcome]bool{}}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Violation:
			err = r
		case *Unjudged:
			err = r
		case tooLarge:
			err = &Violation{*c.at, r.what + " is too large: the execution must fail",
				pageData + ", " + pageLimits + ", " + v1Limits}
		default:
			panic(r)
		}
		if c.root != nil {
			c.root.kill()
		}
		v = c.findings
	}()
	read := definitions.get(definition)
	if read.err != nil {
		return v, &Unjudged{"definition: " + read.err.Error()}
	}
	c.definition = read.tree
	if c.input, err = readJSON(input); err != nil {
		return v, &Unjudged{"input: " + err.Error()}
	}
	return v, c.check()
}

type readDefinition struct {
	tree object
	err  error
}

var definitions = newCache(func(text string) readDefinition {
	v, err := readYAML(text)
	m, ok := v.(object)
	if err == nil && !ok {
		err = errors.New("no mapping")
	}
	return readDefinition{m, err}
})

// checker goes through a history once, event by event, and hands each event to the thread that
// waits for it.
type checker struct {
	definition object
	input      any
	context    Context
	events     []Event
	out        *Record
	drawn      *drawn
	globals    object
	used       map[*Outcome]bool
	findings   Result

	flowV1   bool // FlowV1, not StateMachine
	started  int64
	deadline int64
	limit    int64 // of each life, ms
	place    place // where the outermost list is
	root     *thread
	failed   *failure // of the outermost list
	at       *Event   // the event that is being handled
	toAbort  []*visit
	ending   bool
	own      int64 // the last event before the execution began to end
	ended    bool
	// the execution has ended well, so it cannot be redriven
	succeeded bool
	probing   bool // threads only compute their next event; see tooLarge
}

// violate ends the check because the event breaks a rule.
func (c *checker) violate(e *Event, rule, format string, args ...any) {
	v := &Violation{Why: fmt.Sprintf(format, args...), Rule: rule}
	if e != nil {
		v.Event = *e
	}
	panic(v)
}

func (c *checker) check() error {
	c.flowV1 = c.definition["type"] == any("flow")
	if !c.flowV1 && c.definition["Type"] != any("StateMachine") {
		return &Unjudged{"language"}
	}
	if c.context.Map != "" {
		if c.definition = processorOf(c.definition, c.context.Map); c.definition == nil {
			return &Unjudged{"a child of no distributed Map"}
		}
	}
	for i := range c.events {
		e := &c.events[i]
		c.at = e
		c.order(i, e)
		if i == 0 {
			c.begin(e)
			continue
		}
		if e.Type == "ExecutionRedriven" {
			c.redriven(e)
			continue
		}
		c.dispatch(e)
	}
	switch {
	case c.out.Unfinished || c.ended:
	case len(c.events) == 0:
		return &Violation{Why: "there is no history", Rule: pageHistory}
	default:
		c.violate(c.at, pageHistory, "the history ends, and the execution has not: %s",
			c.waiting())
	}
	return nil
}

// order checks the rules that hold for all events (docs/api.md#getexecutionhistory).
func (c *checker) order(i int, e *Event) {
	switch {
	case e.ID != int64(i)+1:
		c.violate(e, pageHistory, "its id must be %d", i+1)
	case i == 0 && e.Schedule != 0 || i > 0 && (e.Schedule < 1 || e.Schedule >= e.ID):
		c.violate(e, pageHistory, "the event that led to it must be an earlier one")
	case i > 0 && e.Time < c.events[i-1].Time:
		c.violate(e, pageHistory, "its time is before that of the event before")
	case (e.Step == "") != strings.HasPrefix(e.Type, "Execution"):
		c.violate(e, pageHistory, "events of the execution, and they alone, have no StepName")
	case c.ended && e.Type != "ExecutionRedriven":
		c.violate(e, pageHistory, "the execution had ended")
	}
	if e.Type == "ExecutionRedriven" {
		return // no time is too late for it
	}
	if c.deadline > 0 && c.out.Late >= 0 && e.Time > c.deadline+c.out.Late.Milliseconds() {
		c.violate(e, pageErrors, "the time limit of the execution was over at %d",
			c.deadline)
	}
	switch e.Type {
	case "StateAborted", "ExecutionFailed", "ExecutionStopped", "ExecutionTimedOut":
	default:
		if e.ID > int64(c.out.Limits.Events) && e.Type != "ExecutionSucceeded" {
			c.violate(e, pageLimits, "an execution has %d events at most",
				c.out.Limits.Events)
		}
	}
}

// begin handles the first event.
func (c *checker) begin(e *Event) {
	if e.Type != "ExecutionStarted" {
		c.violate(e, pageHistory, "the first event must be ExecutionStarted")
	}
	c.detail(e, pageHistory, object{"input": c.input})
	c.started = c.context.Started
	if c.started == 0 {
		c.started = e.Time
	}
	seconds, _ := whole(c.definition["Timeout"])
	if c.flowV1 {
		seconds, _ = whole(c.definition["timeoutSeconds"])
	}
	if seconds == 0 {
		seconds = c.out.Limits.ExecutionSeconds
	}
	if c.deadline = c.started + seconds*1000; c.context.Deadline > 0 {
		c.deadline = c.context.Deadline
	}
	c.limit = c.deadline - c.started
	c.beginLife(e)
}

// dispatch hands an event to the thread that waits for it.
func (c *checker) dispatch(e *Event) {
	switch e.Type {
	case "StateAborted":
		c.aborted(e)
		return
	case "ExecutionStopped", "ExecutionTimedOut":
		c.endsEarly(e)
		return
	case "ExecutionFailed":
		// A state can fail with any of these names; if none did, the engine ended the execution.
		name, _ := c.errorOf(e)
		own := name == errEvents || name == errInternal || name == errData
		if c.ending || own && (c.failed == nil || c.failed.Name != name) {
			c.endsEarly(e)
			return
		}
	}
	switch {
	case c.ending:
		c.violate(e, pageErrors, "states were aborted, so the execution must end")
	case len(c.toAbort) > 0:
		c.violate(e, pageParallel,
			"%d states of other branches or iterations are to be aborted first", len(c.toAbort))
	}
	t := c.root.waiter(e)
	if t == nil {
		c.violate(e, pageHistory, "nothing leads to it; possible is: %s",
			c.waiting())
	}
	t.got = e
	c.advance(t)
	if len(c.toAbort) == 0 {
		c.resumeJoined()
	}
}

// waiting lists the events that can come next.
func (c *checker) waiting() string {
	text := ""
	c.root.each(func(t *thread) {
		for _, w := range t.wants {
			text += fmt.Sprintf(" %s %q of %d;", w.typ, w.step, w.cause)
		}
	})
	if text == "" {
		return "nothing"
	}
	return text
}

// The names of the languages' own errors.
const (
	errData       = "FnF.DataLimitExceeded"
	errEvents     = "FnF.EventLimitExceeded"
	errInternal   = "FnF.InternalError"
	errTimedOut   = "FnF.ExecutionTimedOut"
	errStopped    = "FnF.ExecutionStopped"
	errFailed     = "FnF.ExecutionFailed"
	errTask       = "FnF.TaskTimeout"
	errExpression = "FnF.ExpressionError"
	errRuntime    = "FnF.RuntimeError"
	errLocal      = "FnF.InvalidLocal"
)

func (c *checker) errorOf(e *Event) (name, cause string) {
	v, err := readJSON(e.Detail)
	m, _ := v.(object)
	if err != nil || m == nil {
		c.violate(e, pageHistory, "its detail is no JSON object")
	}
	name, okName := m["error"].(string)
	cause, okCause := m["cause"].(string)
	if !okName || !okCause || len(m) != 2 {
		c.violate(e, pageHistory, "its detail must be error and cause")
	}
	return name, cause
}

// aborted handles StateAborted: the engine aborts all open states in the other branches of a
// state that fails, or all open states when the execution ends. Inner states must be aborted before
// the states around them.
func (c *checker) aborted(e *Event) {
	c.errorOf(e)
	if len(c.toAbort) == 0 {
		c.ending, c.own = true, e.ID-1
		c.root.each(func(t *thread) { c.toAbort = append(c.toAbort, t.open...) })
	}
	i := slices.IndexFunc(c.toAbort, func(v *visit) bool {
		return v.name == e.Step &&
			v.mayEnd(e.Schedule)
	})
	if i < 0 {
		c.violate(e, pageHistory, "there is no such state to abort")
	}
	if limit := int64(c.out.Limits.Events); e.ID > limit && !c.ending {
		c.violate(e, pageLimits, "an execution has %d events at most", limit)
	}
	v := c.toAbort[i]
	for _, other := range c.toAbort {
		if other != v && other.inside(v) {
			c.violate(e, pageHistory, "state %q inside it is still open", other.name)
		}
	}
	c.toAbort = slices.Delete(c.toAbort, i, i+1)
	if len(c.toAbort) == 0 && !c.ending {
		c.resumeJoined()
	}
}

// resumeJoined resumes the states whose branches have all ended or been aborted.
func (c *checker) resumeJoined() {
	for {
		var ready *thread
		c.root.each(func(t *thread) {
			if t.fork != nil && t.fork.over() {
				ready = t
			}
		})
		if ready == nil || len(c.toAbort) > 0 {
			return
		}
		c.advance(ready)
	}
}

// endsEarly handles an end that no state causes: a stop, the time limit, the data and event limits,
// or an error of the engine itself.
func (c *checker) endsEarly(e *Event) {
	name, cause := c.errorOf(e)
	if !c.ending {
		c.own = e.ID - 1
	}
	if !c.flowV1 && !c.ending {
		c.root.each(func(t *thread) { c.toAbort = append(c.toAbort, t.open...) })
	}
	if len(c.toAbort) > 0 && !c.flowV1 {
		c.violate(e, pageErrors+", "+pageHistory, "state %q is neither closed nor aborted",
			c.toAbort[0].name)
	}
	if e.Schedule != e.ID-1 {
		c.violate(e, pageHistory, "it must follow from the last event")
	}
	early := c.out.Early.Milliseconds()
	switch {
	case e.Type == "ExecutionTimedOut":
		if name != errTimedOut || e.Time < c.deadline-early {
			c.violate(e, pageErrors,
				"the time limit is over at %d, the error must be %s", c.deadline, errTimedOut)
		}
	case e.Type == "ExecutionStopped":
		if !slices.ContainsFunc(c.out.Stops, func(s Stop) bool {
			return cut(s.Name, 128) == name && cut(s.Cause, 4096) == cause && e.Time >= s.At-early
		}) {
			c.violate(e, pageStop,
				"nobody has asked for a stop with that error by then: %v", c.out.Stops)
		}
	case name == errInternal:
		if !c.out.Broken {
			c.violate(e, "docs/protocol.md#poison-executions", "nothing has broken the execution")
		}
	case name == errEvents:
		if c.own+c.groupMax() <= int64(c.out.Limits.Events) {
			c.violate(e, pageLimits, "there was room for more events")
		}
	case name == errData:
		if !c.out.Limits.Others && !c.tooLarge() {
			c.violate(e, pageData+", "+pageLimits, "nothing was too large")
		}
	default:
		c.violate(e, pageErrors, "no state has failed")
	}
	c.ended = true
	c.root.each(func(t *thread) { t.abandon() })
}

// groupMax returns the largest number of events that one step may write together: those of a
// state's end, or those of a state that fails with its branches.
func (c *checker) groupMax() int64 {
	n := int64(3)
	c.root.each(func(t *thread) { n += int64(len(t.open)) })
	return n
}

// tooLarge reports whether some thread has a value that is too large, or is about to make one. It
// lets each thread run up to its next event.
func (c *checker) tooLarge() bool {
	found := false
	c.probing = true
	c.root.each(func(t *thread) {
		if found || t.fork != nil {
			return
		}
		defer func() {
			switch r := recover().(type) {
			case nil, *Violation:
			case tooLarge:
				found = true
			default:
				panic(r)
			}
		}()
		t.got = &Event{Type: "a probe", Schedule: t.last, Time: math.MaxInt64}
		t.next()
	})
	return found
}

// detail compares an event's detail with the expected one and returns the detail.
func (c *checker) detail(e *Event, rule string, want object) object {
	v, err := readJSON(e.Detail)
	got, ok := v.(object)
	if err != nil || !ok {
		c.violate(e, pageHistory, "its detail is no JSON object")
	}
	if diff := c.drawn.match(want, got); diff != "" {
		c.violate(e, rule, "its detail%s", diff)
	}
	return got
}
