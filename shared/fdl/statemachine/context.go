package statemachine

import (
	"maps"
	"slices"
	"strings"

	"millrace/shared/expr"
	"millrace/shared/yamldoc"
)

// members maps the names of an object's members to the members of their values; nil means that any
// member may exist.
type members map[string]members

// context is the shape of $Context (docs/expressions.md#context).
var context = members{
	"Execution": {"Name": {}, "Input": nil, "RoleArn": {}},
	"Current": {"Name": {}, "Input": nil, "Output": nil, "Error": {"Code": {}, "Detail": {}},
		"RetryCount": {}, "TaskToken": {}},
	"Workflow": {"Flow": {}, "AccountId": {}, "Region": {}},
}

// contextHints are members that other languages have, with their equivalents in this one.
var contextHints = map[string]string{
	"Task.Token":                 "$Context.Current.TaskToken",
	"task.token":                 "$Context.Current.TaskToken",
	"Execution.Id":               "$Context.Execution.Name",
	"execution.name":             "$Context.Execution.Name",
	"flow.name":                  "$Context.Workflow.Flow",
	"State.Name":                 "$Context.Current.Name",
	"State.RetryCount":           "$Context.Current.RetryCount",
	"Current.Error.ErrorCode":    "$Context.Current.Error.Code",
	"Current.Error.ErrorMessage": "$Context.Current.Error.Detail",
	"Current.Error.Cause":        "$Context.Current.Error.Detail",
	"Current.Error.error":        "$Context.Current.Error.Code",
	"Current.Error.cause":        "$Context.Current.Error.Detail",
}

// checkContextPaths warns of selections from $Context that never exist.
func (c *compiler) checkContextPaths(e *expr.Expr, n *yamldoc.Node, path *yamldoc.Path) {
	for _, names := range e.Selections(expr.Context) {
		at := context
		for i, name := range names {
			if at == nil {
				break
			}
			below, known := at[name]
			if !known {
				c.Warn(n, path, c.contextHint(names, i, at), "$Context has no member %s",
					strings.Join(names[:i+1], "."))
				break
			}
			at = below
		}
	}
}

// contextHint returns the hint for names[i], which is not one of siblings.
func (c *compiler) contextHint(names []string, i int, siblings members) string {
	if known, ok := contextHints[strings.Join(names, ".")]; ok {
		return "write " + known
	}
	candidates := slices.Sorted(maps.Keys(siblings))
	if near := c.Suggest(names[i], candidates); near != "" || len(candidates) == 0 {
		return near
	}
	return "it has " + strings.Join(candidates, ", ")
}
