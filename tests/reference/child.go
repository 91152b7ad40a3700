package reference

import "strings"

// Child is an execution that an attempt requested to start.
type Child struct {
	Flow, Name string // Name "": any
	Input      string // JSON
}

// child is the execution that a task starts: docs/statemachine.md#fnfstartexecution,
// docs/flowv1.md#flows.
type child struct {
	flow, name string // name "": derived
	input      any
}

// childOf reads a child from the parameters of a StateMachine task.
func childOf(params object) *child {
	c := &child{flow: flowName(textField(params, "resourceArn")), name: textField(params,
		"executionName"), input: object{}}
	if params["input"] != nil {
		c.input = params["input"]
	}
	return c
}

// childOfV1 is childOf for FlowV1: without serviceParams the child's input is the step's.
func childOfV1(st object, params any, input any) *child {
	c := &child{flow: flowName(textField(st, "resourceArn")), input: input}
	service, ok := params.(object)
	if !ok {
		return c
	}
	if c.flow == "" {
		c.flow = textField(service, "FlowName")
	}
	if c.name, c.input = textField(service, "ExecutionName"), service["Input"]; c.input == nil {
		c.input = object{}
	}
	return c
}

// flowName returns the name of the flow in a resource name.
func flowName(arn string) string {
	_, name, _ := strings.Cut(arn, "flow/")
	return name
}

// startsOnly compares the executions that were started for an attempt with the expected one.
func (c *checker) startsOnly(a *attempt) {
	want := a.child
	const rule = pageStart + ", " + v1Flows
	known := c.out.Attempts[a.id]
	if known == nil {
		return
	}
	for _, got := range known.Children {
		if got.Flow != want.flow || want.name != "" && got.Name != want.name {
			c.violate(c.at, rule, "an execution %q of flow %q was started, not %q of %q", got.Name,
				got.Flow, want.name, want.flow)
		}
		input, err := readJSON(got.Input)
		if err != nil {
			c.violate(c.at, rule, "the input of the execution that was started is no JSON: %v", err)
		}
		if diff := c.drawn.match(want.input, input); diff != "" {
			c.violate(c.at, rule, "the input of the execution that was started%s", diff)
		}
	}
}

// answer checks the result of a task that only starts an execution:
// docs/statemachine.md#fnfstartexecution, docs/flowv1.md#flows.
func (c *checker) answer(a *attempt, out any) {
	known := c.out.Attempts[a.id]
	if a.child == nil || a.waits || known == nil || len(known.Children) == 0 {
		return
	}
	got, _ := out.(object)
	want := object{"FlowName": a.child.flow, "ExecutionName": got["ExecutionName"],
		"RequestID": got["RequestID"]}
	if c.flowV1 {
		want = object{"FlowName": a.child.flow, "ExecutionName": got["ExecutionName"],
			"Name": got["ExecutionName"], "RequestId": got["RequestId"]}
	}
	if a.child.name != "" {
		want["ExecutionName"] = a.child.name
	}
	if diff := c.drawn.match(want, out); diff != "" {
		c.violate(c.at, pageStart+", "+v1Flows, "its output%s", diff)
	}
}

// Reported returns the outcome that the last event of a child execution has for the task that waits
// for it: docs/api.md#callbackfnftasktoken. flowV1 is the parent's dialect. If the output is longer
// than limit bytes, the outcome is an error.
func Reported(end Event, flowV1 bool, limit int) Outcome {
	v, _ := readJSON(end.Detail)
	m, _ := v.(object)
	out := Outcome{At: end.Time}
	missing := errFailed
	switch end.Type {
	case "ExecutionSucceeded":
		if out.Output = text(m["output"]); len(end.Detail)-len(`{"output":}`) > limit {
			out.AnyCause, out.Error = true, &Failure{Name: errData}
		}
		return out
	case "ExecutionTimedOut":
		out.AnyCause = true
		if out.Error = (&Failure{Name: errTimedOut}); flowV1 {
			out.Error.Name = errTask
		}
		return out
	case "ExecutionStopped":
		missing = errStopped
	}
	if out.Error = (&Failure{textField(m, "error"), textField(m, "cause")}); out.Error.Name == "" {
		out.Error.Name = missing
	}
	return out
}

// refusedStart reports whether an error of this name proves that the start had no effect.
func refusedStart(name string) bool {
	for _, code := range []string{"ExecutionAlreadyExists", "FlowNotExists", "InvalidArgument",
		"MissingRequiredParams"} {
		if strings.EqualFold(name, "fnf."+code) {
			return true
		}
	}
	return false
}
