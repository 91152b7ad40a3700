package fdl_test

import (
	"strings"
	"testing"

	"millrace/shared/fdl"
)

// TestNoFalseAlarm: definitions that look like those of testdata/mistakes, but may be meant.
func TestNoFalseAlarm(t *testing.T) {
	task := func(rest string) string {
		return "{Name: T, Type: Task, Action: HTTP:Request, " +
			"Parameters: {url: 'http://x', method: get}, " + rest + "}"
	}
	other := func(action string) string {
		return "{Name: T, Type: Task, Action: '" + action + "', End: true}"
	}
	callback := func(action, rest string) string {
		return "{Name: T, Type: Task, Action: " + action + ", TaskMode: WaitForCustomCallback, " +
			"End: true, " + rest + "}"
	}
	const call = "resourceArn: 'acs:fc:::functions/f', invocationType: Sync, "
	for _, states := range []string{
		// errors
		task("End: true, Retry: [{Errors: [CardDeclined, FC.SomethingNew, HTTP.429, ECS.Forbidden]}]"),
		task("End: true, Retry: [{Errors: [FNF.ExecutionAlreadyExists, MNS.QueueNotExist]}]"),
		"{Name: T, Type: Parallel, End: true, Catch: [{Errors: [FnF.Mine], Next: S}], Branches: " +
			"[{StartAt: F, States: [{Name: F, Type: Fail, Code: FnF.Mine}]}]}, {Name: S, Type: Succeed}",
		// actions
		other("OSS:PutObject"), other("ECS:DescribeInstances"), other("OOS:StartExecution"),
		other("DashScope:QwenTextGeneration"), other("FNF:StopExecution"), other("SMQ:SendMessage"),
		// reports
		callback("HTTP:Request", "Timeout: 9, Parameters: {url: 'http://x', method: get}"),
		callback("FC:InvokeFunction", "Timeout: 0, Parameters: {"+call+"body.$: $Context.Current}"),
		callback("FC:InvokeFunction", "Timeout.$: $Input.t, Parameters: {"+call+
			"body: {a: [{t.$: 'format(\"{}\", $Context.Current.TaskToken)'}]}}"),
		// rules
		task("End: true, Retry: [{Errors: [A], MaxAttempts: 1}, {Errors: [B, FnF.ALL]}], "+
			"Catch: [{Errors: [A], Next: S}, {Errors: [FnF.ALL], Next: S}]") +
			", {Name: S, Type: Succeed}",
		"{Name: T, Type: Choice, Default: S, Branches: [{Condition: 'randomInt(0, 3) == 0', Next: S}, " +
			"{Condition: 'randomInt(0, 3) == 0', Next: S}, {Condition: 'false', Next: S}]}, " +
			"{Name: S, Type: Succeed}",
		// loops
		"{Name: T, Type: Wait, Seconds: 1, Next: T}",
		"{Name: T, Type: Pass, Next: C}, {Name: C, Type: Choice, Default: T, Branches: " +
			"[{Condition: $Input.a, Next: S}]}, {Name: S, Type: Succeed}",
		"{Name: T, Type: Parallel, Next: T, Branches: [{StartAt: W, States: " +
			"[{Name: W, Type: Wait, Seconds: 1, End: true}]}]}",
		"{Name: T, Type: Parallel, Next: T, Branches: [{StartAt: P, States: " +
			"[{Name: P, Type: Pass, End: true}]}], Catch: [{Errors: [FnF.ALL], Next: S}]}, " +
			"{Name: S, Type: Succeed}",
		// data
		"{Name: T, Type: Pass, GlobalConstructor: {a.$: $Input}, Next: U}, {Name: U, Type: Pass, " +
			"OutputConstructor: {x.$: $Global.a.b, y.$: $Global}, End: true}",
		task("Catch: [{Errors: [FnF.ALL], Next: U}], Next: U") +
			", {Name: U, Type: Pass, OutputConstructor: {x.$: $Input.x}, End: true}",
		task("Catch: [{Errors: [FnF.ALL], Next: U, OutputConstructor: {x.$: $Input.x}}], End: true") +
			", {Name: U, Type: Pass, OutputConstructor: {x.$: $Input.x}, End: true}",
		task("Catch: [{Errors: [FnF.ALL], Next: U}], End: true") + ", {Name: U, Type: Pass, End: true, " +
			"InputConstructor: {x.$: $Input.Code}, OutputConstructor: {y.$: $Input.x}}",
		task("Catch: [{Errors: [FnF.ALL], Next: U}], End: true") +
			", {Name: U, Type: Pass, OutputConstructor: {x: 1}, Next: V}" +
			", {Name: V, Type: Pass, OutputConstructor: {x.$: $Input.x}, End: true}",
	} {
		for _, d := range parseStates(states) {
			t.Errorf("%s\n%v", states, d)
		}
	}
}

// TestLint checks parts of messages and hints of warnings that testdata/mistakes lacks.
func TestLint(t *testing.T) {
	task := func(rest string) string {
		return "{Name: T, Type: Task, Action: HTTP:Request, End: true, " +
			"Parameters: {url: 'http://x', method: get}, " + rest + "}"
	}
	for _, c := range []struct{ states, message, hint string }{
		{task("Retry: [{Errors: [States.Timeout]}]"), "matches no error", "write FnF.TaskTimeout"},
		{task("Retry: [{Errors: [FC.*]}]"), "matches no error", "no other name stands for several"},
		{task("Retry: [{Errors: [FnF.Mine]}]"), "no error FnF.Mine", "begins with another word"},
		{task("Retry: [{Errors: [fc.Unknown]}]"), "no known error", "'FC.Unknown'"},
		{"{Name: T, Type: Task, Action: FCC:InvokeFunction, End: true}", "no known action",
			"'FC:InvokeFunction'"},
		{"{Name: T, Type: Task, Action: FNF:StratExecution, End: true}", "no known action",
			"'FNF:StartExecution'"},
		{task("Retry: [{Errors: [A]}, {Errors: [A, B]}]"), "has no effect: Retry[0]", "first rule"},
		{task("Catch: [{Errors: [A], Next: S}, {Errors: [A], Next: S}]") + ", {Name: S, Type: Succeed}",
			"is never reached: earlier rules", "first rule"},
		{task("Catch: [{Errors: [A], Next: W}]") + ", {Name: W, Type: Wait, Seconds: 1, Next: U}, " +
			"{Name: U, Type: Parallel, End: true, Branches: [{StartAt: V, States: [{Name: V, " +
			"Type: Pass, End: true, OutputConstructor: {x.$: $Context.Current.Input.x}}]}]}",
			`the Catch of "T"`, "x.$: $Input.x"},
	} {
		found := parseStates(c.states)
		if len(found) != 1 || !strings.Contains(found[0], c.message) ||
			!strings.Contains(found[0], c.hint) {
			t.Errorf("%s\n%q\nwant %s, %s", c.states, found, c.message, c.hint)
		}
	}
}

// parseStates returns the diagnostics of a flow that starts at T.
func parseStates(states string) (found []string) {
	text := []byte("Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: T\n" +
		"States: [" + states + "]\n")
	_, all := fdl.Parse(text, fdl.Options{})
	for _, d := range all {
		found = append(found, d.Render(text))
	}
	return found
}
