package flowtest_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
)

const stateMachineRetry = `Type: StateMachine
SpecVersion: v1
Name: f
StartAt: A
States:
  - Name: A
    Type: Task
    Action: FC:InvokeFunction
    Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync, body: {n: 1}}
    Retry: [{Errors: [FnF.ALL], IntervalSeconds: 1, MaxAttempts: 3}]
    Next: B
  - {Name: B, Type: Pass, OutputConstructor: {ok: true}, End: true}
`

const flowV1Retry = `version: v1
type: flow
name: f
steps:
  - type: task
    name: A
    resourceArn: acs:fc:::functions/f
    inputMappings: [{target: n, source: 1}]
    serviceParams: {n: $.n}
    retry: [{errors: [FnF.ALL], intervalSeconds: 1, maxAttempts: 3}]
  - {type: pass, name: B}
`

// check runs a case of a definition whose task A fails twice, and returns the differences.
func check(t *testing.T, definition, expect string) []string {
	t.Helper()
	m, diagnostics := fdl.Parse([]byte(definition), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatal(diagnostics)
	}
	file, err := flowtest.Load([]byte("flow: f.yaml\ncases:\n" +
		"  - tasks: {A: [{error: E}, {error: E}, {return: {}}]}\n    expect: " + expect + "\n"))
	if err != nil {
		t.Fatal(expect, err)
	}
	r, err := flowtest.Execute(m, flow.DefaultLimits(), file.Cases[0].Setup)
	if err != nil {
		t.Fatal(err)
	}
	return flowtest.Check(m, r, &file.Cases[0].Expect)
}

// TestNumberOfCallsAndEntries checks that a list by state needs one element for each call or entry:
// more and fewer are differences.
func TestNumberOfCallsAndEntries(t *testing.T) {
	lists := map[string]string{"calls": "", "callsInclude": "{}", "taskInputs": "", "states": "{}"}
	for _, dialect := range []struct{ definition, params, input string }{
		{stateMachineRetry,
			"{resourceArn: 'acs:fc:::functions/f', invocationType: Sync, body: {n: 1}}", "{}"},
		{flowV1Retry, "{n: 1}", "{n: 1}"},
	} {
		for list, element := range lists {
			there, state, noun := 3, "A", "calls of A"
			switch list {
			case "calls":
				element = dialect.params
			case "taskInputs":
				element = dialect.input
			case "states":
				there, state, noun = 1, "B", "entries of state B"
			}
			for n := range 5 {
				elements := strings.TrimSuffix(strings.Repeat(element+", ", n), ", ")
				got := check(t, dialect.definition,
					fmt.Sprintf("{%s: {%s: [%s]}}", list, state, elements))
				switch {
				case n == there && len(got) != 0:
					t.Errorf("%s with %d elements: %q", list, n, got)
				case n < there &&
					(len(got) != 1 || got[0] != fmt.Sprintf("%s: want %d, got %d", noun, n, there)):
					t.Errorf("%s with %d elements: %q", list, n, got)
				case n > there && (len(got) == 0 || !strings.Contains(got[0], fmt.Sprint(there+1))):
					t.Errorf("%s with %d elements: %q", list, n, got)
				}
			}
		}
	}
	if got := check(t, stateMachineRetry,
		"{calls: {A: []}, callsInclude: {A: []}}"); len(got) != 1 {
		t.Errorf("told more than once: %q", got)
	}
}

// TestNumbersAreComparedExactly checks that numbers in cases keep all digits and are compared by
// value.
func TestNumbersAreComparedExactly(t *testing.T) {
	const pass = "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: P\nStates:\n" +
		"  - {Name: P, Type: Pass, End: true}\n"
	m, diagnostics := fdl.Parse([]byte(pass), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatal(diagnostics)
	}
	for _, c := range []struct {
		given, wanted string
		same          bool
	}{
		{"20261130070000000001", "20261130070000000002", false},
		{"20261130070000000001", "20261130070000000001", true},
		{"123456789012345678901234567890", "123456789012345678901234567891", false},
		{"1.00000000000000000001", "1", false}, {"1e400", "1e401", false},
		{"1e400", "10e399", true}, {"1", "1.0", true}, {"0.1", "0.10000000000000001", false},
		{"9223372036854775807", "9223372036854775808", false},
	} {
		file, err := flowtest.Load([]byte("flow: f.yaml\ncases:\n  - {input: {n: " + c.given +
			", list: [{m: " + c.given + "}]}, " +
			"expect: {output: {n: " + c.wanted + ", list: [{m: " + c.wanted + "}]}}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := flowtest.Execute(m, flow.DefaultLimits(), file.Cases[0].Setup)
		if err != nil {
			t.Fatal(err)
		}
		if got := flowtest.Check(m, r, &file.Cases[0].Expect); (len(got) == 0) != c.same ||
			!c.same && len(got) != 2 {
			t.Errorf("%s where %s is wanted: %q", c.given, c.wanted, got)
		}
	}
}
