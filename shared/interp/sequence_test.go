package interp_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/tests/support/flowgen"
)

// fc returns a StateMachine Task state.
func fc(name, rest string) string {
	return `{Name: ` + name +
		`, Type: Task, Action: FC:InvokeFunction, Parameters: {resourceArn: "acs:fc:::functions/f/LATEST", invocationType: Sync}, ` + rest + `}`
}

// stateMachine returns a StateMachine flow with these states.
func stateMachine(states ...string) string {
	first := strings.TrimPrefix(strings.SplitN(states[0], ",", 2)[0], "{Name: ")
	return "Type: StateMachine\nSpecVersion: v1\nName: flow\nStartAt: " + first + "\nStates:\n- " +
		strings.Join(states, "\n- ") + "\n"
}

// flowV1 returns a FlowV1 flow with these steps.
func flowV1(list ...string) string {
	return "version: v1\ntype: flow\nsteps:\n- " + strings.Join(list, "\n- ") + "\n"
}

// tasks is a callHandler with outcomes by state: each call takes the next outcome of its state; the
// last one is repeated. An outcome is a list of words, each a message: `ok`, `list` and `fail` are
// results of the call, `async` and `asyncfail` results that also end its job, and `report` is a
// report by token.
type tasks map[string][]string

func (w tasks) handler() callHandler {
	used := map[string]int{}
	return callHandlerFunc(func(c *interp.Call) (out []flowgen.DelayedMessage) {
		list := w[c.State]
		if len(list) == 0 {
			return nil
		}
		outcome := list[min(used[c.State], len(list)-1)]
		used[c.State]++
		for i, word := range strings.Fields(outcome) {
			var n interp.Message
			switch word {
			case "ok":
				n = callCompleted(c, `{"ok":true}`)
			case "list":
				n = callCompleted(c, `[1]`)
			case "fail":
				n = callFailed(c, "Busy")
			case "report":
				n = taskReported(c, `{"ok":true}`)
			case "async":
				n = callCompleted(c, `{"ok":true}`)
				n.Async = true
			case "asyncfail":
				n = callFailed(c, "Busy")
				n.Async = true
			default:
				panic(word)
			}
			out = append(out, flowgen.DelayedMessage{Delay: int64(i+1) * 10, Message: n})
		}
		return out
	})
}

// TestSequences checks the ids and ScheduleEventIds of each kind of state
// (docs/api.md#getexecutionhistory).
func TestSequences(t *testing.T) {
	retry := `Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}], `
	catch := `Catch: [{Errors: [FnF.ALL], Next: b}], `
	stepV1 := `type: task, resourceArn: "acs:fc:::services/s/functions/f"`
	for name, c := range map[string]struct {
		flow  string
		input string
		tasks tasks
		want  string
	}{
		"pass, wait, choice, succeed": {
			flow: stateMachine(`{Name: p, Type: Pass, Next: w}`,
				`{Name: w, Type: Wait, Seconds: 1, Next: c}`,
				`{Name: c, Type: Choice, Branches: [{Condition: 1 == 1, Next: s}], Default: p}`,
				`{Name: s, Type: Succeed}`),
			want: `2<1 StateEntered p, 3<2 StateStarted p, 4<3 StateSucceeded p, 5<4 StateEntered w, 6<5 StateStarted w, 7<6 StateSucceeded w,
				8<7 StateEntered c, 9<8 StateStarted c, 10<9 StateSucceeded c, 11<10 StateEntered s, 12<11 StateStarted s, 13<12 StateSucceeded s,
				14<13 ExecutionSucceeded`,
		},
		"fail": {
			flow: stateMachine(`{Name: f, Type: Fail, Code: X}`),
			want: `2<1 StateEntered f, 3<2 StateStarted f, 4<3 StateFailed f, 5<4 ExecutionFailed`,
		},
		"task, failed once": {
			flow:  stateMachine(fc("a", retry+`End: true`)),
			tasks: tasks{"a": {"fail", "ok"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskFailed a,
				7<6 TaskScheduled a, 8<7 TaskStarted a, 9<8 TaskSucceeded a, 10<9 StateSucceeded a, 11<10 ExecutionSucceeded`,
		},
		"task, caught": {
			flow: stateMachine(fc("a", retry+catch+`End: true`),
				`{Name: b, Type: Pass, End: true}`),
			tasks: tasks{"a": {"fail"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskFailed a,
				7<6 TaskScheduled a, 8<7 TaskStarted a, 9<8 TaskFailed a, 10<9 StateFailed a, 11<10 StateEntered b, 12<11 StateStarted b,
				13<12 StateSucceeded b, 14<13 ExecutionSucceeded`,
		},
		"task, timed out": {
			flow: stateMachine(fc("a", catch+`Timeout: 5, End: true`),
				`{Name: b, Type: Pass, End: true}`),
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskTimedOut a, 7<6 StateTimedOut a,
				8<7 StateEntered b, 9<8 StateStarted b, 10<9 StateSucceeded b, 11<10 ExecutionSucceeded`,
		},
		"callback": {
			flow:  stateMachine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)),
			tasks: tasks{"a": {"ok report"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSubmitted a, 7<6 TaskSucceeded a,
				8<7 StateSucceeded a, 9<8 ExecutionSucceeded`,
		},
		"callback before the answer": {
			flow: stateMachine(fc("a", `TaskMode: WaitForCustomCallback, Next: b`),
				`{Name: b, Type: Wait, Seconds: 1, End: true}`),
			tasks: tasks{"a": {"report ok report"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSubmitted a, 7<6 TaskSucceeded a,
				8<7 StateSucceeded a, 9<8 StateEntered b, 10<9 StateStarted b, 11<10 StateSucceeded b, 12<11 ExecutionSucceeded`,
		},
		"callback, call failed": {
			flow:  stateMachine(fc("a", retry+`TaskMode: WaitForCustomCallback, End: true`)),
			tasks: tasks{"a": {"fail", "ok report"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSubmitFailed a,
				7<6 TaskScheduled a, 8<7 TaskStarted a, 9<8 TaskSubmitted a, 10<9 TaskSucceeded a, 11<10 StateSucceeded a, 12<11 ExecutionSucceeded`,
		},
		"callback, timed out after submission": {
			flow:  stateMachine(fc("a", `TaskMode: WaitForCustomCallback, Timeout: 3, End: true`)),
			tasks: tasks{"a": {"ok"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSubmitted a, 7<6 TaskTimedOut a,
				8<7 StateTimedOut a, 9<8 ExecutionFailed`,
		},
		"job that the call waited for": {
			flow: stateMachine(strings.Replace(fc("a",
				retry+`TaskMode: WaitForSystemCallback, End: true`), "Sync", "Async", 1)),
			tasks: tasks{"a": {"asyncfail", "async"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSubmitted a, 7<6 TaskFailed a,
				8<7 TaskScheduled a, 9<8 TaskStarted a, 10<9 TaskSubmitted a, 11<10 TaskSucceeded a, 12<11 StateSucceeded a, 13<12 ExecutionSucceeded`,
		},
		"output constructor fails, called again": {
			flow: stateMachine(fc("a", `OutputConstructor: {x.$: $Output.nothing}, Retry: [{Errors: [FnF.ExpressionError], MaxAttempts: 1, IntervalSeconds: 1}],
  End: true`)),
			tasks: tasks{"a": {"ok"}},
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSucceeded a,
				7<6 TaskScheduled a, 8<7 TaskStarted a, 9<8 TaskSucceeded a, 10<9 StateFailed a, 11<10 ExecutionFailed`,
		},
		"input constructor fails, not tried again": {
			flow: stateMachine(fc("a", `InputConstructor: {x.$: $Input.nothing}, Retry: [{Errors: [FnF.ALL], MaxAttempts: 5, IntervalSeconds: 1}],
  `+catch+`End: true`), `{Name: b, Type: Pass, End: true}`),
			want: `2<1 StateEntered a, 3<2 StateFailed a, 4<3 StateEntered b, 5<4 StateStarted b, 6<5 StateSucceeded b, 7<6 ExecutionSucceeded`,
		},
		"timed out, the constructor of the rule fails": {
			flow: stateMachine(fc("a",
				`Timeout: 5, Catch: [{Errors: [FnF.TaskTimeout], OutputConstructor: {x.$: $Input.nothing}, Next: b}], End: true`), `{Name: b, Type: Pass, End: true}`),
			want: `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskTimedOut a, 7<6 StateFailed a, 8<7 ExecutionFailed`,
		},
		"parallel": {
			flow: stateMachine(`{Name: p, Type: Parallel, Branches: [{StartAt: x, States: [{Name: x, Type: Pass, End: true}]},
    {StartAt: y, States: [{Name: y, Type: Pass, End: true}]}], End: true}`),
			want: `2<1 StateEntered p, 3<2 StateStarted p, 4<3 StateEntered x, 5<4 StateStarted x, 6<5 StateSucceeded x,
				7<3 StateEntered y, 8<7 StateStarted y, 9<8 StateSucceeded y, 10<9 StateSucceeded p, 11<10 ExecutionSucceeded`,
		},
		"parallel, the first branch ends last": {
			flow: stateMachine(`{Name: p, Type: Parallel, Branches: [{StartAt: x, States: [{Name: x, Type: Wait, Seconds: 9, End: true}]},
    {StartAt: y, States: [{Name: y, Type: Pass, End: true}]}], End: true}`),
			want: `2<1 StateEntered p, 3<2 StateStarted p, 4<3 StateEntered x, 5<4 StateStarted x, 6<3 StateEntered y, 7<6 StateStarted y,
				8<7 StateSucceeded y, 9<5 StateSucceeded x, 10<9 StateSucceeded p, 11<10 ExecutionSucceeded`,
		},
		"map, empty": {
			flow: stateMachine(`{Name: m, Type: Map, ItemsPath: "[]", Processor: {StartAt: x, States: [{Name: x, Type: Pass, End: true}]}, End: true}`),
			want: `2<1 StateEntered m, 3<2 StateStarted m, 4<3 StateSucceeded m, 5<4 ExecutionSucceeded`,
		},
		"map, one at a time, an iteration fails": {
			flow: stateMachine(`{Name: m, Type: Map, ItemsPath: "[1,2]", MaxConcurrency: 1, Catch: [{Errors: [X], Next: b}],
    Processor: {StartAt: c, States: [{Name: c, Type: Choice, Branches: [{Condition: $Input == 1, Next: x}], Default: f}, {Name: x, Type: Pass, End: true},
    {Name: f, Type: Fail, Code: X}]}, End: true}`, `{Name: b, Type: Succeed}`),
			want: `2<1 StateEntered m, 3<2 StateStarted m, 4<3 StateEntered c, 5<4 StateStarted c, 6<5 StateSucceeded c, 7<6 StateEntered x, 8<7 StateStarted x,
				9<8 StateSucceeded x, 10<3 StateEntered c, 11<10 StateStarted c, 12<11 StateSucceeded c, 13<12 StateEntered f, 14<13 StateStarted f,
				15<14 StateFailed f, 16<15 StateFailed m, 17<16 StateEntered b, 18<17 StateStarted b, 19<18 StateSucceeded b, 20<19 ExecutionSucceeded`,
		},
		"parallel, tried again, siblings aborted": {
			flow: stateMachine(`{Name: p, Type: Parallel, Retry: [{Errors: [Busy], MaxAttempts: 1, IntervalSeconds: 1}], Branches: [
    {StartAt: w, States: [` + fc("w", `TaskMode: WaitForCustomCallback, End: true`) + `]},
    {StartAt: q, States: [{Name: q, Type: Parallel, End: true, Branches: [{StartAt: z, States: [{Name: z, Type: Wait, Seconds: 9, End: true}]}]}]},
    {StartAt: a, States: [` + fc("a", "End: true") + `]}], End: true}`),
			tasks: tasks{"a": {"fail", "ok"}, "w": {"ok", "ok report"}},
			want: `2<1 StateEntered p, 3<2 StateStarted p, 4<3 StateEntered w, 5<4 StateStarted w, 6<5 TaskScheduled w,
				7<3 StateEntered q, 8<7 StateStarted q, 9<8 StateEntered z, 10<9 StateStarted z, 11<3 StateEntered a, 12<11 StateStarted a, 13<12 TaskScheduled a,
				14<6 TaskStarted w, 15<13 TaskStarted a, 16<14 TaskSubmitted w, 17<15 TaskFailed a, 18<17 StateFailed a, 19<16 StateAborted w,
				20<10 StateAborted z, 21<8 StateAborted q,
				22<3 StateEntered w, 23<22 StateStarted w, 24<23 TaskScheduled w, 25<3 StateEntered q, 26<25 StateStarted q, 27<26 StateEntered z, 28<27 StateStarted z,
				29<3 StateEntered a, 30<29 StateStarted a, 31<30 TaskScheduled a, 32<24 TaskStarted w, 33<31 TaskStarted a, 34<32 TaskSubmitted w,
				35<33 TaskSucceeded a, 36<35 StateSucceeded a, 37<34 TaskSucceeded w, 38<37 StateSucceeded w, 39<28 StateSucceeded z, 40<39 StateSucceeded q,
				41<40 StateSucceeded p, 42<41 ExecutionSucceeded`,
		},
		"execution timed out": {
			flow: "Timeout: 5\n" + stateMachine(fc("a", catch+`End: true`),
				`{Name: b, Type: Pass, End: true}`),
			tasks: tasks{},
			want:  `2<1 StateEntered a, 3<2 StateStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 StateAborted a, 7<6 ExecutionTimedOut`,
		},

		"FlowV1: pass, end": {
			flow: flowV1(`{type: pass, name: p, end: true}`, `{type: pass, name: q}`),
			want: `2<1 StepEntered p, 3<2 StepStarted p, 4<3 StepSucceeded p, 5<4 StepExited p, 6<5 ExecutionSucceeded`,
		},
		"FlowV1: no steps": {flow: "version: v1\ntype: flow\nsteps: []\n",
			want: `2<1 ExecutionSucceeded`},
		"FlowV1: task, failed once": {
			flow:  flowV1(`{name: a, ` + stepV1 + `, retry: [{errors: [Busy], maxAttempts: 1}]}`),
			tasks: tasks{"a": {"fail", "ok"}},
			want: `2<1 StepEntered a, 3<2 StepStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskFailed a,
				7<6 TaskScheduled a, 8<7 TaskStarted a, 9<8 TaskSucceeded a, 10<9 StepSucceeded a, 11<10 StepExited a, 12<11 ExecutionSucceeded`,
		},
		"FlowV1: callback, caught": {
			flow: flowV1(`{name: a, `+stepV1+`, pattern: waitForCallback, timeoutSeconds: 2, catch: [{errors: [FnF.TaskTimeout], goto: c}]}`,
				`{type: fail, name: b}`, `{type: pass, name: c}`),
			tasks: tasks{"a": {"ok"}},
			want: `2<1 StepEntered a, 3<2 StepStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSubmitted a, 7<6 TaskTimedOut a,
				8<7 StepFailed a, 9<8 StepExited a, 10<9 StepEntered c, 11<10 StepStarted c, 12<11 StepSucceeded c, 13<12 StepExited c, 14<13 ExecutionSucceeded`,
		},
		"FlowV1: no object": {
			flow:  flowV1(`{name: a, ` + stepV1 + `}`),
			tasks: tasks{"a": {"list"}},
			want:  `2<1 StepEntered a, 3<2 StepStarted a, 4<3 TaskScheduled a, 5<4 TaskStarted a, 6<5 TaskSucceeded a, 7<6 StepFailed a, 8<7 ExecutionFailed`,
		},
		"FlowV1: choice with steps, its goto over its end": {
			flow: flowV1(`{type: choice, name: c, end: true, choices: [{condition: "1 == 1", steps: [{type: pass, name: x}], goto: z}]}`,
				`{type: fail, name: y}`, `{type: pass, name: z}`),
			want: `2<1 StepEntered c, 3<2 StepStarted c, 4<3 StepEntered x, 5<4 StepStarted x, 6<5 StepSucceeded x, 7<6 StepExited x, 8<7 StepSucceeded c, 9<8 StepExited c,
				10<9 StepEntered z, 11<10 StepStarted z, 12<11 StepSucceeded z, 13<12 StepExited z, 14<13 ExecutionSucceeded`,
		},
		"FlowV1: foreach": {
			flow: flowV1(`{type: foreach, name: e, iterationMapping: {collection: "$.items", item: i}, steps: [{type: pass, name: x}]}`),
			want: `2<1 StepEntered e, 3<2 StepStarted e, 4<3 IterationEntered e, 5<4 StepEntered x, 6<5 StepStarted x, 7<6 StepSucceeded x, 8<7 StepExited x,
				9<8 IterationExited e, 10<3 IterationEntered e, 11<10 StepEntered x, 12<11 StepStarted x, 13<12 StepSucceeded x, 14<13 StepExited x,
				15<14 IterationExited e, 16<15 StepSucceeded e, 17<16 StepExited e, 18<17 ExecutionSucceeded`,
			input: `{"items":[1,2]}`,
		},
		"FlowV1: foreach, empty": {
			flow:  flowV1(`{type: foreach, name: e, iterationMapping: {collection: "$.items", item: i}, steps: [{type: pass, name: x}]}`),
			want:  `2<1 StepEntered e, 3<2 StepStarted e, 4<3 StepSucceeded e, 5<4 StepExited e, 6<5 ExecutionSucceeded`,
			input: `{"items":[]}`,
		},
		"FlowV1: a branch fails": {
			flow: flowV1(`{type: parallel, name: p, branches: [{steps: [{type: wait, name: w, duration: 9}]}, {steps: [{type: choice, name: c,
    default: {steps: [{type: fail, name: f}]}}]}]}`),
			want: `2<1 StepEntered p, 3<2 StepStarted p, 4<3 BranchEntered p, 5<4 StepEntered w, 6<5 StepStarted w,
				7<3 BranchEntered p, 8<7 StepEntered c, 9<8 StepStarted c, 10<9 StepEntered f, 11<10 StepStarted f, 12<11 StepFailed f, 13<12 StepFailed c,
				14<13 StepFailed p, 15<14 ExecutionFailed`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.input == "" {
				c.input = "{}"
			}
			m := parse(t, c.flow, flow.Standard)
			d := compare(t, m, flow.DefaultLimits(), decode(t, c.input), c.tasks.handler)
			want := "1<0 ExecutionStarted\n"
			for _, line := range strings.Split(c.want, ",") {
				want += strings.TrimSpace(line) + "\n"
			}
			if got := brief(m, d.history); got != want {
				t.Error(differ(want, got))
			}
		})
	}
}
