// Package flowgen generates random flows with their tasks, for tests. The same seed returns the
// same flow.
package flowgen

import (
	"encoding/json"
	"fmt"

	"millrace/shared/flow"
)

// Generated is a random flow with an input and its tasks. It is in either dialect. The definition
// is valid; at run time there are errors, timeouts and waits of all kinds.
type Generated struct {
	Seed       uint64
	Dialect    flow.Dialect
	Definition string
	Input      any
	Tasks      *MockTasks
}

// Generate returns the flow of a seed: the same seed always results in the same flow.
func Generate(seed uint64) Generated {
	return generate(seed, &generator{rand: newRandom(seed, 1), remaining: 14})
}

// GenerateMapRuns is Generate for flows of StateMachine whose Maps may be distributed.
func GenerateMapRuns(seed uint64) Generated {
	return generate(seed, &generator{rand: newRandom(seed, 3), remaining: 14, mapRuns: true})
}

func generate(seed uint64, g *generator) Generated {
	out := Generated{Seed: seed, Dialect: flow.StateMachine, Input: g.input(),
		Tasks: NewMockTasks(seed)}
	var tree any
	if !g.mapRuns && g.chance(2) {
		out.Dialect = flow.FlowV1
		tree = g.flowV1()
	} else {
		tree = g.stateMachine()
	}
	text, err := json.MarshalIndent(tree, "", " ")
	if err != nil {
		panic("flowgen: a generated flow is no JSON: " + err.Error())
	}
	out.Definition = string(text)
	return out
}

type object = map[string]any

// generator generates one flow. remaining is how many further states it may generate.
type generator struct {
	rand      *random
	remaining int
	names     int
	mapRuns   bool // Maps may be distributed
	express   bool // inside an Express child execution
}

func (g *generator) chance(n int) bool { return g.rand.IntN(n) == 0 }

func pick[T any](g *generator, list ...T) T { return list[g.rand.IntN(len(list))] }

func (g *generator) name() string {
	g.names++
	return fmt.Sprintf("s%d", g.names)
}

// input returns the input of a generated flow. The states mostly preserve its members, so that
// paths into it select something.
func (g *generator) input() object {
	items := []any{}
	for i := range g.rand.IntN(6) {
		items = append(items,
			pick[any](g, i, fmt.Sprintf("item %d", i), object{"k": i}, nil, g.text()))
	}
	return object{"items": items, "n": g.rand.IntN(10), "s": g.text(), "flag": g.chance(2)}
}

// text returns a short text or one that exceeds some limits.
func (g *generator) text() string {
	n := pick(g, 0, 3, 9, 30, 300, 1500)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + g.rand.IntN(26))
	}
	return string(b)
}

// length returns the number of states of a new list and subtracts it from remaining.
func (g *generator) length() int {
	n := min(1+g.rand.IntN(4), max(g.remaining, 1))
	g.remaining -= n
	return n
}

// errorNames are the names of the errors with which MockTasks fails and for which rules look.
var errorNames = []string{"Busy", "Broken", "FC.Unknown", flow.ErrTaskTimeout, "Own"}

// stateMachine returns a flow of the dialect StateMachine.
func (g *generator) stateMachine() object {
	out := g.scope(0)
	out["Type"], out["SpecVersion"], out["Name"] = "StateMachine", "v1", "generated"
	if g.chance(6) {
		out["Timeout"] = 1 + g.rand.IntN(40)
	}
	return out
}

func (g *generator) scope(depth int) object {
	names := make([]string, g.length())
	for i := range names {
		names[i] = g.name()
	}
	var states []any
	for i, name := range names {
		states = append(states, g.state(name, names, i, depth))
	}
	return object{"StartAt": names[0], "States": states}
}

// target returns the name of a later state of the list, or rarely of any state.
func (g *generator) target(names []string, i int) string {
	if i+1 >= len(names) || g.chance(25) {
		return pick(g, names...)
	}
	return names[i+1+g.rand.IntN(len(names)-i-1)]
}

func (g *generator) state(name string, names []string, i, depth int) object {
	kinds := []string{"Pass", "Pass", "Task", "Task", "Task", "Wait", "Choice", "Succeed", "Fail"}
	if depth < 3 && g.remaining > 0 {
		kinds = append(kinds, "Parallel", "Parallel", "Map", "Map", "Map")
	}
	kind := pick(g, kinds...)
	if kind == "Fail" && g.chance(2) || kind == "Succeed" && i < len(names)-1 {
		kind = "Pass"
	}
	st := object{"Name": name, "Type": kind}
	g.constructors(st, kind)
	switch kind {
	case "Wait":
		st["Seconds"] = 1 + g.rand.IntN(5)
		if g.chance(3) {
			delete(st, "Seconds")
			st["Seconds.$"] = "$Input.n"
		}
	case "Choice":
		g.choice(st, names, i)
		return st
	case "Fail":
		st["Code"] = pick(g, errorNames...)
		st["Detail.$"] = pick(g, "$Input.s", `format("{}", $Context.Current.Name)`)
		return st
	case "Succeed":
		return st
	case "Parallel":
		var branches []any
		for range 1 + g.rand.IntN(3) {
			branches = append(branches, g.scope(depth+1))
		}
		st["Branches"] = branches
	case "Map":
		st["ItemsPath"] = pick(g, "$Input.items", "$Input.items", "$Context.Execution.Input.items",
			"[1,2,3]", `toArray(uuid(), "b")`, "$Global.list")
		outer := g.express
		if g.mapRuns && !g.express && !g.chance(3) {
			g.distribute(st)
		}
		st["Processor"] = g.scope(depth + 1)
		g.express = outer
		if g.chance(2) {
			st["MaxConcurrency"] = 1 + g.rand.IntN(3)
		}
	case "Task":
		g.task(st)
	}
	if kind == "Parallel" || kind == "Map" || kind == "Task" {
		g.rules(st, names, i)
	}
	if i == len(names)-1 || g.chance(6) {
		st["End"] = true
	} else {
		st["Next"] = g.target(names, i)
	}
	return st
}

// distribute makes a Map distributed.
func (g *generator) distribute(st object) {
	g.express = g.chance(2)
	mode := flow.Standard
	if g.express {
		mode = flow.Express
	}
	st["ProcessorConfig"] = object{"ExecutionMode": mode}
	if g.chance(3) {
		g.reader(st)
	}
	if g.chance(4) {
		st["ResultWriter"] = object{"Parameters": object{"Bucket": "results",
			"Prefix.$": "$Context.Execution.Name"}}
	}
	if g.chance(2) {
		st["ItemConstructor"] = object{"item.$": "$Item", "n.$": "$Input.n",
			"id.$": pick(g, "uuid()", "$Input.s", "$Context.Execution.Name")}
	}
	if g.chance(3) {
		st["ItemBatcher"] = object{"MaxItemsPerBatch": 1 + g.rand.IntN(3),
			"BatchInput": object{"n.$": "$Input.n"}}
	}
	if g.chance(4) {
		st["MaxItems"] = g.rand.IntN(4)
	}
	if !g.chance(3) {
		st["ToleratedFailureCount"] = g.rand.IntN(4)
	}
	if g.chance(4) {
		st["ToleratedFailurePercentage"] = g.rand.IntN(101)
	}
}

// reader makes a distributed Map read its items from an object. The key says how many there are.
func (g *generator) reader(st object) {
	delete(st, "ItemsPath")
	config := object{"InputType": "JSONL"}
	if g.chance(4) {
		config["MaxItems"] = g.rand.IntN(9)
	}
	st["ItemReader"] = object{"ReaderConfig": config, "Parameters": object{"Bucket": "items",
		"Key": fmt.Sprint(g.rand.IntN(14))}}
}

// constructors adds data constructors that mostly preserve the members that other states read.
func (g *generator) constructors(st object, kind string) {
	if !g.chance(4) {
		st["InputConstructor"] = g.kept()
	}
	if kind == "Fail" {
		return
	}
	if !g.chance(4) {
		out := g.kept()
		out[pick(g, "x", "y")+".$"] = pick(g, "$Output", "$Context.Current.RetryCount",
			"$Output.n", "uuid()", "$Context.Current.Input", "randomInt(0, 1000)")
		st["OutputConstructor"] = out
	}
	if g.chance(4) {
		st["GlobalConstructor"] = object{
			"list.$":                          "$Context.Execution.Input.items",
			"g_" + st["Name"].(string) + ".$": pick(g, "uuid()", "$Input", "$Context.Current.Name"),
		}
	}
}

func (g *generator) kept() object {
	return object{"items.$": "$Context.Execution.Input.items", "n.$": "$Context.Execution.Input.n",
		"s.$": pick(g, "$Context.Execution.Input.s", "uuid()", "$Context.Current.Name",
			"jsonToString($Global)"), "flag": g.chance(2)}
}

func (g *generator) choice(st object, names []string, i int) {
	var branches []any
	for range 1 + g.rand.IntN(2) {
		branches = append(branches, object{
			"Condition": pick(g, "$Input.n > 4", "$Input.flag", `$Input.s == "x"`,
				"length($Input.items) >= 2", "randomInt(0, 2) == 0", "$Input.nothing"),
			"Next": g.target(names, i),
		})
	}
	st["Branches"], st["Default"] = branches, g.target(names, i)
}

func (g *generator) task(st object) {
	body := object{"id.$": "uuid()", "n.$": "$Input.n", "retry.$": "$Context.Current.RetryCount",
		"token.$": "$Context.Current.TaskToken", "role.$": "$Context.Execution.RoleArn"}
	mode := pick(g, "RequestComplete", "RequestComplete", "WaitForCustomCallback",
		"WaitForSystemCallback")
	if g.express {
		mode = "RequestComplete"
	}
	st["Action"], st["TaskMode"] = "FC:InvokeFunction", mode
	st["Parameters"] = object{"resourceArn": "acs:fc:::functions/f/LATEST",
		"invocationType": "Sync", "body": body}
	switch mode {
	case "WaitForSystemCallback":
		st["Parameters"].(object)["invocationType"] = "Async"
		if g.chance(2) {
			st["Action"] = "FNF:StartExecution"
			st["Parameters"] = object{"resourceArn": "acs:fnf:::flow/child", "input": body}
		}
	case "RequestComplete":
		if g.chance(3) {
			st["Action"] = "HTTP:Request"
			st["Parameters"] = object{"url": "http://127.0.0.1/", "method": "POST", "body": body}
		}
	}
	if g.chance(2) {
		st["Timeout"] = 1 + g.rand.IntN(6)
	}
}

func (g *generator) rules(st object, names []string, i int) {
	if g.chance(2) {
		var rules []any
		for range 1 + g.rand.IntN(2) {
			rules = append(rules, object{
				"Errors": []any{
					pick(g, append(errorNames, flow.ErrorAll, "FnF.ExpressionError")...),
				},
				"MaxAttempts": g.rand.IntN(3), "IntervalSeconds": 1 + g.rand.IntN(3),
				"BackoffRate": pick(g, 1, 1.5, 2), "MaxBackoffSeconds": 4,
			})
		}
		st["Retry"] = rules
	}
	if g.chance(2) {
		rule := object{
			"Errors": []any{pick(g, append(errorNames, flow.ErrorAll, flow.ErrorAll)...)},
			"Next":   g.target(names, i),
		}
		if g.chance(2) {
			rule["OutputConstructor"] = object{"code.$": "$Context.Current.Error.Code",
				"id.$": "uuid()", "n.$": pick(g, "$Input.n", "$Context.Execution.Input.n")}
		}
		st["Catch"] = []any{rule}
	}
}
