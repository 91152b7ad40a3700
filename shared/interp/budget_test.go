package interp_test

import (
	"fmt"
	"strings"
	"testing"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/interp"
)

// heavyStateMachine returns a flow of a hundred states in sequence, each of which uses almost the
// whole budget of a transition.
func heavyStateMachine() string {
	var states strings.Builder
	for i := range 100 {
		fmt.Fprintf(&states, "  - Name: S%d\n    Type: Pass\n    OutputConstructor:\n      list.$: $Input.list\n      n.$: length(arrayUnique($Input.list))\n", i)
		if i < 99 {
			fmt.Fprintf(&states, "    Next: S%d\n", i+1)
		} else {
			states.WriteString("    End: true\n")
		}
	}
	return "Type: StateMachine\nSpecVersion: v1\nName: heavy\nStartAt: S0\nStates:\n" +
		states.String()
}

const heavyV1 = `version: v1
type: flow
steps:
  - type: foreach
    name: each
    iterationMapping: {collection: $.list, item: item}
    steps:
      - type: choice
        name: choose
        choices:
          - condition: $.item in $.list && $.item in $.list && $.item in $.list && "none" in $.list
            steps: [{type: pass, name: a}]
        default:
          steps: [{type: pass, name: b}]
`

// texts returns a list of n texts.
func texts(n int) map[string]any {
	list := make([]any, n)
	for i := range list {
		list[i] = fmt.Sprintf("text %d", i)
	}
	return map[string]any{"list": list}
}

// TestStepsEndAfterTheirWork: a step ends soon after WorkMax, in both dialects and in a Map, and
// exceeds it by little more than the budget of one transition. Where it is cut does not change the
// history.
func TestStepsEndAfterTheirWork(t *testing.T) {
	const work = 20_000
	for name, c := range map[string]struct {
		definition string
		input      any
	}{"StateMachine": {heavyStateMachine(), texts(3000)}, "FlowV1": {heavyV1, texts(400)}} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, c.definition, flow.Standard)
			quiet := &script{used: map[string]int{}}
			straight := newDriver(t, m, flow.DefaultLimits(), c.input, quiet, driveMode{}).run()
			if straight.work < 20*work {
				t.Fatalf("the flow is work of %d steps only: %v", straight.work,
					straight.state.Error)
			}
			for _, w := range []driveMode{{work: work}, {work: work, stored: true}} {
				d := newDriver(t, m, flow.DefaultLimits(), c.input, quiet, w).run()
				if got := d.transcript(); got != straight.transcript() {
					t.Fatalf("%v differs:\n%s", w, differ(straight.transcript(), got))
				}
				if limit := work + 2*expr.DefaultBudget().Nodes; d.longest > limit {
					t.Errorf("%v: a step does %d units of work, want at most %d", w, d.longest,
						limit)
				}
				if d.steps < straight.work/(work+2*expr.DefaultBudget().Nodes) {
					t.Errorf("%v: only %d steps", w, d.steps)
				}
			}
		})
	}
}

// TestStopBetweenSteps: a stop that arrives while an execution computes is applied before the
// execution advances.
func TestStopBetweenSteps(t *testing.T) {
	d := newDriver(t, parse(t, heavyStateMachine(), flow.Standard), flow.DefaultLimits(),
		texts(3000), &script{used: map[string]int{}},
		driveMode{work: 20_000, stored: true})
	if more := d.step(nil); !more {
		t.Fatal("the first step goes to the end")
	}
	d.step([]interp.Message{{Kind: interp.StopRequested}})
	if d.state.Status != flow.Stopped {
		t.Error(d.state.Status)
	}
}

// TestTransitionsShareABudget: all evaluations of one transition share one budget: the conditions
// of a Choice, the members of a constructor, Output and Global.
func TestTransitionsShareABudget(t *testing.T) {
	var choices, members strings.Builder
	for i := range 60 {
		fmt.Fprintf(&choices,
			"      - Condition: arrayContains($Input.list, \"none %d\")\n        Next: End\n", i)
		fmt.Fprintf(&members, "      m%d.$: length(arrayUnique($Input.list))\n", i)
	}
	head := "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n  - Name: A\n"
	last := "  - {Name: End, Type: Pass, OutputConstructor: {ok: true}, End: true}\n"
	for name, definition := range map[string]string{
		"conditions": head + "    Type: Choice\n    Branches:\n" + choices.String() +
			"    Default: End\n" + last,
		"constructor": head + "    Type: Pass\n    Next: End\n    OutputConstructor:\n" +
			members.String() + last,
		"globals": head + "    Type: Pass\n    Next: End\n    OutputConstructor:\n" +
			firstLines(members.String(), 15) +
			"    GlobalConstructor:\n" + firstLines(members.String(), 15) + last,
	} {
		d := newDriver(t, parse(t, definition, flow.Standard), flow.DefaultLimits(), texts(3000),
			&script{used: map[string]int{}}, driveMode{}).run()
		if e := d.state.Error; e == nil || e.Name != flow.ErrExpression ||
			!strings.Contains(e.Cause, "too much work") {
			t.Errorf("%s: %v %v", name, d.state.Status, e)
		}
	}
}

func firstLines(text string, n int) string {
	return strings.Join(strings.SplitAfterN(text, "\n", n+1)[:n], "")
}
