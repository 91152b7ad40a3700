package flowv1

import (
	"strings"

	"millrace/shared/arn"
	"millrace/shared/expr"
	"millrace/shared/fdl/lint"
	"millrace/shared/flow"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// task compiles a task with its retry and catch.
func (c *compiler) task(n *yamldoc.Node, path *yamldoc.Path, s *siblings, st *flow.State) {
	spec := &flow.TaskSpec{Pattern: flow.Patterns[flow.RequestComplete]}
	st.Task = spec
	target := c.resourceOrAction(n, path, spec)
	spec.Parameters = c.serviceParams(n, path)
	c.pattern(n, path, spec, target)
	c.timeout(n, path, spec)
	c.callback(n, path, st)
	spec.ErrorOutput = c.mappings(n, path, "errorMappings", rootsError,
		mappingContext{step: true, token: waitsForCallback(n), local: errorLocal})
	st.Retry = c.retries(n, path)
	st.Catch = c.catches(n, path, s)
	if spec.ErrorOutput != nil && len(st.Catch) == 0 {
		c.Warn(n.Get("errorMappings"), path.Key("errorMappings"), "", "has no effect without catch")
	}
	if target == arn.Queue || target == arn.Topic {
		if p := n.Get("serviceParams"); p == nil || p.Kind == yamldoc.Map && !p.Has("MessageBody") {
			c.Warn(or(p, n), path.Key("serviceParams").Key("MessageBody"),
				"MessageBody: $ sends the step's input", "is missing")
		}
	}
}

// callback warns of a task that waits for a report which nobody can make, or which may never come.
func (c *compiler) callback(n *yamldoc.Node, path *yamldoc.Path, st *flow.State) {
	if st.Task.Mode != flow.WaitForCustomCallback || c.mode == flow.Express {
		return
	}
	at, where := n.Get("pattern"), path.Key("pattern")
	if !lint.Selects(st.Input, "task", "token") {
		c.Warn(at, where,
			"add {target: token, source: $context.task.token} to the inputMappings",
			"nobody can report the end of this task: its input does not hold its token")
	}
	if c.machine.TimeoutSeconds == 0 && st.Task.Timeout == nil {
		c.Warn(at, where, "write timeoutSeconds, for this step or for the whole flow",
			"the task waits for a report, and no timeout ends the wait")
	}
}

// waitsForCallback reports whether a task has the pattern waitForCallback.
func waitsForCallback(n *yamldoc.Node) bool {
	p := n.Get("pattern")
	return p != nil && p.Kind == yamldoc.String &&
		p.Text == flow.Patterns[flow.WaitForCustomCallback]
}

// resourceOrAction reads resourceArn or action. It returns arn.Other for an action.
func (c *compiler) resourceOrAction(n *yamldoc.Node, path *yamldoc.Path,
	spec *flow.TaskSpec) arn.Target {
	resource, action := c.text(n, path, "resourceArn"), c.text(n, path, "action")
	switch {
	case n.Get("resourceArn") != nil && n.Get("action") != nil:
		c.Error("F06", n, path, "keep one of the two", "has both resourceArn and action")
	case resource != nil:
		return c.resource(resource, path.Key("resourceArn"), spec)
	case action != nil:
		if !flow.ValidAction(action.Text) {
			c.Error("F06", action, path.Key("action"),
				"write it as product:Operation, for example fnf:StartExecution",
				"%q has not the form product:Operation", cut(action.Text))
		}
		spec.Action = action.Text
		c.lint.Action(action, path.Key("action"))
	case n.Get("resourceArn") == nil && n.Get("action") == nil:
		c.Error("F06", n, path, "", "needs resourceArn or action")
	}
	return arn.Other
}

func (c *compiler) resource(n *yamldoc.Node, path *yamldoc.Path, spec *flow.TaskSpec) arn.Target {
	spec.Resource = n.Text
	target, ok := arn.TargetOf(n.Text)
	switch target {
	case arn.Function:
		spec.Action = "FC:InvokeFunction"
	case arn.Flow:
		spec.Action = "FNF:StartExecution"
	case arn.Queue, arn.Topic:
		spec.Action = "MNS:SendMessage"
	default:
		reason := "calls nothing that a task can call"
		if !ok {
			reason = "is no resource name"
		}
		hint := "write " + strings.Join(arn.Forms[arn.Function:], ", or ")
		c.Error("F06", n, path, hint, "%q %s", cut(n.Text), reason)
	}
	return target
}

// pattern reads pattern, which says when the task counts as done.
func (c *compiler) pattern(n *yamldoc.Node, path *yamldoc.Path, spec *flow.TaskSpec,
	target arn.Target) {
	invocation := c.invocation(n, path, target)
	v := c.text(n, path, "pattern")
	if v == nil {
		return
	}
	mode := -1
	for i, name := range flow.Patterns {
		if v.Text == name {
			mode = i
		}
	}
	if mode < 0 {
		c.Error("F06", v, path.Key("pattern"), c.Suggest(v.Text, flow.Patterns[:]),
			"must be one of %s", strings.Join(flow.Patterns[:], ", "))
		return
	}
	spec.Pattern, spec.Mode = v.Text, flow.TaskMode(mode)
	switch {
	case spec.Mode == flow.RequestComplete:
	case c.mode == flow.Express:
		c.Error("F06", v, path.Key("pattern"), "use a Standard flow to wait for callbacks",
			"an Express flow has requestResponse only")
	case spec.Resource == "" && spec.Action != "":
		c.Error("F06", v, path.Key("pattern"), "", "an action has requestResponse only")
	case spec.Mode == flow.WaitForSystemCallback && (target == arn.Queue || target == arn.Topic):
		c.Error("F06", v, path.Key("pattern"), "", "queues and topics do not support sync")
	case spec.Mode == flow.WaitForSystemCallback && target == arn.Function && invocation == "Sync":
		spec.Mode = flow.RequestComplete // the call itself waits for the function
	}
}

// invocation returns how a function is called: Sync, Async, or "" if only the execution can tell.
func (c *compiler) invocation(n *yamldoc.Node, path *yamldoc.Path, target arn.Target) string {
	params := n.Get("serviceParams")
	if target != arn.Function || params == nil || params.Kind != yamldoc.Map {
		return "Sync"
	}
	var v *yamldoc.Node
	key := ""
	// The task that makes the call reads them in the same order.
	for _, key = range flow.InvocationTypeKeys {
		if v = params.Get(key); v != nil {
			break
		}
	}
	switch {
	case v == nil:
		return "Sync"
	case v.Kind == yamldoc.String && isInputPath(v.Text):
		return ""
	case v.Kind == yamldoc.String && (v.Text == "Sync" || v.Text == "Async"):
		return v.Text
	}
	at, hint := path.Key("serviceParams").Key(key), c.Suggest(v.Text, []string{"Sync", "Async"})
	if key != "InvocationType" {
		// Definitions with StateMachine's spelling were accepted as they are: the call decides.
		c.Warn(v, at, hint, "must be Sync or Async")
		return ""
	}
	c.Error("F06", v, at, hint, "must be Sync or Async")
	return ""
}

// timeout compiles timeoutSeconds. A longer timeout is reduced to the longest execution, because no
// attempt outlives its execution.
func (c *compiler) timeout(n *yamldoc.Node, path *yamldoc.Path, spec *flow.TaskSpec) {
	v := n.Get("timeoutSeconds")
	if v == nil {
		return
	}
	path = path.Key("timeoutSeconds")
	seconds, ok := v.Int()
	switch {
	case v.Kind != yamldoc.Number:
		c.Error("F03", v, path, "", "must be an integer, not %s", v.Kind)
	case !ok || seconds < 1:
		c.Error("F03", v, path, "leave it out when there is no limit but that of the execution",
			"must be an integer of at least 1")
	}
	spec.Timeout = expr.Constant(value.FromInt(min(seconds, c.limits.ExecutionSeconds)))
}

// serviceParams compiles the request parameters. At the top level only, strings that are `$` or a
// path from it select from the step's input.
func (c *compiler) serviceParams(n *yamldoc.Node, path *yamldoc.Path) *expr.Template {
	params := c.typed(n, path, "serviceParams", yamldoc.Map)
	if params == nil {
		return nil
	}
	fields := make([]expr.Field, len(params.Fields))
	for i := range params.Fields {
		f := &params.Fields[i]
		at := path.Key("serviceParams").Key(f.Key)
		fields[i].Name = f.Key
		if f.Value.Kind == yamldoc.String && isInputPath(f.Value.Text) {
			fields[i].Value = c.dynamic(f.Value, at, expr.Default)
			continue
		}
		if f.Value.Kind == yamldoc.String && isPath(f.Value.Text) {
			c.Warn(f.Value, at, "map the value into the step's input, and write $.key here",
				"is sent as it is: only $ paths are read here")
		}
		fields[i].Value = expr.Constant(f.Value.Value())
	}
	return expr.ObjectOf(fields)
}

// isInputPath reports whether a string is a path into the step's input.
func isInputPath(s string) bool {
	return s == "$" || strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$[")
}
