package wire_test

import "strings"

// language is one of the two flow languages, with the same flows in each.
type language struct{ name, pass, echo, ask, broken string }

// definition fills in the flow's name, which the newer language repeats.
func definition(text, flow string) string { return strings.ReplaceAll(text, "{Flow}", flow) }

// languages are both. Their flows: pass gives its input back after two steps, echo sends
// input.value through a function and gives it back, ask waits for a report of input.id's task, broken lets a function fail with input.error and input.cause.
var languages = []language{{
	name: "older",
	pass: `version: v1
type: flow
steps:
  - {type: pass, name: first}
  - {type: pass, name: second}
`,
	echo: `version: v1
type: flow
steps:
  - type: task
    name: call
    resourceArn: acs:fc:::services/wire/functions/echo
`,
	ask: `version: v1
type: flow
steps:
  - type: task
    name: call
    resourceArn: acs:fc:::services/wire/functions/ask
    pattern: waitForCallback
    inputMappings:
      - {target: id, source: $input.id}
      - {target: token, source: $context.task.token}
`,
	broken: `version: v1
type: flow
steps:
  - type: task
    name: call
    resourceArn: acs:fc:::services/wire/functions/broken
`,
}, {
	name: "newer",
	pass: `Type: StateMachine
SpecVersion: v1
Name: {Flow}
StartAt: first
States:
  - {Name: first, Type: Pass, Next: second}
  - {Name: second, Type: Pass, End: true}
`,
	echo: `Type: StateMachine
SpecVersion: v1
Name: {Flow}
StartAt: call
States:
  - Name: call
    Type: Task
    Action: FC:InvokeFunction
    TaskMode: RequestComplete
    Parameters:
      resourceArn: acs:fc:cn-hangzhou::functions/echo
      invocationType: Sync
      body.$: $Input
    OutputConstructor:
      value.$: $Output.Body.value
    End: true
`,
	ask: `Type: StateMachine
SpecVersion: v1
Name: {Flow}
StartAt: call
States:
  - Name: call
    Type: Task
    Action: FC:InvokeFunction
    TaskMode: WaitForCustomCallback
    Parameters:
      resourceArn: acs:fc:cn-hangzhou::functions/ask
      invocationType: Sync
      body:
        id.$: $Input.id
        token.$: $Context.Current.TaskToken
    End: true
`,
	broken: `Type: StateMachine
SpecVersion: v1
Name: {Flow}
StartAt: call
States:
  - Name: call
    Type: Task
    Action: FC:InvokeFunction
    TaskMode: RequestComplete
    Parameters:
      resourceArn: acs:fc:cn-hangzhou::functions/broken
      invocationType: Sync
      body.$: $Input
    End: true
`,
}}

// older and newer are the languages by name.
var older, newer = languages[0], languages[1]
