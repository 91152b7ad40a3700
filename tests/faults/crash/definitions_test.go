package crash_test

import (
	"fmt"
	"strings"
)

const retried = "Retry: [{Errors: [FnF.ALL], MaxAttempts: 8, IntervalSeconds: 1, BackoffRate: 1}]"

// definitions are the flows, by name. Each returns the member n of its input.
func definitions(url string) map[string]string {
	call := func(name, path, mode string) string {
		return fmt.Sprintf(
			"Name: %s, Type: Task, Action: 'HTTP:Request', TaskMode: %s, %s, Parameters: {url: "+
				"'%s%s', method: POST, body: {x.$: $Context.Execution.Name, s: %s}}",
			name, mode, retried, url, path, name)
	}
	keep := "OutputConstructor: {n.$: $Input.n"
	head := func(name, start string) string {
		return "Type: StateMachine\nSpecVersion: v1\nName: " + name + "\nStartAt: " + start +
			"\nStates:\n"
	}
	return map[string]string{
		"seq": head("seq", "One") + "- {" + call("One", "/quick", "RequestComplete") + ", " + keep +
			", one.$: $Output.Body.ok}, Next: Pause}\n" +
			"- {Name: Pause, Type: Wait, Seconds: 1, Next: Two}\n" +
			"- {" + call("Two", "/flaky", "RequestComplete") + ", " + keep +
			", one.$: $Input.one, two.$: $Output.Body.ok}, End: true}\n",
		"ask": head("ask", "Ask") + "- {" + call("Ask", "/ask", "WaitForCustomCallback") + ", " +
			keep + ", by.$: $Output.by}, End: true}\n",
		"race": head("race", "Run") + "- {" + call("Run", "/slow?ms=150", "RequestComplete") +
			", " + keep + "}, End: true}\n",
		"stop": head("stop", "Both") +
			"- Name: Both\n  Type: Parallel\n  Branches:\n  - StartAt: Forever\n    States:\n" +
			"    - {" + call("Forever", "/ask", "WaitForCustomCallback") + ", End: true}\n" +
			"  - StartAt: Long\n    States:\n" +
			"    - {Name: Long, Type: Wait, Seconds: 300, End: true}\n  End: true\n",
		"child": head("child", "Work") + "- {" + call("Work", "/slow?ms=60", "RequestComplete") +
			", " + keep + "}, Next: Rest}\n" +
			"- {Name: Rest, Type: Wait, Seconds: 1, End: true}\n",
		"parent": head("parent", "Sub") +
			"- {Name: Sub, Type: Task, Action: 'FNF:StartExecution', TaskMode: " +
			"WaitForSystemCallback, " +
			"Parameters: {resourceArn: 'acs:fnf:::flow/child', executionName.$: " +
			"'format(\"c-{}\", $Context.Execution.Name)', input: {n.$: $Input.n}}, End: true}\n",
		"fan": head("fan", "Wide") + "- Name: Wide\n  Type: Parallel\n  Branches:\n" +
			"  - StartAt: Each\n    States:\n    - Name: Each\n      Type: Map\n" +
			"      ItemsPath: $Input.items\n      Processor:\n        StartAt: Item\n" +
			"        States:\n" +
			"        - {Name: Item, Type: Task, Action: 'HTTP:Request', " + retried +
			", Parameters: {url: '" + url +
			"/slow?ms=30', method: POST, body: {x.$: $Context.Execution.Name, s: Item, " +
			"item.$: $Input}}, " +
			"OutputConstructor: {item.$: $Output.Body.item}, End: true}\n      End: true\n" +
			"  - StartAt: Later\n    States:\n" +
			"    - {Name: Later, Type: Wait, Seconds: 1, Next: Then}\n    - {" + call("Then",
			"/quick",
			"RequestComplete") +
			", OutputConstructor: {then.$: $Output.Body.ok}, End: true}\n" +
			"  OutputConstructor: {n.$: $Input.n, items.$: $Output.Branch0.Items, then.$: " +
			"$Output.Branch1.then}\n  End: true\n",
		"large": head("large", "Get") + "- {" + call("Get", "/large", "RequestComplete") + ", " +
			keep + ", text.$: $Output.Body.text}, Next: Pause}\n" +
			"- {Name: Pause, Type: Wait, Seconds: 1, End: true}\n",
		"old": strings.ReplaceAll(flowV1Definition, "URL", url),
	}
}

// flowV1Definition is a FlowV1 flow: a loop over functions, and a task that waits for a report.
const flowV1Definition = `version: v1
type: flow
steps:
- type: foreach
  name: each
  iterationMapping: {collection: $.items, item: item}
  steps:
  - type: task
    name: call
    resourceArn: acs:fc:::services/s/functions/quick
    retry: [{errors: [FnF.ALL], intervalSeconds: 1, maxAttempts: 8, multiplier: 1}]
    outputMappings:
    - {target: item, source: $local.item}
  outputMappings:
  - {target: items, source: '$local[*].item'}
- type: wait
  name: pause
  duration: 1
- type: task
  name: ask
  resourceArn: acs:fc:::services/s/functions/ask
  pattern: waitForCallback
  inputMappings:
  - {target: x, source: $context.execution.name}
  - {target: token, source: $context.task.token}
  - {target: n, source: $input.n}
  retry: [{errors: [FnF.ALL], intervalSeconds: 1, maxAttempts: 8, multiplier: 1}]
  outputMappings:
  - {target: by, source: $local.by}
  - {target: n, source: $input.n}
`

// functions returns the functions file.
func functions(url string) string {
	return "functions:\n- {match: '*quick*', http: '" + url +
		"/quick'}\n- {match: '*ask*', http: '" + url + "/ask'}\n"
}
