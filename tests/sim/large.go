package sim

import (
	"fmt"
	"slices"
	"strings"

	"millrace/shared/flow"
)

// large reports whether a run is large: its flows process hundreds of items or run long loops, and
// its executions have thousands of events.
func (w *World) large() bool {
	return w.mocked == nil && w.number("large")%largeEvery == 5 &&
		!slices.Contains(w.without, withoutLarge)
}

// largeEvery: one run of this many is large. A large run takes as long as about fifty others.
const largeEvery = 200

// largeFlows are the flows of large runs. Each has many iterations in flight, and results that do
// not fit into the events that produced them.
var largeFlows = []string{
	// A Map of calls, with many in flight at once.
	`{"Type": "StateMachine", "SpecVersion": "v1", "Name": "NAME", "StartAt": "M", "States": [
		{"Name": "M", "Type": "Map", "ItemsPath": "$Input.items", "MaxConcurrency": 50, "End": true,
			"Processor": {"StartAt": "T", "States": [CALL]}}]}`,
	// A Map of Maps without calls; its iterations are many and short.
	`{"Type": "StateMachine", "SpecVersion": "v1", "Name": "NAME", "StartAt": "M", "States": [
		{"Name": "M", "Type": "Map", "ItemsPath": "$Input.items", "End": true,
			"Processor": {"StartAt": "N", "States": [
				{"Name": "N", "Type": "Map", "ItemsPath": "[1,2,3]", "End": true,
					"Processor": {"StartAt": "P", "States": [{"Name": "P", "Type": "Pass", "End": true}]}}]}}]}`,
	// A loop with some hundred rounds, and a call in some of them.
	`{"Type": "StateMachine", "SpecVersion": "v1", "Name": "NAME", "StartAt": "P", "States": [
		{"Name": "P", "Type": "Pass", "GlobalConstructor": {"seen.$": "uuid()"}, "Next": "C"},
		{"Name": "C", "Type": "Choice", "Default": "P", "Branches": [
			{"Condition": "randomInt(0, 200) == 0", "Next": "E"},
			{"Condition": "randomInt(0, 20) == 0", "Next": "T"}]},
		{"Name": "T", "Type": "Task", "Action": "FC:InvokeFunction", "TaskMode": "RequestComplete",
			"Parameters": {"resourceArn": "acs:fc:::functions/f", "invocationType": "Sync"},
			"Catch": [{"Errors": ["FnF.ALL"], "Next": "P"}], "Next": "P"},
		{"Name": "E", "Type": "Succeed"}]}`,
	// The first one, in FlowV1.
	`{"version": "v1", "type": "flow", "steps": [
		{"type": "foreach", "name": "m", "iterationMapping": {"collection": "$.items", "item": "item", "index": "i"},
			"steps": [{"type": "task", "name": "t", "resourceArn": "acs:fc:::services/s/functions/f",
				"retry": [{"errors": ["FnF.ALL"], "intervalSeconds": 1, "maxAttempts": 2}],
				"catch": [{"errors": ["FnF.ALL"], "goto": "p"}]},
				{"type": "pass", "name": "p"}]}]}`,
}

// largeCall is the call of a Map's iteration. If it fails, it is retried, and then the error is
// caught.
const largeCall = `{"Name": "T", "Type": "Task", "Action": "FC:InvokeFunction", "TaskMode": "RequestComplete",
	"Parameters": {"resourceArn": "acs:fc:::functions/f", "invocationType": "Sync", "body": {"id.$": "uuid()"}},
	"Retry": [{"Errors": ["FnF.ALL"], "MaxAttempts": 2, "IntervalSeconds": 1}],
	"Catch": [{"Errors": ["FnF.ALL"], "Next": "P"}], "End": true},
	{"Name": "P", "Type": "Pass", "End": true}`

// largeFlow draws a flow of a large run and its input.
func (w *World) largeFlow(name string) definition {
	text := largeFlows[w.number("large flow "+name)%uint64(len(largeFlows))]
	text = strings.ReplaceAll(strings.ReplaceAll(text, "CALL", largeCall), "NAME", name)
	items := make([]any, []int{40, 100, 270}[w.number("large input "+name)%3])
	for i := range items {
		items[i] = fmt.Sprintf("item %d", i)
	}
	w.kinds["large flow"]++
	return definition{name: name, text: text, mode: flow.Standard,
		input: string(encode(map[string]any{"items": items}))}
}

// drawLarge sets the limits that a large run needs. It has one execution, and no small pages: a
// reader would request thousands of them.
func (w *World) drawLarge() {
	if !w.large() {
		return
	}
	w.limits.MapConcurrency, w.limits.IterationsV1 = 100, 100
	w.limits.Events = flow.DefaultLimits().Events
	w.calls, w.executionsMax = max(w.calls, 20), 1
	w.sizes.page, w.sizes.store.Rows, w.sizes.store.Part = 0, 0, 0
	w.sizes.events = max(w.sizes.events, 20) * min(w.sizes.events, 1)
}
