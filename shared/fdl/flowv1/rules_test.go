package flowv1_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/fdl/flowv1"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

func compileText(t *testing.T, mode, text string) yamldoc.Diagnostics {
	t.Helper()
	report := yamldoc.NewReport([]byte(text))
	root := yamldoc.Parse([]byte(text), flow.DefaultLimits().DefinitionBytes, report)
	if root == nil {
		t.Fatalf("%s\n%v", text, report.Diagnostics())
	}
	flowv1.Compile(root, "f", mode, flow.DefaultLimits(), report)
	return report.Diagnostics()
}

// check requires that the first diagnostic has the rule ("" for a warning) and that its path ends
// with path. Both "" mean that there must be none.
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

func TestRules(t *testing.T) {
	pass := func(rest string) string { return "{type: pass, name: p, " + rest + "}" }
	task := func(rest string) string {
		return "{type: task, name: t, resourceArn: 'acs:fc:::services/s/functions/f', " + rest + "}"
	}
	inner := "steps: [{type: pass, name: i}]"
	for _, c := range []struct{ name, rule, path, list string }{
		{"no steps", "", "", ""},
		{"no mapping", "F03", "steps[0]", "5"},
		{"no type", "F03", "type", "{name: a}"},
		{"no name", "F03", "name", "{type: pass}"},
		{"null name", "F03", "name", "{type: pass, name: }"},
		{"name of a number", "F03", "name", "{type: pass, name: 5}"},
		{"long name", "F03", "name", "{type: pass, name: " + strings.Repeat("x", 129) + "}"},
		{"StateMachine spelling", "F03", "type", "{type: Pass, name: a}"},
		{"unknown key", "F03", "next", pass("next: p")},
		{"end on succeed", "F03", "end", "{type: succeed, name: s, end: true}"},
		{"end is text", "F03", "end", pass("end: 'true'")},
		{"end is null", "", "", pass("end: null")},
		{"retry on a pass", "F03", "retry", pass("retry: []")},
		{"same name inside", "F04", "name",
			"{type: pass, name: i}, {type: choice, name: c, default: {" + inner + "}}"},
		{"goto out of the list", "F05", "goto",
			"{type: pass, name: a}, {type: choice, name: c, default: {steps: [{type: choice, name: d, default: {goto: a}}]}}"},
		{"goto into a list", "F05", "goto", "{type: choice, name: c, default: {goto: i, " + inner +
			"}}"},
		{"goto itself", "", "steps[0](c)", "{type: choice, name: c, default: {goto: c}}"},

		{"no resource", "F06", "steps[0](t)", "{type: task, name: t}"},
		{"bad resource", "F06", "resourceArn", "{type: task, name: t, resourceArn: 'acs:oss:::b'}"},
		{"resource of another cloud", "F06", "resourceArn",
			"{type: task, name: t, resourceArn: 'arn:aws:lambda:::f'}"},
		{"bad action", "F06", "action", "{type: task, name: t, action: 'x'}"},
		{"action", "", "", "{type: task, name: t, action: 'fnf:StartExecution', serviceParams: {FlowName: f}}"},
		{"action with sync", "F06", "pattern",
			"{type: task, name: t, action: 'fnf:StartExecution', pattern: sync}"},
		{"queue with sync", "F06", "pattern",
			"{type: task, name: t, resourceArn: 'acs:mns:::/queues/q/messages', pattern: sync, serviceParams: {MessageBody: x}}"},
		{"queue without body", "", "MessageBody",
			"{type: task, name: t, resourceArn: 'acs:mns:::/queues/q/messages'}"},
		{"unknown pattern", "F06", "pattern", task("pattern: async")},
		{"pattern is a list", "F03", "pattern", task("pattern: [sync]")},
		{"unknown invocation", "F06", "InvocationType",
			task("serviceParams: {InvocationType: async}")},
		{"unknown invocation in the spelling of StateMachine", "", "serviceParams.invocationType",
			task("serviceParams: {invocationType: sync}")},
		{"timeout of zero", "F03", "timeoutSeconds", task("timeoutSeconds: 0")},
		{"timeout is text", "F03", "timeoutSeconds", task("timeoutSeconds: '5'")},
		{"huge timeout", "", "", task("timeoutSeconds: 4000000000000")},
		{"retry without errors", "F06", "retry[0].errors", task("retry: [{maxAttempts: 1}]")},
		{"retry of nothing", "F06", "retry[0].errors", task("retry: [{errors: []}]")},
		{"retry of text", "F03", "retry[0].errors", task("retry: [{errors: FnF.ALL}]")},
		{"long interval", "F06", "intervalSeconds",
			task("retry: [{errors: [E], intervalSeconds: 86401}]")},
		{"multiplier is text", "F03", "multiplier",
			task("retry: [{errors: [E], multiplier: '2'}]")},
		{"fractional multiplier", "", "", task("retry: [{errors: [E], multiplier: 0.5}]")},
		{"unknown key in retry", "F03", "maxAttempt",
			task("retry: [{errors: [E], maxAttempt: 1}]")},
		{"catch without goto", "F06", "catch[0].goto", task("catch: [{errors: [E]}]")},
		{"catch without errors", "F06", "catch[0].errors", task("catch: [{goto: t}]")},
		{"steps in catch", "F03", "catch[0].steps",
			task("catch: [{errors: [E], goto: t, steps: []}]")},
		{"star", "", "catch[0].errors[0]", task("catch: [{errors: ['*'], goto: t}]")},
		{"errorMappings alone", "", "errorMappings",
			task("errorMappings: [{target: e, source: $local.error}]")},
		{"errorMappings of the default input", "F08", "source",
			task("errorMappings: [{target: e, source: $.x}], catch: [{errors: [E], goto: t}]")},
		{"params of the input", "", "serviceParams.a", task("serviceParams: {a: $input.x}")},
		{"bad path in params", "F08", "serviceParams.a", task("serviceParams: {a: $.x..y}")},

		{"no duration", "F07", "steps[0](w)", "{type: wait, name: w}"},
		{"negative duration", "F07", "duration", "{type: wait, name: w, duration: -1}"},
		{"fractional duration", "F07", "duration", "{type: wait, name: w, duration: 1.5}"},
		{"duration is a list", "F03", "duration", "{type: wait, name: w, duration: [1]}"},
		{"duration of zero", "", "", "{type: wait, name: w, duration: 0}"},
		{"duration of the context", "F08", "duration",
			"{type: wait, name: w, duration: $context.x}"},
		{"timestamp", "", "", "{type: wait, name: w, timestamp: 2019-05-02T15:04:05Z}"},
		{"bad timestamp", "F07", "timestamp", "{type: wait, name: w, timestamp: 2019-05-02}"},

		{"no condition", "F08", "condition", "{type: choice, name: c, choices: [{goto: c}]}"},
		{"empty condition", "F08", "condition",
			"{type: choice, name: c, choices: [{condition: '', goto: c}]}"},
		{"condition is a boolean", "F03", "condition",
			"{type: choice, name: c, choices: [{condition: true}]}"},
		{"condition of the input root", "F08", "condition",
			"{type: choice, name: c, choices: [{condition: $input.a}]}"},
		{"empty choice", "", "", "{type: choice, name: c}"},
		{"unknown key in default", "", "default.end",
			"{type: choice, name: c, default: {end: true}}"},
		{"unknown key in an option", "F03", "choices[0].end",
			"{type: choice, name: c, choices: [{condition: $.a, end: true}]}"},
		{"bad path", "F08", "source", pass("outputMappings: [{target: a, source: $input.a.}]")},
		{"filter", "F08", "source",
			pass("outputMappings: [{target: a, source: '$input.a[?(@.x)]'}]")},
		{"no target", "F03", "target", pass("outputMappings: [{source: 1}]")},
		{"mappings are a mapping", "F03", "outputMappings", pass("outputMappings: {a: 1}")},
		{"no source", "", "", pass("outputMappings: [{target: a}]")},
		{"odd target", "", "target", pass("outputMappings: [{target: $.a, source: 1}]")},
		{"token of a pass", "", "source",
			pass("inputMappings: [{target: a, source: $context.task.token}]")},

		{"no branches", "F09", "branches", "{type: parallel, name: p}"},
		{"101 branches", "F09", "branches", "{type: parallel, name: p, branches: [" +
			strings.Repeat("{steps: [{type: succeed, name: s}]},", 101) + "]}"},
		{"branch without steps", "F09", "branches[0].steps",
			"{type: parallel, name: p, branches: [{}]}"},
		{"branch of no steps", "F09", "branches[0].steps",
			"{type: parallel, name: p, branches: [{steps: []}]}"},
		{"no iterationMapping", "F09", "iterationMapping",
			"{type: foreach, name: e, " + inner + "}"},
		{"no collection", "F09", "collection",
			"{type: foreach, name: e, iterationMapping: {item: i}, " + inner + "}"},
		{"no item", "F09", "item",
			"{type: foreach, name: e, iterationMapping: {collection: $.a}, " + inner + "}"},
		{"no steps in foreach", "F09", "steps",
			"{type: foreach, name: e, iterationMapping: {collection: $.a, item: i}}"},
		{"odd item", "", "item",
			"{type: foreach, name: e, iterationMapping: {collection: $.a, item: $.i}, " + inner +
				"}"},
		{"unreachable step", "", "steps[1](b)",
			"{type: pass, name: a, end: true}, {type: pass, name: b}"},
		{"error of a number", "F03", "error", "{type: fail, name: f, error: 404}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := compileText(t, flow.Standard, "version: v1\ntype: flow\nsteps: ["+c.list+"]\n")
			if c.name == "101 branches" { // every branch repeats a name
				found = withoutRule(found, "F04")
			}
			check(t, found, c.rule, c.path)
		})
	}
}

func withoutRule(found yamldoc.Diagnostics, rule string) (rest yamldoc.Diagnostics) {
	for _, d := range found {
		if d.Rule != rule {
			rest = append(rest, d)
		}
	}
	return rest
}

// TestTimeoutMessage: the message names only bounds that make sense.
func TestTimeoutMessage(t *testing.T) {
	const text = "version: v1\ntype: flow\nsteps: [{type: task, name: t, resourceArn: 'acs:fc:::functions/f', timeoutSeconds: %s}]"
	for value, want := range map[string]string{
		"0": "must be an integer of at least 1", "-1": "must be an integer of at least 1",
		"1.5": "must be an integer of at least 1",
		"a":   "must be an integer, not a string",
	} {
		if found := compileText(t, "", fmt.Sprintf(text, value)); len(found) != 1 ||
			found[0].Message != want || found[0].Rule != "F03" {
			t.Errorf("%s: %v, want %q", value, found, want)
		}
	}
}

func TestTop(t *testing.T) {
	for _, c := range []struct{ name, mode, rule, path, text string }{
		{"other version", "", "", "", "version: v1beta1\ntype: flow\nsteps: []"},
		{"version with a point", "", "", "", "version: v1.0\ntype: flow\nsteps: []"},
		{"unknown version", "", "F01", "version", "version: 1\ntype: flow\nsteps: []"},
		{"no version", "", "F01", "version", "type: flow\nsteps: []"},
		{"no steps", "", "F01", "steps", "version: v1\ntype: flow"},
		{"steps are a mapping", "", "F01", "steps", "version: v1\ntype: flow\nsteps: {}"},
		{"name", "", "F02", "name", "version: v1\ntype: flow\nname: g\nsteps: []"},
		{"name that no flow can have", "", "F02", "name",
			"version: v1\ntype: flow\nname: 9x\nsteps: []"},
		{"description", "", "", "", "version: v1\ntype: flow\ndescription: d\nsteps: []"},
		{"unknown key", "", "", "Steps", "version: v1\ntype: flow\nsteps: []\nSteps: []"},
		{"timeout", "", "F03", "timeoutSeconds",
			"version: v1\ntype: flow\ntimeoutSeconds: -1\nsteps: []"},
		{"mappings", "", "F08", "outputMappings[0].source",
			"version: v1\ntype: flow\noutputMappings: [{target: a, source: $local..a}]\nsteps: []"},
		{"callback in Express", flow.Express, "F06", "pattern",
			"version: v1\ntype: flow\nsteps: [{type: task, name: t, resourceArn: 'acs:fc:::functions/f', pattern: waitForCallback}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, compileText(t, c.mode, c.text), c.rule, c.path)
		})
	}
}

// TestInvocationType: the invocation type decides whether a function's call or its end completes
// the task. The compiler accepts the same spellings as the task that makes the call, and prefers
// the same one.
func TestInvocationType(t *testing.T) {
	for params, want := range map[string]flow.TaskMode{
		"{}":                      flow.RequestComplete,
		"{InvocationType: Sync}":  flow.RequestComplete,
		"{InvocationType: Async}": flow.WaitForSystemCallback,
		"{invocationType: Async}": flow.WaitForSystemCallback,
		"{invocationType: Sync, InvocationType: Async}": flow.RequestComplete,
		"{invocationType: Async, InvocationType: Sync}": flow.WaitForSystemCallback,
		// Only the call can tell.
		"{invocationType: sync}":  flow.WaitForSystemCallback,
		"{INVOCATIONTYPE: Async}": flow.RequestComplete,
	} {
		text := "version: v1\ntype: flow\nsteps:\n- {type: task, name: t, resourceArn: 'acs:fc:::services/s/functions/f', " +
			"pattern: sync, serviceParams: " + params + "}\n"
		report := yamldoc.NewReport([]byte(text))
		root := yamldoc.Parse([]byte(text), flow.DefaultLimits().DefinitionBytes, report)
		m := flowv1.Compile(root, "f", flow.Standard,
			flow.DefaultLimits(), report)
		if m == nil {
			t.Fatalf("%s: %v", params, report.Diagnostics())
		}
		if got := m.Nodes[0].Task.Mode; got != want {
			t.Errorf("%s: %v, want %v", params, got, want)
		}
	}
}
