package statemachine

import (
	"fmt"
	"strings"

	"millrace/shared/arn"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// action describes an action of the StateMachine dialect. The zero value describes any other API:
// RequestComplete only, parameters passed on unchecked.
type action struct {
	modeMax    flow.TaskMode // the last mode it supports
	system     bool          // supports WaitForSystemCallback too
	parameters []parameter
}

// modes returns the names of the task modes that an action supports.
func (a action) modes() (names []string) {
	for i, name := range modeNames {
		mode := flow.TaskMode(i)
		if mode <= a.modeMax && (mode != flow.WaitForSystemCallback || a.system) {
			names = append(names, name)
		}
	}
	return names
}

// parameter is one member of Parameters. check returns the reason why a constant is wrong, or "" if
// it is right.
type parameter struct {
	name     string
	required bool
	check    func(*yamldoc.Node) string
}

const custom = flow.WaitForCustomCallback

// parameterWords are the values of parameters that have few, for suggestions.
var parameterWords = map[string][]string{
	"invocationType": {"Sync", "Async"},
	"method":         {"GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"},
}

var actions = map[string]action{
	"FC:InvokeFunction": {modeMax: custom, system: true, parameters: []parameter{
		{"resourceArn", true, resource(arn.Function)},
		{"invocationType", true, oneOf("Sync", "Async")},
		{"body", false, nil},
	}},
	"Lambda:Invoke": {modeMax: custom, system: true, parameters: []parameter{
		{"functionArn", true, ofKind(yamldoc.String)},
		{"invocationType", false, oneOf("Sync", "Async")},
		{"body", false, nil},
	}},
	"FNF:StartExecution": {modeMax: custom, system: true, parameters: []parameter{
		{"resourceArn", true, resource(arn.Flow)},
		{"executionName", false, executionName},
		{"qualifier", false, qualifier},
		{"input", false, ofKind(yamldoc.Map)},
	}},
	"HTTP:Request": {modeMax: custom, parameters: []parameter{
		{"url", true, url},
		{"method", true, method},
		{"headers", false, ofKind(yamldoc.Map)},
		{"body", false, nil},
	}},
	"MNS:SendMessage": {modeMax: custom, parameters: []parameter{
		{"resourceArn", true, resource(arn.Queue, arn.Topic)},
		{"message", true, message},
		{"priority", false, integer(1, 16)},
		{"delaySeconds", false, integer(0, 604800)},
		{"messageTag", false, ofKind(yamldoc.String)},
		{"messageAttributes", false, ofKind(yamldoc.Map)},
	}},
	"EventBridge:PutEvents": {modeMax: custom, parameters: []parameter{
		{"id", true, ofKind(yamldoc.String)},
		{"source", true, ofKind(yamldoc.String)},
		{"type", true, ofKind(yamldoc.String)},
		{"eventBusName", true, ofKind(yamldoc.String)},
		{"subject", false, ofKind(yamldoc.String)},
		{"data", false, nil},
	}},
	"SMS:SendSms": {modeMax: custom, parameters: []parameter{
		{"phoneNumbers", true, ofKind(yamldoc.String)},
		{"signName", true, ofKind(yamldoc.String)},
		{"templateCode", true, ofKind(yamldoc.String)},
		{"templateParam", false, ofKind(yamldoc.Map)},
	}},
	"OSS:GetObject": {parameters: []parameter{
		{"bucket", true, ofKind(yamldoc.String)},
		{"key", true, ofKind(yamldoc.String)},
		{"region", false, ofKind(yamldoc.String)},
		{"versionId", false, ofKind(yamldoc.String)},
		{"range", false, ofKind(yamldoc.String)},
		{"ifMatch", false, ofKind(yamldoc.String)},
		{"ifNoneMatch", false, ofKind(yamldoc.String)},
	}},
}

// parameters checks the constants of a known action. A member with the suffix is an expression, and
// its value is checked only when the task runs.
func (c *compiler) parameters(
	n *yamldoc.Node, path *yamldoc.Path, name string, given *yamldoc.Node,
) {
	known := actions[name].parameters
	at := path.Key("Parameters")
	if given == nil {
		given = &yamldoc.Node{Kind: yamldoc.Map, Line: n.Line, Column: n.Column}
	}
	if given.Kind != yamldoc.Map {
		return // reported with the template
	}
	for _, p := range known {
		c.parameter(given, at, name, p)
	}
	if known == nil {
		return
	}
	names := make([]string, len(known))
	for i, p := range known {
		names[i] = p.name
	}
	for i := range given.Fields {
		key, _ := unsuffix(given.Fields[i].Key)
		if contains(names, key) {
			continue
		}
		if hint := c.Suggest(key, names); hint != "" {
			c.WarnKey(&given.Fields[i], at.Key(given.Fields[i].Key), hint,
				"%s has no such parameter", name)
		}
	}
}

func (c *compiler) parameter(given *yamldoc.Node, path *yamldoc.Path, action string, p parameter) {
	if given.Has(p.name + suffix) {
		return
	}
	v := given.Get(p.name)
	if v == nil {
		if p.required {
			c.Error("V13", given, path.Key(p.name), "", "is missing; %s needs it", action)
		}
		return
	}
	if p.check == nil {
		return
	}
	if reason := p.check(v); reason != "" {
		hint := ""
		if v.Kind == yamldoc.String && startsWithRoot(v.Text) {
			hint = "an expression needs the key " + p.name + ".$"
		} else if v.Kind != yamldoc.String && strings.HasPrefix(reason, "must be a string") {
			hint = "put it in quotes"
		} else {
			hint = c.Suggest(v.Text, parameterWords[p.name])
		}
		c.Error("V13", v, path.Key(p.name), hint, "%s", reason)
	}
}

func ofKind(kind yamldoc.Kind) func(*yamldoc.Node) string {
	return func(n *yamldoc.Node) string {
		if n.Kind == kind {
			return ""
		}
		return "must be " + kind.String() + ", not " + n.Kind.String()
	}
}

func oneOf(words ...string) func(*yamldoc.Node) string {
	return func(n *yamldoc.Node) string {
		if n.Kind == yamldoc.String && contains(words, n.Text) {
			return ""
		}
		return "must be " + strings.Join(words, " or ")
	}
}

func integer(valueMin, valueMax int64) func(*yamldoc.Node) string {
	reason := fmt.Sprintf("must be an integer from %d to %d", valueMin, valueMax)
	return func(n *yamldoc.Node) string {
		if i, ok := n.Int(); ok && i >= valueMin && i <= valueMax {
			return ""
		}
		return reason
	}
}

func resource(targets ...arn.Target) func(*yamldoc.Node) string {
	return func(n *yamldoc.Node) string {
		if n.Kind != yamldoc.String {
			return "must be a string, not " + n.Kind.String()
		}
		target, _ := arn.TargetOf(n.Text)
		forms := make([]string, len(targets))
		for i, t := range targets {
			if t == target {
				return ""
			}
			forms[i] = arn.Forms[t]
		}
		return "must be like " + strings.Join(forms, " or ")
	}
}

func executionName(n *yamldoc.Node) string {
	if n.Kind == yamldoc.String && flow.ValidName(n.Text) {
		return ""
	}
	return "must be a string of 1 to 128 ASCII letters, digits, _ and -, the first a letter or _"
}

func qualifier(n *yamldoc.Node) string {
	if i, ok := n.Int(); ok && i > 0 || n.Kind == yamldoc.String && flow.ValidQualifier(n.Text) {
		return ""
	}
	return "must be the number of a version or the name of an alias"
}

func url(n *yamldoc.Node) string {
	if n.Kind != yamldoc.String {
		return "must be a string, not " + n.Kind.String()
	}
	scheme, rest, ok := strings.Cut(n.Text, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") ||
		rest == "" || rest[0] == '/' || strings.ContainsAny(n.Text, " \t\r\n") {
		return "must be a full URL like https://example.com/path"
	}
	return ""
}

func method(n *yamldoc.Node) string {
	methods := parameterWords["method"]
	if n.Kind == yamldoc.String && contains(methods, strings.ToUpper(n.Text)) {
		return ""
	}
	return "must be one of " + strings.Join(methods, ", ")
}

func message(n *yamldoc.Node) string {
	switch n.Kind {
	case yamldoc.String, yamldoc.Map, yamldoc.List:
		return ""
	}
	return "must be a string or a structure, not " + n.Kind.String()
}
