package statemachine

import (
	"slices"
	"strconv"
	"strings"

	"millrace/shared/expr"
	"millrace/shared/fdl/lint"
	"millrace/shared/flow"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

var modeNames = []string{"RequestComplete", "WaitForSystemCallback", "WaitForCustomCallback"}

// task compiles a Task.
func (c *compiler) task(n *yamldoc.Node, path *yamldoc.Path, s *scope) *flow.TaskSpec {
	spec := &flow.TaskSpec{Action: c.action(n, path), Timeout: c.taskTimeout(n, path)}
	parameters := n.Get("Parameters")
	if parameters != nil {
		spec.Parameters = c.template(parameters, path.Key("Parameters"), rootsInput)
	}
	if spec.Action != "" {
		c.parameters(n, path, spec.Action, parameters)
	}
	spec.Mode = c.taskMode(n, path, s, spec.Action, parameters)
	return spec
}

// action reads `Service:API`. It returns "" after an error.
func (c *compiler) action(n *yamldoc.Node, path *yamldoc.Path) string {
	const form = "write it as Service:API, for example FC:InvokeFunction"
	v := n.Get("Action")
	switch {
	case v == nil:
		c.Error("V13", n, path.Key("Action"), form, "is missing")
		return ""
	case v.Kind != yamldoc.String:
		c.Error("V13", v, path.Key("Action"), form, "must be a string, not %s", v.Kind)
		return ""
	case v.Text == "FC::InvokeFunction": // the spelling of older documentation
		return "FC:InvokeFunction"
	}
	if !flow.ValidAction(v.Text) {
		c.Error("V13", v, path.Key("Action"), form, "%q has not the form Service:API", cut(v.Text))
		return ""
	}
	if _, known := actions[v.Text]; known {
		return v.Text
	}
	for name := range actions {
		if strings.EqualFold(name, v.Text) {
			c.Warn(v, path.Key("Action"), "did you mean '"+name+"'?",
				"%s is another action than %s", v.Text, name)
			return v.Text
		}
	}
	c.lint.Action(v, path.Key("Action"))
	return v.Text
}

// callback warns of a task that waits for a report which nobody can make, or which may never come.
func (c *compiler) callback(n *yamldoc.Node, path *yamldoc.Path, s *scope, st *flow.State) {
	task := st.Task
	if task.Mode != flow.WaitForCustomCallback || s.mode == flow.Express {
		return
	}
	at, where := n.Get("TaskMode"), path.Key("TaskMode")
	// HTTP:Request sends the token as a header.
	if task.Action != "HTTP:Request" && !lint.Selects(task.Parameters, "Current", "TaskToken") &&
		!lint.Selects(st.Input, "Current", "TaskToken") {
		c.Warn(at, where, "add a member with token.$: $Context.Current.TaskToken to Parameters",
			"nobody can report the end of this task: Parameters do not hold its token")
	}
	if c.machine.TimeoutSeconds == 0 && n.Get("Timeout") == nil && n.Get("Timeout.$") == nil {
		c.Warn(at, where,
			"write Timeout, for this state or for the whole flow; Timeout: 0 says that it may last",
			"the task waits for a report, and no timeout ends the wait")
	}
}

// taskTimeout compiles Timeout: an integer, a decimal string or an expression. 0 means no timeout,
// like a missing one.
func (c *compiler) taskTimeout(n *yamldoc.Node, path *yamldoc.Path) *expr.Template {
	if e := n.Get("Timeout.$"); e != nil {
		return c.suffixedExpression(e, path.Key("Timeout.$"), rootsInput)
	}
	v := n.Get("Timeout")
	if v == nil {
		return nil
	}
	seconds, ok := v.Int()
	if v.Kind == yamldoc.String {
		i, err := strconv.ParseInt(v.Text, 10, 64)
		seconds, ok = i, err == nil
	}
	if !ok || seconds < 0 || seconds > c.limits.TaskSeconds {
		hint := "0 means never"
		if v.Kind == yamldoc.String && strings.HasPrefix(v.Text, "$") {
			hint = "an expression needs the key Timeout.$"
		}
		c.Error("V13", v, path.Key("Timeout"), hint, "must be an integer from 0 to %d",
			c.limits.TaskSeconds)
		return nil
	}
	if seconds == 0 {
		return nil
	}
	return expr.Constant(value.FromInt(seconds))
}

// taskMode reads TaskMode and checks it against the action and the mode of the flow.
func (c *compiler) taskMode(n *yamldoc.Node, path *yamldoc.Path, s *scope, action string,
	parameters *yamldoc.Node) flow.TaskMode {
	v := n.Get("TaskMode")
	if v == nil {
		return flow.RequestComplete
	}
	at := path.Key("TaskMode")
	mode := flow.TaskMode(len(modeNames))
	for i, name := range modeNames {
		if v.Kind == yamldoc.String && v.Text == name {
			mode = flow.TaskMode(i)
		}
	}
	if int(mode) == len(modeNames) {
		hint := modeHints[v.Text]
		if hint == "" {
			hint = c.Suggest(v.Text, modeNames)
		}
		c.Error("V14", v, at, hint, "must be one of %s", strings.Join(modeNames, ", "))
		return flow.RequestComplete
	}
	if mode == flow.RequestComplete {
		return mode
	}
	if s.mode == flow.Express {
		c.Error("V14", v, at, "use a Standard flow to wait for callbacks",
			"an Express flow has RequestComplete only")
	}
	if has := actions[action].modes(); action != "" && !slices.Contains(has, v.Text) {
		c.Error("V14", v, at, "it has "+strings.Join(has, ", "), "%s does not support %s", action,
			v.Text)
	}
	if action == "FC:InvokeFunction" && mode == flow.WaitForSystemCallback && parameters != nil &&
		parameters.Kind == yamldoc.Map {
		if t := parameters.Get("invocationType"); t != nil && t.Kind == yamldoc.String &&
			t.Text == "Sync" {
			c.Error("V14", t, path.Key("Parameters").Key("invocationType"),
				"write Async, or use RequestComplete",
				"WaitForSystemCallback needs an asynchronous invocation")
		}
	}
	return mode
}
