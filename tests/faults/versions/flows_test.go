package versions_test

import "strings"

// asks is the number of reports that the executions of all flows wait for: four items and branches
// of wide, three of old, and one of the child of each.
const asks = 9

// waitSeconds is the duration of the flows' waits: longer than two lives of the server.
const waitSeconds = "20"

// definitions are the flows, by name. A call to the url passes its token on, and returns a text of
// the requested number of bytes.
func definitions(url string) map[string]string {
	ask := "Type: Task, Action: 'HTTP:Request', TaskMode: WaitForCustomCallback, " +
		"Parameters: {url: 'URL', method: POST, body: {token.$: $Context.Current.TaskToken}}"
	all := map[string]string{"wide": stateMachineDefinition, "old": flowV1Definition,
		"child": child}
	for name, text := range all {
		all[name] = strings.NewReplacer("ASK", ask, "SECONDS", waitSeconds).Replace(text)
		all[name] = strings.ReplaceAll(all[name], "URL", url)
	}
	return all
}

// functions returns the functions file.
func functions(url string) string { return "functions: [{match: '*', http: '" + url + "'}]" }

// child is the child flow of both.
const child = `Type: StateMachine
SpecVersion: v1
Name: child
StartAt: AskChild
States:
- {Name: AskChild, ASK, End: true}
`

// stateMachineDefinition waits in every way that StateMachine allows.
const stateMachineDefinition = `Type: StateMachine
SpecVersion: v1
Name: wide
StartAt: All
States:
- Name: All
  Type: Parallel
  Branches:
  - StartAt: Each
    States:
    - Name: Each
      Type: Map
      ItemsPath: $Input.items
      Processor:
        StartAt: AskItem
        States:
        - {Name: AskItem, ASK, End: true}
      End: true
  - StartAt: Long
    States:
    - {Name: Long, Type: Wait, Seconds: SECONDS, End: true}
  - StartAt: Sub
    States:
    - {Name: Sub, Type: Task, Action: 'FNF:StartExecution', TaskMode: WaitForSystemCallback,
       Parameters: {resourceArn: 'acs:fnf:::flow/child', input: {}}, End: true}
  - StartAt: Large
    States:
    - {Name: Large, Type: Task, Action: 'HTTP:Request',
       Parameters: {url: 'URL', method: POST, body: {fill: 30000}},
       OutputConstructor: {text.$: $Output.Body.text}, Next: AskLarge}
    - {Name: AskLarge, ASK, OutputConstructor: {text.$: $Input.text}, End: true}
  OutputConstructor: {items.$: $Output.Branch0.Items, text.$: $Output.Branch3.text}
  End: true
`

// flowV1Definition waits in every way that FlowV1 allows.
const flowV1Definition = `version: v1
type: flow
steps:
- type: parallel
  name: all
  branches:
  - steps:
    - type: foreach
      name: each
      iterationMapping: {collection: $.items, item: item}
      steps:
      - type: task
        name: askItem
        resourceArn: acs:fc:::services/s/functions/ask
        pattern: waitForCallback
        inputMappings:
        - {target: token, source: $context.task.token}
        outputMappings:
        - {target: by, source: $local.by}
      outputMappings:
      - {target: items, source: '$local[*].by'}
  - steps:
    - {type: wait, name: long, duration: SECONDS}
  - steps:
    - type: task
      name: sub
      resourceArn: acs:fnf:::flow/child
      pattern: sync
      serviceParams: {Input: $}
  - steps:
    - type: task
      name: large
      resourceArn: acs:fc:::services/s/functions/large
      inputMappings:
      - {target: fill, source: 9000}
      outputMappings:
      - {target: text, source: $local.text}
    - {type: wait, name: longer, duration: SECONDS}
  outputMappings:
  - {target: items, source: '$local[0].items'}
  - {target: text, source: '$local[3].text'}
`
