package reference_test

import (
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/tests/reference"
)

// cases are flows on which the reference or the engine was wrong, with the results of their tasks.
var cases = []struct {
	what, definition string
	tasks            map[string][]flowtest.Outcome
}{
	{"a Parallel is tried again when a branch has failed with an error that is not retried there",
		`{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: P, States: [
		{Name: P, Type: Parallel,
		End: true, Retry: [{Errors: [FnF.ExpressionError], MaxAttempts: 1,
			IntervalSeconds: 3}], Branches: [
		{StartAt: A, States: [{Name: A, Type: Pass, InputConstructor: {x.$: $Input.missing},
			End: true}]},
		{StartAt: B, States: [{Name: B, Type: Pass, End: true}]}]}]}`, nil},
	{"a Map is tried again when its output cannot be built",
		`{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: M, States: [
		{Name: M, Type: Map, End: true,
		ItemsPath: '[1, 2]', OutputConstructor: {x.$: $Output.missing},
		Retry: [{Errors: [FnF.ALL], MaxAttempts: 2, IntervalSeconds: 1}],
		Processor: {StartAt: A, States: [{Name: A, Type: Pass, End: true}]}}]}`, nil},
	{"a state fails with the name of an error that is the engine's",
		`{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: F, States: [
		{Name: F, Type: Fail, Code: FnF.InternalError}]}`, nil},
	{"parameters that cannot be built are tried again without an event",
		`{Type: StateMachine, SpecVersion: v1, Name: f, StartAt: T, States: [
		{Name: T, Type: Task, End: true,
		Action: 'FC:InvokeFunction', Parameters: {resourceArn: 'acs:fc:::functions/f',
			invocationType: Sync,
		body: {x.$: $Input.missing}}, Retry: [{Errors: [FnF.ALL], MaxAttempts: 2,
			IntervalSeconds: 10,
		BackoffRate: 2}]}]}`, nil},
}

// TestCases judges the history that the engine writes for each case. No event may be a second
// early.
func TestCases(t *testing.T) {
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			m, diagnostics := fdl.Parse([]byte(c.definition), fdl.Options{Mode: flow.Standard})
			if m == nil {
				t.Fatal(fdl.Fault(diagnostics))
			}
			setup := flowtest.Setup{FlowName: "f", ExecutionName: "exec", Start: start,
				Tasks: c.tasks}
			r, err := flowtest.Execute(m, flow.DefaultLimits(), setup)
			if err != nil {
				t.Fatal(err)
			}
			check := func(events []reference.Event) error {
				return reference.Check(c.definition, "{}", contextOf(&setup), events,
					recordOf(m, &setup, r))
			}
			if err := check(eventsOf(m, r.Events)); err != nil {
				t.Fatalf("%v\n%s", err, show(eventsOf(m, r.Events)))
			}
			for i := range r.Events {
				events := mutations["it comes a second early"](eventsOf(m, r.Events), i)
				if events != nil && check(events) == nil {
					t.Errorf("event %d may be early", i+1)
				}
			}
		})
	}
}
