package flowv1

import (
	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// kind describes one step type.
type kind struct {
	kind flow.Kind
	keys []string
}

var kinds = map[string]*kind{
	"pass":    {flow.Pass, keys("end")},
	"wait":    {flow.Wait, keys("end", "duration", "timestamp")},
	"succeed": {flow.Succeed, keys()},
	"fail":    {flow.Fail, keys("error", "cause")},
	"choice":  {flow.Choice, keys("end", "choices", "default")},
	"parallel": {flow.Parallel,
		keys("end", "branches")},
	"foreach": {flow.Map, keys("end", "iterationMapping", "steps")},
	"task": {flow.Task, keys("end", "resourceArn", "action", "pattern", "timeoutSeconds",
		"serviceParams",
		"retry", "catch", "errorMappings")},
}

var typeNames = []string{"task", "pass", "wait", "succeed", "fail", "choice", "parallel", "foreach"}

func keys(own ...string) []string {
	return append(own, "type", "name", "inputMappings", "outputMappings")
}

// step checks and compiles one step, the i-th of its list. Its node number comes before those of
// the steps inside it.
func (c *compiler) step(n *yamldoc.Node, path *yamldoc.Path, s *siblings, i int) *flow.State {
	st := &flow.State{Node: len(c.machine.Nodes), Line: n.Line, Next: flow.End}
	c.machine.Nodes = append(c.machine.Nodes, st)
	c.lint.State(n, path)
	if !c.mapping(n, path) {
		return st
	}
	st.Name = c.name(n, path)
	k := c.kind(n, path)
	if k == nil {
		return st
	}
	st.Kind = k.kind
	c.stepKeys(n, path, k)
	if end := c.typed(n, path, "end", yamldoc.Bool); i+1 < len(s.names) &&
		!(end != nil && end.True()) && k.kind != flow.Succeed && k.kind != flow.Fail {
		st.Next = i + 1
	}
	at := mappingContext{step: true, token: k.kind == flow.Task && waitsForCallback(n)}
	st.Input = c.mappings(n, path, "inputMappings", rootsMapping, at)
	at.local = localShapeOf(k.kind)
	st.Output = c.mappings(n, path, "outputMappings", rootsMapping, at)
	c.body(n, path, s, st)
	return st
}

func (c *compiler) kind(n *yamldoc.Node, path *yamldoc.Path) *kind {
	if n.Get("type") == nil {
		c.Error("F03", n, path.Key("type"), "", "is missing")
		return nil
	}
	t := c.text(n, path, "type")
	if t == nil {
		return nil
	}
	k := kinds[t.Text]
	switch {
	case t.Text == "loop":
		c.Error("F03", t, path.Key("type"), "a choice that goes back with goto makes a loop",
			"loop is not supported")
	case k == nil:
		c.Error("F03", t, path.Key("type"), c.Suggest(t.Text, typeNames),
			"there is no step type %q", cut(t.Text))
	}
	return k
}

// keyHints are hints for keys that people expect.
var keyHints = map[string]string{
	"heartbeatSeconds": "there is no heartbeat; use timeoutSeconds",
	"goto":             "only options of a choice and catch entries have a goto",
	"maxConcurrency":   "the number of iterations at once cannot be set",
	"concurrency":      "the number of iterations at once cannot be set",
	"errorCode":        "did you mean 'error'?",
	"errorMessage":     "did you mean 'cause'?",
	"retry":            "only tasks have retry; put the step into a child flow",
	"catch":            "only tasks have catch; put the step into a child flow",
	"next":             "steps run in the order of the list; use a choice with goto to jump",
}

func (c *compiler) stepKeys(n *yamldoc.Node, path *yamldoc.Path, k *kind) {
	for i := range n.Fields {
		f := &n.Fields[i]
		if contains(k.keys, f.Key) {
			continue
		}
		hint := keyHints[f.Key]
		if hint == "" {
			hint = c.Suggest(f.Key, k.keys)
		}
		c.ErrorKey("F03", f, path.Key(f.Key), hint, "unknown key")
	}
}

// body compiles the keys of the step's type.
func (c *compiler) body(n *yamldoc.Node, path *yamldoc.Path, s *siblings, st *flow.State) {
	switch st.Kind {
	case flow.Wait:
		st.Wait = c.wait(n, path)
	case flow.Fail:
		st.Fail = &flow.FailSpec{Code: c.constant(n, path, "error"),
			Detail: c.constant(n, path, "cause")}
	case flow.Choice:
		st.Choice = c.choice(n, path, s)
	case flow.Parallel:
		st.Parallel = c.parallel(n, path, s)
	case flow.Map:
		st.Map = c.foreach(n, path, s)
	case flow.Task:
		c.task(n, path, s, st)
	}
}

// constant compiles a string that is used as it is. It returns nil if there is none.
func (c *compiler) constant(n *yamldoc.Node, path *yamldoc.Path, key string) *expr.Template {
	v := c.text(n, path, key)
	if v == nil {
		return nil
	}
	if isPath(v.Text) || rootAt(v.Text) != "" {
		c.Warn(v, path.Key(key), "what a fail step says is fixed",
			"is a constant, its text is not evaluated")
	}
	return expr.Constant(v.Text)
}
