package clients_test

import "strings"

// language is one of the two dialects. Both have the same flows.
type language struct{ name, pass, echo, ask, broken string }

// definition fills in the flow's name, which a StateMachine definition repeats.
func definition(text, flow string) string { return strings.ReplaceAll(text, "{Flow}", flow) }

// languages has both dialects. Their flows: pass returns its input after two steps. echo sends
// input.value through a function and returns it. ask waits for a report of input.id's task. broken
// makes a function fail with input.error and input.cause.
var languages = []language{{
	name: "flowV1",
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
	name: "stateMachine",
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

// The dialects by name.
var flowV1, stateMachine = languages[0], languages[1]
