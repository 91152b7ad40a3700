package flowtest

import (
	"fmt"
	"slices"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/suggest"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// File is a file of test cases for one flow. docs/testing.md describes the format.
type File struct {
	Flow       string // path of the definition, relative to the file; "" if Definition is set
	Definition string
	FlowName   string // "": the name in the definition
	Mode       string
	Cases      []Case

	mistakes []mistake
}

// Case is one run and its expected result.
type Case struct {
	Name   string
	Line   int
	Setup  Setup
	Expect Expect

	names []mention
}

// Expect is the expected result of a run. A nil field is not compared.
type Expect struct {
	Status       string
	Output       any
	HasOutput    bool
	ErrorName    *string
	ErrorCause   *string
	Visited      []string
	Waits        [][]any                  // [state, seconds or instant]
	States       map[string][]StateExpect // by state, one per entry
	Calls        map[string][]any         // by state, one per attempt: the whole parameters
	CallsInclude map[string][]any         // like Calls, but only the listed members
	Inputs       map[string][]any         // FlowV1: the input of each attempt, by state
	Events       [][]any                  // [id, schedule id, type, state, detail]
}

// StateExpect is the expected input and output of one entry of a state.
type StateExpect struct {
	Input, Output       any
	HasInput, HasOutput bool
}

// fileBytes is the largest file of test cases, in bytes.
const fileBytes = 8 << 20

// Load parses a file of test cases, YAML or JSON. An error with several mistakes unwraps to a list
// of them, in the order of the file; each begins with its line and column. The file is what could
// be read in spite of them, or nil if the text is no YAML.
func Load(text []byte) (*File, error) {
	report := yamldoc.NewReport(text)
	root := yamldoc.Parse(text, fileBytes, report)
	if root == nil || report.Failed() {
		first := report.Diagnostics()[0]
		what := first.Message
		if first.Hint != "" {
			what += "; " + first.Hint
		}
		return nil, fmt.Errorf("%d:%d: %s", first.Line, first.Column, what)
	}
	l := &loader{}
	f := l.file(root)
	f.mistakes = l.mistakes
	return f, join(l.mistakes)
}

// loader reads YAML nodes and collects their mistakes.
type loader struct {
	mistakes []mistake
	names    []mention // of the case that is being read
}

func (l *loader) fail(n *yamldoc.Node, format string, args ...any) {
	l.failAt(n.Line, n.Column, format, args...)
}

func (l *loader) failAt(line, column int, format string, args ...any) {
	if len(l.mistakes) <= mistakesMax {
		l.mistakes = append(l.mistakes, mistake{line, column, fmt.Sprintf(format, args...)})
	}
}

// recordName records that the case names a state.
func (l *loader) recordName(name, where string, line, column int) {
	l.names = append(l.names, mention{name, where, line, column})
}

func (l *loader) mapping(n *yamldoc.Node, what string) bool {
	if n.Kind != yamldoc.Map {
		l.fail(n, "%s must be a mapping, not %s", what, n.Kind)
		return false
	}
	return true
}

func (l *loader) list(n *yamldoc.Node, what string) []*yamldoc.Node {
	if n.Kind != yamldoc.List {
		l.fail(n, "%s must be a list, not %s", what, n.Kind)
		return nil
	}
	return n.Items
}

func (l *loader) text(n *yamldoc.Node, what string) string {
	if n.Kind != yamldoc.String {
		l.fail(n, "%s must be a text, not %s", what, n.Kind)
	}
	return n.Text
}

func (l *loader) file(n *yamldoc.Node) *File {
	f := &File{Mode: flow.Standard}
	if !l.mapping(n, "a file of cases") {
		return f
	}
	if (n.Has("Type") || n.Has("type")) && !n.Has("cases") {
		l.fail(n,
			"this is a definition; its cases stand in a file of their own, "+
				"which names it: flow: FILE")
		return f
	}
	for _, m := range n.Fields {
		switch m.Key {
		case "flow":
			f.Flow = l.text(m.Value, m.Key)
		case "definition":
			f.Definition = l.text(m.Value, m.Key)
		case "flowName":
			f.FlowName = l.text(m.Value, m.Key)
		case "mode":
			if f.Mode = l.text(m.Value, m.Key); f.Mode != flow.Standard && f.Mode != flow.Express {
				l.fail(m.Value, "mode must be Standard or Express")
			}
		case "cases":
			for _, c := range l.list(m.Value, m.Key) {
				f.Cases = append(f.Cases, l.testCase(c))
			}
		case "id", "about", "tag", "source", "sources", "note":
		default:
			l.unknown(m, "flow, definition, flowName, mode, cases, about, note")
		}
	}
	if f.Flow == "" && f.Definition == "" {
		l.fail(n, "name the flow to test: flow: FILE, or definition: | with its text")
	}
	if len(f.Cases) == 0 {
		l.fail(n, "no cases")
	}
	return f
}

func (l *loader) unknown(m yamldoc.Field, known string) {
	hint := suggest.Hint(m.Key, strings.Split(known, ", "))
	if hint == "" {
		hint = "known here: " + known
	}
	l.failAt(m.Line, m.Column, "unknown key %s; %s", value.Quote(m.Key), hint)
}

func (l *loader) testCase(n *yamldoc.Node) Case {
	c := Case{Line: n.Line, Setup: Setup{ExecutionName: "exec-1"}}
	l.names = nil
	if !l.mapping(n, "a case") {
		return c
	}
	for _, m := range n.Fields {
		switch m.Key {
		case "name":
			c.Name = l.text(m.Value, m.Key)
		case "executionName":
			c.Setup.ExecutionName = l.text(m.Value, m.Key)
		case "roleArn":
			c.Setup.RoleArn = l.text(m.Value, m.Key)
		case "input":
			if l.mapping(m.Value, m.Key) {
				c.Setup.Input = m.Value.Value()
			}
		case "tasks":
			c.Setup.Tasks = l.tasks(m.Value)
		case "items":
			c.Setup.Items = l.items(m.Value)
		case "expect":
			l.expect(m.Value, &c.Expect)
		case "events":
			c.Expect.Events = l.rows(m.Value, m.Key)
		case "basis", "note", "tag", "eventsTag":
		default:
			l.unknown(m, "name, executionName, roleArn, input, tasks, items, expect, "+
				"events, note")
		}
	}
	if x := n.Get("expect"); !n.Has("events") && (x == nil || len(x.Fields) == 0) {
		c.Expect.Status = flow.Succeeded.String()
	}
	c.names = l.names
	return c
}

func (l *loader) tasks(n *yamldoc.Node) map[string][]Outcome {
	out := map[string][]Outcome{}
	if !l.mapping(n, "tasks") {
		return out
	}
	for _, m := range n.Fields {
		l.recordName(m.Key, inTasks, m.Line, m.Column)
		for _, o := range l.list(m.Value, "the outcomes of "+m.Key) {
			out[m.Key] = append(out[m.Key], l.outcome(o))
		}
	}
	return out
}

// items reads what the ItemReaders of Maps read: a list of items, or an error.
func (l *loader) items(n *yamldoc.Node) map[string]ItemList {
	out := map[string]ItemList{}
	if !l.mapping(n, inItems) {
		return out
	}
	for _, m := range n.Fields {
		l.recordName(m.Key, inItems, m.Line, m.Column)
		if m.Value.Kind == yamldoc.Map {
			o := l.outcome(m.Value)
			if o.Error == nil || o.Return != nil || o.Callback != nil {
				l.fail(m.Value, "the items of %s are a list, or {error: NAME, cause: TEXT}", m.Key)
			}
			out[m.Key] = ItemList{Error: o.Error}
			continue
		}
		var list ItemList
		for _, item := range l.list(m.Value, "the items of "+m.Key) {
			list.Items = append(list.Items, item.Value())
		}
		out[m.Key] = list
	}
	return out
}

func (l *loader) outcome(n *yamldoc.Node) Outcome {
	var o Outcome
	if !l.mapping(n, "an outcome") {
		return o
	}
	if n.Has("error") && n.Has("callback") {
		l.fail(n, "either an error or a callback is reported, not both")
	}
	for _, m := range n.Fields {
		switch m.Key {
		case "return", "result":
			o.Return = m.Value.Value()
		case "callback":
			if l.mapping(m.Value, "callback, as the output of a report,") {
				o.Callback = m.Value.Value()
			}
		case "error":
			name, cause := l.failure(m.Value)
			if o.Error == nil {
				o.Error = &flow.Error{}
			}
			o.Error.Name = name
			if cause != "" {
				o.Error.Cause = cause
			}
		case "cause":
			if o.Error == nil {
				o.Error = &flow.Error{}
			}
			o.Error.Cause = l.text(m.Value, m.Key)
		default:
			l.unknown(m, "return, callback, error, cause")
		}
	}
	return o
}

// failure reads an error: its name, or {Code, Detail}.
func (l *loader) failure(n *yamldoc.Node) (name, cause string) {
	if n.Kind == yamldoc.String {
		return n.Text, ""
	}
	if !l.mapping(n, "error") {
		return "", ""
	}
	for _, m := range n.Fields {
		switch m.Key {
		case "Code":
			name = l.text(m.Value, m.Key)
		case "Detail":
			cause = l.text(m.Value, m.Key)
		default:
			l.unknown(m, "Code, Detail")
		}
	}
	return name, cause
}

func (l *loader) expect(n *yamldoc.Node, x *Expect) {
	if !l.mapping(n, "expect") {
		return
	}
	for _, m := range n.Fields {
		switch m.Key {
		case "status":
			x.Status = l.text(m.Value, m.Key)
			l.status(m.Value)
		case "output":
			x.Output, x.HasOutput = m.Value.Value(), true
		case "error":
			l.expectError(m.Value, x)
		case "cause":
			cause := l.text(m.Value, m.Key)
			x.ErrorCause = &cause
		case "visited", "stepsEntered":
			x.Visited = []string{}
			for _, s := range l.list(m.Value, m.Key) {
				x.Visited = append(x.Visited, l.state(s, m.Key))
			}
		case "waits":
			x.Waits = l.rows(m.Value, m.Key)
			for _, r := range m.Value.Items {
				if len(r.Items) > 0 {
					l.state(r.Items[0], m.Key)
				}
			}
		case "states":
			x.States = l.states(m.Value)
		case "calls", "serviceParams":
			x.Calls = l.perState(m.Value, m.Key)
		case "callsInclude":
			x.CallsInclude = l.perState(m.Value, m.Key)
		case "taskInputs":
			x.Inputs = l.perState(m.Value, m.Key)
		default:
			l.unknown(m,
				"status, output, error, cause, visited, waits, states, calls, callsInclude, "+
					"taskInputs")
		}
	}
}

// status checks the status of an execution that has ended. Nothing stops an execution in a test.
func (l *loader) status(n *yamldoc.Node) {
	ends := []string{flow.Succeeded.String(), flow.Failed.String(), flow.TimedOut.String()}
	if n.Kind != yamldoc.String || slices.Contains(ends, n.Text) {
		return
	}
	text := "status must be Succeeded, Failed or TimedOut, not " + value.Quote(n.Text)
	if hint := suggest.Hint(n.Text, ends); hint != "" {
		text += "; " + hint
	}
	l.fail(n, "%s", text)
}

func (l *loader) expectError(n *yamldoc.Node, x *Expect) {
	if n.Kind == yamldoc.String {
		x.ErrorName = &n.Text
		return
	}
	if !l.mapping(n, "error") {
		return
	}
	for _, m := range n.Fields {
		text := l.text(m.Value, m.Key)
		switch m.Key {
		case "Code":
			x.ErrorName = &text
		case "Detail":
			x.ErrorCause = &text
		default:
			l.unknown(m, "Code, Detail")
		}
	}
}

// rows reads a list of lists.
func (l *loader) rows(n *yamldoc.Node, what string) [][]any {
	out := [][]any{}
	for _, r := range l.list(n, what) {
		row, ok := r.Value().([]any)
		if !ok {
			l.fail(r, "each of %s must be a list", what)
		}
		out = append(out, row)
	}
	return out
}

func (l *loader) states(n *yamldoc.Node) map[string][]StateExpect {
	out := map[string][]StateExpect{}
	if !l.mapping(n, "states") {
		return out
	}
	for _, m := range n.Fields {
		l.recordName(m.Key, "states", m.Line, m.Column)
		out[m.Key] = []StateExpect{} // an empty list expects no entry
		for _, e := range l.list(m.Value, "the entries of "+m.Key) {
			var s StateExpect
			if l.mapping(e, "an entry") {
				for _, f := range e.Fields {
					switch f.Key {
					case "input":
						s.Input, s.HasInput = f.Value.Value(), true
					case "output":
						s.Output, s.HasOutput = f.Value.Value(), true
					default:
						l.unknown(f, "input, output")
					}
				}
			}
			out[m.Key] = append(out[m.Key], s)
		}
	}
	return out
}

// state reads the name of a state.
func (l *loader) state(n *yamldoc.Node, where string) string {
	name := l.text(n, "the name of a state")
	if n.Kind == yamldoc.String {
		l.recordName(name, where, n.Line, n.Column)
	}
	return name
}

// pairs reads a list of [state, value].
func (l *loader) pairs(n *yamldoc.Node, where string, out map[string][]any) {
	for _, p := range n.Items {
		if p.Kind != yamldoc.List || len(p.Items) != 2 {
			l.fail(p, "each must be [state, value]")
			continue
		}
		name := l.state(p.Items[0], where)
		out[name] = append(out[name], p.Items[1].Value())
	}
}

// perState reads values by state, one per attempt: {state: [value, …]} or [[state, value], …].
func (l *loader) perState(n *yamldoc.Node, where string) map[string][]any {
	out := map[string][]any{}
	if n.Kind == yamldoc.List {
		l.pairs(n, where, out)
		return out
	}
	if !l.mapping(n, "the values by state") {
		return out
	}
	for _, m := range n.Fields {
		l.recordName(m.Key, where, m.Line, m.Column)
		out[m.Key] = []any{} // an empty list expects no call
		for _, v := range l.list(m.Value, "the values of "+m.Key) {
			out[m.Key] = append(out[m.Key], v.Value())
		}
	}
	return out
}
