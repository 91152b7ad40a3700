package main

import (
	"fmt"
	"strings"
)

const header = "Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: %s\nStates:\n"

// taskState is a state that posts the order to the task server; next is "" for the last.
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

// keepOrder makes a task's output what its successor takes in.
const keepOrder = "  OutputConstructor: {order.$: $Output.Body.order}\n"

const passState = "- {Name: P, Type: Pass, End: true}\n"

// passFlow has one Pass.
func passFlow(name string) string { return fmt.Sprintf(header, name, "P") + passState }

// rowFlow has n tasks in a row.
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

// waitingFlow has one task that somebody reports.
func (b *bench) waitingFlow(name string) string {
	return fmt.Sprintf(header, name, "T") + b.taskState("T", "", "  TaskMode: WaitForCustomCallback\n")
}

// parallelFlow has n branches of one state each, called as start says.
func parallelFlow(name string, n int, start, state string) string {
	text := fmt.Sprintf(header, name, "All") + "- Name: All\n  Type: Parallel\n  End: true\n  Branches:\n"
	branch := "  - StartAt: " + start + "\n    States:\n" + indent(state, "    ")
	return text + strings.Repeat(branch, n)
}

// mapFlow maps over the input's items; its output is small.
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

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
}

// itemsInput is an input with n items, an order each.
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
