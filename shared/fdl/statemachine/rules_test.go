package statemachine_test

import (
	"strings"
	"testing"

	"millrace/shared/fdl/statemachine"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// compile compiles a definition with the given states in YAML's flow style; the first state is the
// start.
func compile(t *testing.T, mode, list string) yamldoc.Diagnostics {
	t.Helper()
	start, _, _ := strings.Cut(strings.TrimPrefix(list, "{Name: "), ",")
	return compileText(t, mode,
		"Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: "+start+"\nStates: ["+list+"]\n")
}

func compileText(t *testing.T, mode, text string) yamldoc.Diagnostics {
	t.Helper()
	report := yamldoc.NewReport([]byte(text))
	root := yamldoc.Parse([]byte(text), flow.DefaultLimits().DefinitionBytes, report)
	if root == nil {
		t.Fatalf("%s\n%v", text, report.Diagnostics())
	}
	statemachine.Compile(root, "f", mode, flow.DefaultLimits(), report)
	return report.Diagnostics()
}

// TestRules checks for states the rule of the first error ("" if there is none) and a part of its
// path, or of the first warning's path.
func TestRules(t *testing.T) {
	task := func(rest string) string { return "{Name: T, Type: Task, End: true, " + rest + "}" }
	http := func(rest string) string {
		return task("Action: HTTP:Request, Parameters: {url: 'http://x', method: get" + rest + "}")
	}
	call := func(rest string) string {
		return task("Action: FC:InvokeFunction, Parameters: {resourceArn: 'acs:fc:::functions/f', " + rest + "}")
	}
	distributed := func(rest string) string {
		return "{Name: A, Type: Map, End: true, ItemsPath: $Input, ProcessorConfig: {ExecutionMode: " +
			"Standard}, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}, " + rest + "}"
	}
	reading := func(rest string) string {
		return strings.Replace(distributed(rest), "ItemsPath: $Input, ", "", 1)
	}
	for _, c := range []struct{ name, rule, path, list string }{
		{"no mapping", "V07", "States[1]", "{Name: A, Type: Succeed}, 5"},
		{"no name", "V07", "States[1].Name", "{Name: A, Type: Succeed}, {Type: Succeed}"},
		{"name of a number", "V07", "Name", "{Name: A, Type: Succeed}, {Name: 5, Type: Succeed}"},
		{"name with a control character", "V07", "Name",
			`{Name: A, Type: Succeed}, {Name: "a\tb", Type: Succeed}`},
		{"long name", "V07", "Name", "{Name: A, Type: Succeed}, {Name: " +
			strings.Repeat("é", 129) + ", Type: Succeed}"},
		{"name of other scripts", "", "", "{Name: 等待 付款, Type: Succeed}"},
		{"type is no string", "V07", "Type", "{Name: A, Type: [Pass]}"},
		{"same name in another scope", "", "",
			"{Name: A, Type: Parallel, End: true, Branches: [{StartAt: A, States: [{Name: A, Type: Succeed}]}]}"},

		{"next is no string", "V08", "Next", "{Name: A, Type: Pass, Next: 5}"},
		{"next to itself", "", "States[0](A)", "{Name: A, Type: Pass, Next: A}"},
		{"default names nothing", "V08", "Default",
			"{Name: A, Type: Choice, Default: Z, Branches: [{Condition: 'true', Next: A}]}"},
		{"end is false", "V09", "States[0](A)", "{Name: A, Type: Pass, End: false}"},
		{"end is no boolean", "V09", "End", "{Name: A, Type: Pass, End: 'true'}"},
		{"end and next", "", "Next", "{Name: A, Type: Pass, Next: A, End: true}"},
		{"null next", "V09", "States[0](A)", "{Name: A, Type: Pass, Next: null}"},
		{"succeed needs no end", "", "", "{Name: A, Type: Succeed}"},
		{"succeed with next", "", "Next", "{Name: A, Type: Succeed, Next: A}"},

		{"choice with end", "V10", "End",
			"{Name: A, Type: Choice, End: true, Default: A, Branches: [{Condition: 'true', Next: A}]}"},
		{"choice with end false", "", "",
			"{Name: A, Type: Choice, End: false, Default: B, Branches: [{Condition: $Input.a, Next: A}]}, " +
				"{Name: B, Type: Succeed}"},
		{"choice without branches", "V11", "Branches", "{Name: A, Type: Choice, Default: A}"},
		{"choice with no branch", "V11", "Branches",
			"{Name: A, Type: Choice, Default: A, Branches: []}"},
		{"branch without next", "V11", "Branches[0].Next",
			"{Name: A, Type: Choice, Default: A, Branches: [{Condition: 'true'}]}"},
		{"condition with suffix", "V11", "Branches[0].Condition",
			"{Name: A, Type: Choice, Default: A, Branches: [{Condition.$: 'true', Next: A}]}"},
		{"condition is a boolean", "V11", "Branches[0].Condition",
			"{Name: A, Type: Choice, Default: A, Branches: [{Condition: true, Next: A}]}"},
		{"condition of the output", "V19", "Branches[0].Condition",
			"{Name: A, Type: Choice, Default: A, Branches: [{Condition: $Output.a, Next: A}]}"},

		{"wait of zero", "V12", "Seconds", "{Name: A, Type: Wait, Seconds: 0, End: true}"},
		{"wait of a fraction", "V12", "Seconds", "{Name: A, Type: Wait, Seconds: 1.5, End: true}"},
		{"wait of a whole float", "", "", "{Name: A, Type: Wait, Seconds: 5.0, End: true}"},
		{"wait with both", "V18", "Seconds.$",
			"{Name: A, Type: Wait, Seconds: 1, Seconds.$: $Input.s, End: true}"},
		{"wait with a suffixed number", "V15", "Seconds.$",
			"{Name: A, Type: Wait, Seconds.$: 5, End: true}"},
		{"wait of the output", "V19", "Seconds.$",
			"{Name: A, Type: Wait, Seconds.$: $Output.s, End: true}"},

		{"action without service", "V13", "Action", task("Action: InvokeFunction")},
		{"action with two colons", "V13", "Action", task("Action: 'FNF::StartExecution'")},
		{"unknown action", "", "", task("Action: ECS:DescribeInstances")},
		{"action in other letters", "", "Action", task("Action: http:Request")},
		{"negative timeout", "V13", "Timeout", task("Action: ECS:X, Timeout: -1")},
		{"timeout as text", "", "", task("Action: ECS:X, Timeout: '604800'")},
		{"timeout as a path", "V13", "Timeout", task("Action: ECS:X, Timeout: $Input.t")},
		{"timeout as an expression", "", "", task("Action: ECS:X, Timeout.$: $Input.t")},
		{"parameters are no mapping", "V15", "Parameters", task("Action: ECS:X, Parameters: [1]")},
		{"no parameters", "V13", "Parameters.url", task("Action: HTTP:Request")},
		{"null parameter", "V13", "Parameters.url",
			task("Action: HTTP:Request, Parameters: {url: null, method: GET}")},
		{"optional null parameter", "", "", http(", body: null, headers: null")},
		{"url without scheme", "V13", "Parameters.url",
			task("Action: HTTP:Request, Parameters: {url: x.com, method: GET}")},
		{"url is a path", "V13", "Parameters.url",
			task("Action: HTTP:Request, Parameters: {url: $Input.url, method: GET}")},
		{"url is an expression", "", "",
			task("Action: HTTP:Request, Parameters: {url.$: $Input.url, method.$: $Input.m}")},
		{"unknown method", "V13", "Parameters.method",
			task("Action: HTTP:Request, Parameters: {url: 'http://x', method: FETCH}")},
		{"headers are a list", "V13", "Parameters.headers", http(", headers: []")},
		{"near parameter", "", "Parameters.header", http(", header: {}")},
		{"no invocation type", "V13", "Parameters.invocationType", call("")},
		{"unknown invocation type", "V13", "Parameters.invocationType",
			call("invocationType: async")},
		{"async with RequestComplete", "", "", call("invocationType: Async")},
		{"arn of a flow", "V13", "Parameters.resourceArn",
			task("Action: FC:InvokeFunction, Parameters: {resourceArn: 'acs:fnf:::flow/f', invocationType: Sync}")},
		{"child name", "V13", "Parameters.executionName",
			task("Action: FNF:StartExecution, Parameters: {resourceArn: 'acs:fnf:::flow/f', executionName: 'a b'}")},
		{"child input", "V13", "Parameters.input",
			task("Action: FNF:StartExecution, Parameters: {resourceArn: 'acs:fnf:::flow/f', input: text}")},
		{"priority", "V13", "Parameters.priority",
			task("Action: MNS:SendMessage, Parameters: {resourceArn: 'acs:mns:::/queues/q/messages', message: m, priority: 17}")},
		{"message of a number", "V13", "Parameters.message",
			task("Action: MNS:SendMessage, Parameters: {resourceArn: 'acs:mns:::/queues/q/messages', message: 5}")},
		{"topic", "", "", task(
			"Action: MNS:SendMessage, Parameters: {resourceArn: 'acs:mns:::/topics/t/messages', message: [1]}")},
		{"event without bus", "V13", "Parameters.eventBusName",
			task("Action: EventBridge:PutEvents, Parameters: {id: i, source: s, type: t}")},
		{"phone number", "V13", "Parameters.phoneNumbers",
			task("Action: SMS:SendSms, Parameters: {phoneNumbers: 139, signName: s, templateCode: c}")},
		{"object without key", "V13", "Parameters.key",
			task("Action: OSS:GetObject, Parameters: {bucket: b}")},

		{"unknown mode", "V14", "TaskMode", task("Action: ECS:X, TaskMode: waitForCallback")},
		{"system callback of HTTP", "V14", "TaskMode",
			task("Action: HTTP:Request, TaskMode: WaitForSystemCallback, Parameters: {url: 'http://x', method: GET}")},
		{"custom callback of an API", "V14", "TaskMode",
			task("Action: ECS:X, TaskMode: WaitForCustomCallback")},
		{"custom callback of an object store", "V14", "TaskMode",
			task("Action: OSS:GetObject, TaskMode: WaitForCustomCallback, Parameters: {bucket: b, key: k}")},
		{"system callback of a synchronous call", "V14", "Parameters.invocationType",
			task("Action: FC:InvokeFunction, TaskMode: WaitForSystemCallback, Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}")},
		{"system callback of an unknown call", "", "",
			task("Action: FC:InvokeFunction, TaskMode: WaitForSystemCallback, Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType.$: $Input.t}")},

		{"constructor is no mapping", "V15", "OutputConstructor",
			"{Name: A, Type: Pass, End: true, OutputConstructor: $Output}"},
		{"suffix on null", "V15", "a.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: null}}"},
		{"unknown function", "V15", "a.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: nope(1)}}"},
		{"wrong number of arguments", "V15", "a.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: 'length()'}}"},
		{"root in lower case", "V15", "a.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: $input.x}}"},
		{"arithmetic", "V15", "a.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: 1 + 2}}"},
		{"map under a suffix", "", "",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: {b: $Input.x, c: $Inputs, d: [$Output]}}}"},
		{"bad path under a suffix", "V15", "a.$.b",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: {b: $Input.}}}"},
		{"strict key under a suffix", "V15", "a.$.b.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: {b.$: x}}}"},
		{"root under a suffix", "V19", "a.$[0]",
			"{Name: A, Type: Pass, End: true, InputConstructor: {a.$: [$Output.x]}}"},

		{"branches are missing", "V16", "Branches", "{Name: A, Type: Parallel, End: true}"},
		{"branch is no mapping", "V16", "Branches[0]",
			"{Name: A, Type: Parallel, End: true, Branches: [x]}"},
		{"branch without states", "V04", "Branches[0].States",
			"{Name: A, Type: Parallel, End: true, Branches: [{StartAt: B}]}"},
		{"branch without start", "V05", "Branches[0].StartAt",
			"{Name: A, Type: Parallel, End: true, Branches: [{States: [{Name: B, Type: Succeed}]}]}"},
		{"51 branches", "V16", "Branches", "{Name: A, Type: Parallel, End: true, Branches: [" +
			strings.Repeat("{StartAt: B, States: [{Name: B, Type: Succeed}]},", 51) + "]}"},

		{"items are missing", "V17", "ItemsPath",
			"{Name: A, Type: Map, End: true, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},
		{"items are a list", "V17", "ItemsPath",
			"{Name: A, Type: Map, End: true, ItemsPath: [1], Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},
		{"items of the item", "V19", "ItemsPath",
			"{Name: A, Type: Map, End: true, ItemsPath: $Item, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},
		{"reader and items", "V23", "ItemsPath",
			distributed("ItemReader: {Parameters: {Bucket: b}}")},
		{"reader of nothing", "V23", "ItemReader.Parameters", reading("ItemReader: {}")},
		{"reader is a list", "V23", "ItemReader", reading("ItemReader: [1]")},
		{"reader of a listing", "", "", reading("ItemReader: {Parameters: {Bucket: b, Prefix: ''}}")},
		{"reader of a file", "", "", reading("ItemReader: {Parameters: {Bucket: b, Key.$: $Input.k}, " +
			"ReaderConfig: {InputType: CSV, CSVHeaderLocation: GIVEN, CSVHeaders: [a, b], " +
			"CSVDelimiter: TAB, MaxItems.$: $Input.n}}")},
		{"reader without a bucket", "V23", "ItemReader.Parameters.Bucket",
			reading("ItemReader: {Parameters: {Prefix: p}}")},
		{"bucket of a number", "V23", "ItemReader.Parameters.Bucket",
			reading("ItemReader: {Parameters: {Bucket: 7}}")},
		{"reader of the item", "V19", "ItemReader.Parameters.Bucket.$",
			reading("ItemReader: {Parameters: {Bucket.$: $Item}}")},
		{"key and prefix", "V23", "ItemReader.Parameters",
			reading("ItemReader: {Parameters: {Bucket: b, Prefix: p, Key: k}, ReaderConfig: {InputType: JSON}}")},
		{"unknown parameter", "", "ItemReader.Parameters.VersionId",
			reading("ItemReader: {Parameters: {Bucket: b, VersionId: v}}")},
		{"key without a type", "V23", "ItemReader.ReaderConfig.InputType",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}}")},
		{"type without a key", "V23", "ItemReader.ReaderConfig.InputType",
			reading("ItemReader: {Parameters: {Bucket: b}, ReaderConfig: {InputType: JSON}}")},
		{"unknown type", "V23", "ItemReader.ReaderConfig.InputType",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: PARQUET}}")},
		{"headers without GIVEN", "V23", "ItemReader.ReaderConfig.CSVHeaders",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: CSV, CSVHeaders: [a]}}")},
		{"GIVEN without headers", "V23", "ItemReader.ReaderConfig.CSVHeaders",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: CSV, CSVHeaderLocation: GIVEN}}")},
		{"a header twice", "V23", "ItemReader.ReaderConfig.CSVHeaders[1]",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: CSV, CSVHeaderLocation: GIVEN, CSVHeaders: [a, a]}}")},
		{"headers are a text", "V23", "ItemReader.ReaderConfig.CSVHeaders",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: CSV, CSVHeaderLocation: GIVEN, CSVHeaders: a}}")},
		{"delimiter", "V23", "ItemReader.ReaderConfig.CSVDelimiter",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: CSV, CSVDelimiter: ';'}}")},
		{"delimiter of lines", "", "ItemReader.ReaderConfig.CSVDelimiter",
			reading("ItemReader: {Parameters: {Bucket: b, Key: k}, ReaderConfig: {InputType: JSONL, CSVDelimiter: TAB}}")},
		{"negative items", "V23", "ItemReader.ReaderConfig.MaxItems",
			reading("ItemReader: {Parameters: {Bucket: b}, ReaderConfig: {MaxItems: -1}}")},
		{"reader of an inline map", "V17", "ItemsPath",
			"{Name: A, Type: Map, End: true, ItemReader: {Parameters: {Bucket: b}}, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},
		{"writer", "", "", distributed("ResultWriter: {Parameters: {Bucket: b, Prefix.$: $Input.p}}")},
		{"writer to nowhere", "V23", "ResultWriter.Parameters", distributed("ResultWriter: {}")},
		{"writer without a bucket", "V23", "ResultWriter.Parameters.Bucket",
			distributed("ResultWriter: {Parameters: {Prefix: p}}")},
		{"writer is a list", "V23", "ResultWriter", distributed("ResultWriter: [1]")},
		{"writer to a key", "", "ResultWriter.Parameters.Key",
			distributed("ResultWriter: {Parameters: {Bucket: b, Key: k}}")},
		{"unknown processor mode", "V23", "ProcessorConfig.ExecutionMode",
			"{Name: A, Type: Map, End: true, ItemsPath: $Input, ProcessorConfig: {ExecutionMode: Inline}, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},
		{"callback in an Express child", "V14", "Processor.States[0](B).TaskMode",
			"{Name: A, Type: Map, End: true, ItemsPath: $Input, ProcessorConfig: {ExecutionMode: Express}, Processor: {StartAt: B, States: [" +
				strings.Replace(task(
					"Action: HTTP:Request, TaskMode: WaitForCustomCallback, Parameters: {url: 'http://x', method: GET}"), "T,", "B,", 1) + "]}}"},
		{"percentage", "V23", "ToleratedFailurePercentage",
			"{Name: A, Type: Map, End: true, ItemsPath: $Input, ToleratedFailurePercentage: 101, ProcessorConfig: {ExecutionMode: Express}, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},
		{"batcher without a limit", "V23", "ItemBatcher", distributed("ItemBatcher: {BatchInput: {a: 1}}")},
		{"batcher is a list", "V23", "ItemBatcher", distributed("ItemBatcher: [1]")},
		{"empty batches", "V23", "ItemBatcher.MaxItemsPerBatch",
			distributed("ItemBatcher: {MaxItemsPerBatch: 0}")},
		{"unknown field of a batcher", "", "ItemBatcher.MaxItems",
			distributed("ItemBatcher: {MaxItems: 1, MaxItemsPerBatch: 2}")},
		{"item in a batch input", "V19", "ItemBatcher.BatchInput.i.$",
			distributed("ItemBatcher: {MaxItemsPerBatch: 2, BatchInput: {i.$: $Item}}")},
		{"negative tolerance", "V23", "ToleratedFailureCount", distributed("ToleratedFailureCount: -1")},
		{"distributed in an Express child", "", "Processor.States[0](A)",
			"{Name: O, Type: Map, End: true, ItemsPath: $Input, ProcessorConfig: {ExecutionMode: " +
				"Express}, Processor: {StartAt: A, States: [" + distributed("") + "]}}"},
		{"constructor of an inline map", "", "ItemConstructor",
			"{Name: A, Type: Map, End: true, ItemsPath: $Input, ItemConstructor: {i.$: $Item}, Processor: {StartAt: B, States: [{Name: B, Type: Succeed}]}}"},

		{"only the suffix", "V18", ".$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {.$: $Input}}"},
		{"ten functions", "", "", "{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: '" +
			nested(10) + "'}}"},
		{"eleven functions", "V20", "a.$",
			"{Name: A, Type: Pass, End: true, OutputConstructor: {a.$: '" + nested(11) + "'}}"},
		{"eleven functions in a condition", "V20", "Condition",
			"{Name: A, Type: Choice, Default: A, Branches: [{Next: A, Condition: '" + nested(11) +
				"'}]}"},

		{"retry on a pass", "V21", "Retry",
			"{Name: A, Type: Pass, End: true, Retry: [{Errors: [E]}]}"},
		{"empty retry on a pass", "", "", "{Name: A, Type: Pass, End: true, Retry: []}"},
		{"retry is a mapping", "V21", "Retry", task("Action: ECS:X, Retry: {Errors: [E]}")},
		{"retry without errors", "V21", "Retry[0].Errors",
			task("Action: ECS:X, Retry: [{MaxAttempts: 1}]")},
		{"error is a number", "V21", "Retry[0].Errors[0]",
			task("Action: ECS:X, Retry: [{Errors: [404]}]")},
		{"negative attempts", "V21", "Retry[0].MaxAttempts",
			task("Action: ECS:X, Retry: [{Errors: [E], MaxAttempts: -1}]")},
		{"no attempts", "", "", task("Action: ECS:X, Retry: [{Errors: [E], MaxAttempts: 0}]")},
		{"rate is text", "V21", "Retry[0].BackoffRate",
			task("Action: ECS:X, Retry: [{Errors: [E], BackoffRate: '2'}]")},
		{"endless rate", "V21", "Retry[0].BackoffRate",
			task("Action: ECS:X, Retry: [{Errors: [E], BackoffRate: 1e999}]")},
		{"catch without next", "V21", "Catch[0].Next",
			task("Action: ECS:X, Catch: [{Errors: [E]}]")},
		{"output in a catch", "V19", "Catch[0].OutputConstructor.a.$",
			task("Action: ECS:X, Catch: [{Errors: [E], Next: T, OutputConstructor: {a.$: $Output}}]")},
		{"star", "", "Catch[0].Errors[0]",
			task("Action: ECS:X, Catch: [{Errors: ['*'], Next: T}]")},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, compile(t, flow.Standard, c.list), c.rule, c.path)
		})
	}
}

func nested(n int) string {
	return strings.Repeat("length(", n) + "$Input" + strings.Repeat(")", n)
}

func check(t *testing.T, found yamldoc.Diagnostics, rule, path string) {
	t.Helper()
	switch {
	case len(found) == 0:
		if rule != "" || path != "" {
			t.Errorf("nothing found, want %s at %s", rule, path)
		}
	case found[0].Rule != rule || path == "" || !strings.HasSuffix(found[0].Path, path):
		t.Errorf("want %q at %q, got %v", rule, path, found)
	}
}

func TestTop(t *testing.T) {
	const states = "StartAt: A\nStates: [{Name: A, Type: Succeed}]\n"
	const head = "Type: StateMachine\nSpecVersion: v1\nName: f\n"
	for _, c := range []struct{ name, mode, rule, path, text string }{
		{"right", "", "", "", head + states},
		{"no version", "", "V02", "SpecVersion", "Type: StateMachine\nName: f\n" + states},
		{"no name", "", "V03", "Name", "Type: StateMachine\nSpecVersion: v1\n" + states},
		{"null name", "", "V03", "Name", "Type: StateMachine\nSpecVersion: v1\nName: null\n" +
			states},
		{"name of a number", "", "V03", "Name", "Type: StateMachine\nSpecVersion: v1\nName: 5\n" +
			states},
		{"states are a mapping", "", "V04", "States", head +
			"StartAt: A\nStates: {A: {Type: Succeed}}"},
		{"no start", "", "V05", "StartAt", head + "States: [{Name: A, Type: Succeed}]"},
		{"longest run", "", "", "", head + "Timeout: 31536000\n" + states},
		{"too long", "", "V22", "Timeout", head + "Timeout: 31536001\n" + states},
		{"longest Express run", flow.Express, "", "", head + "Timeout: 300\n" + states},
		{"too long for Express", flow.Express, "V22", "Timeout", head + "Timeout: 301\n" + states},
		{"timeout is text", "", "V22", "Timeout", head + "Timeout: '5'\n" + states},
		{"null timeout", "", "", "", head + "Timeout: null\nDescription: null\n" + states},
		{"field of FlowV1", "", "", "TimeoutSeconds", head + "TimeoutSeconds: 5\n" + states},
		{"unreachable state", "", "", "States[1](B)", head +
			"StartAt: A\nStates: [{Name: A, Type: Succeed}, {Name: B, Type: Succeed}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, compileText(t, c.mode, c.text), c.rule, c.path)
		})
	}
}

func TestOrderOfErrors(t *testing.T) {
	found := compileText(t, "",
		"States: [{Name: A, Type: Pass, OutputConstructor: {a.$: $Item}}, {Name: A, Type: Wait, Next: Z}]\nTimeout: -1\nX: 1\n")
	var rules []string
	for _, d := range found {
		rules = append(rules, d.Rule)
	}
	if got, want := strings.Join(rules,
		" "), "V01 V02 V03 V05 V06 V08 V09 V12 V19 V22 "; got != want {
		t.Errorf("rules %q, want %q: %v", got, want, found)
	}
}

// TestHints: an error names the alternative.
func TestHints(t *testing.T) {
	for _, c := range []struct{ mode, list, hint string }{
		{"", "{Name: A, Type: Wait, Seconds: 301, End: true}",
			"for longer, put several in a row, or use a task that waits for a callback and has a Timeout"},
		{"", "{Name: A, Type: Wait, Seconds: '5', End: true}",
			"write the number of seconds, without a unit and without quotes"},
		{"", "{Name: A, Type: Wait, Seconds: $Input.s, End: true}",
			"an expression needs the key Seconds.$"},
		{"", "{Name: A, Type: Wait, Seconds: 0, End: true}", ""},
		{flow.Express, "{Name: A, Type: Wait, Seconds: 21, End: true}", ""},
		{"", "{Name: T, Type: Task, End: true, Action: HTTP:Request, TaskMode: WaitForSystemCallback, Parameters: {url: 'http://x', method: get}}",
			"it has RequestComplete, WaitForCustomCallback"},
		{"", "{Name: T, Type: Task, End: true, Action: ECS:StopInstance, TaskMode: WaitForCustomCallback}", "it has RequestComplete"},
	} {
		if found := compile(t, c.mode, c.list); len(found) == 0 || found[0].Hint != c.hint {
			t.Errorf("%s: %v, want the hint %q", c.list, found, c.hint)
		}
	}
}
