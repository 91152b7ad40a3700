package main

import (
	"fmt"
	"strings"
)

const header = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: %s\nStates:\n"

// taskState returns a state that posts the order to the task server. next is "" for the last state.
func (b *bench) taskState(name, next, more string) string {
	end := "End: true"
	if next != "" {
		end = "Next: " + next
	}
	return fmt.Sprintf(`- Name: %s
  Type: Task
  Action: HTTP:Request
  Parameters:
    url: %s
    method: POST
    body: {order.$: $Input.order}
%s  %s
`, name, b.tasks.url, more, end)
}

// keepOrder passes the order on: the output of a task is the input of the next one.
const keepOrder = "  OutputConstructor: {order.$: $Output.Body.order}\n"

const passState = "- {Name: P, Type: Pass, End: true}\n"

// passFlow returns a flow with one Pass state.
func passFlow(name string) string { return fmt.Sprintf(header, name, "P") + passState }

// waitFlow returns a flow with one Wait of five minutes.
func waitFlow(name string) string {
	return fmt.Sprintf(header, name, "W") + "- {Name: W, Type: Wait, Seconds: 300, End: true}\n"
}

// rowFlow returns a flow with n tasks in sequence.
func (b *bench) rowFlow(name string, n int) string {
	text := fmt.Sprintf(header, name, "T1")
	for i := 1; i <= n; i++ {
		next := ""
		if i < n {
			next = fmt.Sprintf("T%d", i+1)
		}
		text += b.taskState(fmt.Sprintf("T%d", i), next, keepOrder)
	}
	return text
}

// waitingFlow returns a flow with one task whose result is reported through the API.
func (b *bench) waitingFlow(name string) string {
	return fmt.Sprintf(header, name, "T") + b.taskState("T", "",
		"  TaskMode: WaitForCustomCallback\n")
}

// parallelFlow returns a flow with n branches of one state each; start names that state.
func parallelFlow(name string, n int, start, state string) string {
	text := fmt.Sprintf(header, name, "All") +
		"- Name: All\n  Type: Parallel\n  End: true\n  Branches:\n"
	branch := "  - StartAt: " + start + "\n    States:\n" + indent(state, "    ")
	return text + strings.Repeat(branch, n)
}

// mapFlow returns a flow with a Map over the items of the input. Its output is small.
func mapFlow(name, start, state string) string {
	return fmt.Sprintf(header, name, "All") + `- Name: All
  Type: Map
  ItemsPath: $Input.items
  MaxConcurrency: 100
  OutputConstructor: {count.$: length($Output.Items)}
  End: true
  Processor:
    StartAt: ` + start + "\n    States:\n" + indent(state, "    ")
}

// distributed returns a flow of mapFlow whose Map hands its items to child executions of a mode.
func distributed(definition, mode string) string {
	return strings.Replace(definition, "  Type: Map\n",
		"  Type: Map\n  ProcessorConfig: {ExecutionMode: "+mode+"}\n", 1)
}

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// itemsInput returns an input with n items, one order each.
func itemsInput(n int) string {
	text := []byte(`{"items":[`)
	for i := range n {
		if i > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `{"order":%d}`, i)
	}
	return string(append(text, "]}"...))
}
