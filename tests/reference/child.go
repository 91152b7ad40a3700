package reference

import "strings"

// Child is an execution that somebody was asked to start for an attempt.
type Child struct {
	Flow, Name string // Name "": any
	Input      string // JSON
}

// child is the execution that a task starts: fdl-statemachine.md 12.8, fdl-flow.md 6.4.
type child struct {
	flow, name string // name "": derived
	input      any
}

// childOf reads it of the parameters of a task of the newer language.
func childOf(params object) *child {
	c := &child{flow: flowName(textField(params, "resourceArn")), name: textField(params,
		"executionName"), input: object{}}
	if params["input"] != nil {
		c.input = params["input"]
	}
	return c
}

// childOfV1 is childOf in the older language: without serviceParams the input is the step's.
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

// flowName is the flow that a resource name names.
func flowName(arn string) string {
	_, name, _ := strings.Cut(arn, "flow/")
	return name
}

// startsOnly compares the executions that were started for an attempt with the one that it starts.
func (c *checker) startsOnly(a *attempt) {
	want := a.child
	const rule = "fdl-statemachine.md 12.8; fdl-flow.md 6.4"
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

// answer checks what a task that only starts an execution has for its result: fdl-statemachine.md
// 12.8, fdl-flow.md 6.4.
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
		c.violate(c.at, "fdl-statemachine.md 12.8; fdl-flow.md 6.4", "its output%s", diff)
	}
}

// Reported is what the end of an execution, its last event, is for a task that waits for it, of the
// older language or the newer one, which takes an output of up to limit bytes: fdl-flow.md 7.2,
// fdl-statemachine.md D-35. A longer one is told as an error.
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

// refusedStart reports whether a start that failed so cannot have started anything.
func refusedStart(name string) bool {
	for _, refusal := range []string{"ExecutionAlreadyExists", "FlowNotExists", "InvalidArgument",
		"MissingRequiredParams"} {
		if strings.EqualFold(name, "fnf."+refusal) {
			return true
		}
	}
	return false
}
