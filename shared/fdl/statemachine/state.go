package statemachine

import (
	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// kind describes one state type.
type kind struct {
	kind          flow.Kind
	fields        []string // fields that the type uses
	ignored       []string // fields of other types that have no effect here
	hasNext       bool     // has Next or End
	handlesErrors bool     // may have Retry and Catch
}

var commonFields = []string{
	"Name", "Type", "Description", "InputConstructor", "OutputConstructor", "GlobalConstructor",
	"Next", "End", "Retry", "Catch",
}

// typeNames are the eight types, for suggestions.
var typeNames = []string{"Task", "Pass", "Wait", "Succeed", "Fail", "Choice", "Parallel", "Map"}

var kinds = map[string]*kind{
	"Pass":    {kind: flow.Pass, fields: fields(), hasNext: true},
	"Wait":    {kind: flow.Wait, fields: fields("Seconds", "Seconds.$"), hasNext: true},
	"Succeed": {kind: flow.Succeed, fields: fields(), ignored: []string{"Next"}},
	"Fail": {kind: flow.Fail, fields: fields("Code", "Code.$", "Detail", "Detail.$"),
		ignored: []string{"Next", "OutputConstructor", "GlobalConstructor"}},
	"Choice": {kind: flow.Choice, fields: fields("Branches", "Default")},
	"Parallel": {kind: flow.Parallel, fields: fields("Branches"), hasNext: true,
		handlesErrors: true},
	"Map": {kind: flow.Map, hasNext: true, handlesErrors: true, fields: fields(
		"ItemsPath", "Processor", "MaxConcurrency", "MaxConcuccency", "ProcessorConfig",
		"ItemConstructor",
		"ItemReader", "ItemBatcher", "ResultWriter", "MaxItems", "MaxItems.$",
		"ToleratedFailurePercentage", "ToleratedFailurePercentage.$", "ToleratedFailureCount",
		"ToleratedFailureCount.$")},
	"Task": {kind: flow.Task, fields: fields("Action", "TaskMode", "Parameters", "Timeout",
		"Timeout.$"), hasNext: true, handlesErrors: true},
}

func fields(own ...string) []string { return append(own, commonFields...) }

// The roots that exist at the places of a state.
const (
	rootsInput  = expr.Input | expr.Context | expr.Global
	rootsOutput = rootsInput | expr.Output
	rootsItem   = rootsInput | expr.Item
)

// state checks and compiles one state. Its node number comes before those of the states inside it.
func (c *compiler) state(n *yamldoc.Node, path *yamldoc.Path, s *scope) *flow.State {
	st := &flow.State{Node: len(c.machine.Nodes), Line: n.Line, Next: flow.End}
	c.machine.Nodes = append(c.machine.Nodes, st)
	c.lint.State(n, path)
	outer := c.reader
	defer func() { c.reader = outer }()
	c.reader = reader{state: st}
	if n.Kind != yamldoc.Map {
		return st // reported with the names
	}
	st.Name = nameOf(n)
	k := c.kind(n, path)
	if k == nil {
		return st
	}
	st.Kind = k.kind
	c.checkFields(n, path, k)
	c.description(n, path)
	c.reader.raw = true
	st.Input = c.constructor(n, path, "InputConstructor", rootsInput)
	c.reader.raw = false
	st.Output = c.constructor(n, path, "OutputConstructor", rootsOutput)
	st.Global = c.constructor(n, path, "GlobalConstructor", rootsOutput)
	c.next(n, path, k, s, st)
	c.rules(n, path, k, s, st)
	c.body(n, path, s, st)
	return st
}

// nameOf returns the name of a state as it is written.
func nameOf(n *yamldoc.Node) string {
	if name := n.Get("Name"); name != nil {
		return name.Text
	}
	return ""
}

func (c *compiler) kind(n *yamldoc.Node, path *yamldoc.Path) *kind {
	t := n.Get("Type")
	switch {
	case t == nil:
		c.Error("V07", n, path.Key("Type"), "", "is missing")
		return nil
	case t.Kind != yamldoc.String:
		c.Error("V07", t, path.Key("Type"), "", "must be a string, not %s", t.Kind)
		return nil
	}
	k := kinds[t.Text]
	if k == nil {
		c.Error("V07", t, path.Key("Type"), c.Suggest(t.Text, typeNames),
			"there is no state type %q", cut(t.Text))
	}
	return k
}

// body compiles the fields of the state's type.
func (c *compiler) body(n *yamldoc.Node, path *yamldoc.Path, s *scope, st *flow.State) {
	switch st.Kind {
	case flow.Wait:
		st.Wait = c.wait(n, path, s)
	case flow.Fail:
		st.Fail = c.fail(n, path)
	case flow.Choice:
		st.Choice = c.choice(n, path, s)
	case flow.Parallel:
		st.Parallel = c.parallel(n, path, s)
	case flow.Map:
		st.Map = c.mapState(n, path, s)
	case flow.Task:
		st.Task = c.task(n, path, s)
		c.callback(n, path, s, st)
	}
}

// checkFields warns of fields that have no effect and rejects fields that contradict each other.
func (c *compiler) checkFields(n *yamldoc.Node, path *yamldoc.Path, k *kind) {
	written := plainKeys(n)
	for i := range n.Fields {
		f := &n.Fields[i]
		if f.Value.Kind == yamldoc.Null {
			continue
		}
		plain, suffixed := unsuffix(f.Key)
		_, again := written[plain]
		switch {
		case suffixed && plain == "":
			c.ErrorKey("V18", f, path.Key(f.Key), "write the member's name before .$",
				"a key must not be the suffix alone")
		case suffixed && again && n.Get(plain) != nil:
			c.suffixConflict(f, path, plain)
		case contains(k.ignored, f.Key):
			c.WarnKey(f, path.Key(f.Key), "", "has no effect on this type of state")
		case contains(k.fields, f.Key):
		case suffixed && contains(k.fields, plain):
			c.WarnKey(f, path.Key(f.Key), "write "+plain+" without the suffix",
				"unknown field, ignored: %s takes no suffix", plain)
		default:
			c.unknownField(f, path, k.fields)
		}
	}
}

func (c *compiler) suffixConflict(f *yamldoc.Field, path *yamldoc.Path, plain string) {
	c.ErrorKey("V18", f, path.Key(f.Key), "keep one of the two",
		"%s stands here with and without the suffix .$", cut(plain))
}

func (c *compiler) description(n *yamldoc.Node, path *yamldoc.Path) {
	if d := n.Get("Description"); d != nil && (d.Kind == yamldoc.List || d.Kind == yamldoc.Map) {
		c.Warn(d, path.Key("Description"), "", "should be a string, not %s", d.Kind)
	}
}

// next resolves Next and End.
func (c *compiler) next(n *yamldoc.Node, path *yamldoc.Path, k *kind, s *scope, st *flow.State) {
	next, end := n.Get("Next"), n.Get("End")
	if end != nil && end.Kind != yamldoc.Bool {
		c.Error("V09", end, path.Key("End"), "", "must be true or false, not %s", end.Kind)
	}
	ends := end != nil && end.True()
	switch {
	case k.kind == flow.Choice:
		if next != nil {
			c.Error("V10", next, path.Key("Next"), "put the target into Default",
				"a Choice has no Next")
		}
		if ends {
			c.Error("V10", end, path.Key("End"), "let Default name a Succeed state",
				"a Choice has no End")
		}
	case !k.hasNext:
	case next != nil:
		if i, _ := c.target("V08", next, path.Key("Next"), s); !ends {
			st.Next = i
		} else {
			c.Warn(next, path.Key("Next"), "leave one of them out",
				"is not followed, because End is true")
		}
	case !ends && (end == nil || end.Kind == yamldoc.Bool):
		hint := "write End: true, or Next with the name of a state"
		if after := s.after(st.Name); after != "" {
			hint = "write Next: " + after + " or End: true"
		}
		c.Error("V09", n, path, hint, "has neither Next nor End: true")
	}
}

// wait compiles Seconds.
func (c *compiler) wait(n *yamldoc.Node, path *yamldoc.Path, s *scope) *flow.WaitSpec {
	secondsMax := c.limits.WaitSeconds
	if s.mode == flow.Express {
		secondsMax = c.limits.WaitSecondsExpr
	}
	if e := n.Get("Seconds.$"); e != nil {
		return &flow.WaitSpec{Seconds: c.suffixedExpression(e, path.Key("Seconds.$"), rootsInput)}
	}
	seconds := n.Get("Seconds")
	if seconds == nil {
		c.Error("V12", n, path.Key("Seconds"), "", "is missing")
		return nil
	}
	if i, ok := seconds.Int(); !ok || i < 1 || i > secondsMax {
		hint := ""
		switch {
		case seconds.Kind == yamldoc.String && startsWithDigit(seconds.Text):
			hint = "write the number of seconds, without a unit and without quotes"
		case seconds.Kind == yamldoc.String:
			hint = "an expression needs the key Seconds.$"
		case ok && i > secondsMax && s.mode != flow.Express:
			hint = "for longer, put several in a row, or use a task that waits for a callback " +
				"and has a Timeout"
		}
		c.Error("V12", seconds, path.Key("Seconds"), hint, "must be an integer from 1 to %d",
			secondsMax)
		return nil
	}
	return &flow.WaitSpec{Seconds: expr.Constant(seconds.Value())}
}

func startsWithDigit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

// fail compiles Code and Detail.
func (c *compiler) fail(n *yamldoc.Node, path *yamldoc.Path) *flow.FailSpec {
	return &flow.FailSpec{Code: c.text(n, path, "Code"), Detail: c.text(n, path, "Detail")}
}

// text compiles a constant string or its suffixed form. It returns nil if neither is present.
func (c *compiler) text(n *yamldoc.Node, path *yamldoc.Path, key string) *expr.Template {
	if e := n.Get(key + ".$"); e != nil {
		return c.suffixedExpression(e, path.Key(key+".$"), rootsInput)
	}
	v := n.Get(key)
	switch {
	case v == nil:
		return nil
	case v.Kind == yamldoc.List || v.Kind == yamldoc.Map:
		c.Error("V07", v, path.Key(key), "", "must be a string, not %s", v.Kind)
		return nil
	case v.Kind != yamldoc.String:
		c.Warn(v, path.Key(key), "put it in quotes", "should be a string, not %s", v.Kind)
	}
	c.constant(v, path.Key(key), "an expression needs the key "+key+suffix)
	return expr.Constant(v.Text)
}
