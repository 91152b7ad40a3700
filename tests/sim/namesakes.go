package sim

import (
	"fmt"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
)

// In some runs flows name the executions that their tasks start, and use few names: another task,
// an earlier attempt, another execution of the flow or a client may have each name. Two starts with
// the same origin are the same start, whatever happened to the execution; any other two are not
// (R3).

// kid is the flow that is started: its output says which task it was started for.
const kid = "Type: StateMachine\nSpecVersion: v1\nName: kid\nStartAt: A\nStates:\n" +
	"- {Name: A, Type: Wait, Seconds: %d, Next: B}\n" +
	"- {Name: B, Type: Pass, OutputConstructor: {by.$: $Context.Execution.Input}, End: true}\n"

// namer returns a flow, of either language, whose tasks name the executions that they start.
func namer(name string, seed uint64) string {
	task := func(state, next string, n uint64) string {
		mode := []string{"WaitForSystemCallback", "WaitForSystemCallback", "RequestComplete"}[n%3]
		end := "Next: " + next
		if next == "" {
			end = "End: true"
		}
		return fmt.Sprintf(
			"{Name: %s, Type: Task, Action: 'FNF:StartExecution', TaskMode: %s, Timeout: %d, "+
				"Parameters: {resourceArn: 'acs:fnf:::flow/kid', executionName.$: '%s', input: "+
				"{for.$: 'uuid()'}}, "+
				"Retry: [{Errors: [FnF.ALL], MaxAttempts: 2, IntervalSeconds: 2, "+
				"BackoffRate: 1}], Catch: [{Errors: [FnF.ALL], Next: %s}], %s}", state, mode,
			3+n>>4%20, named(n>>8),
			"C"+state, end) +
			fmt.Sprintf(", {Name: C%s, Type: Pass, %s}", state, end)
	}
	if seed%3 == 0 {
		step := func(name string, n uint64) string {
			return fmt.Sprintf(
				"{type: task, name: %s, resourceArn: 'acs:fnf:::flow/kid', pattern: %s, "+
					"timeoutSeconds: %d, serviceParams: {ExecutionName: k%d, "+
					"Input: {for: %[1]s}}, retry: [{errors: [FnF.ALL], maxAttempts: 2, "+
					"intervalSeconds: 2}], catch: "+
					"[{errors: [FnF.ALL], goto: end%[1]s}]}, {type: pass, name: end%[1]s}",
				name, []string{"sync", "requestResponse"}[n>>1&n&1], 3+n>>4%20, n>>8%fewNames)
		}
		return fmt.Sprintf(
			"version: v1\ntype: flow\nsteps:\n"+
				"- {type: parallel, name: P, branches: [{steps: [%s]}, {steps: [%s]}]}\n"+
				"- {type: parallel, name: Q, branches: [{steps: [%s]}]}\n",
			step("a", seed>>3), step("b", seed>>7), step("c", seed>>11))
	}
	return "Type: StateMachine\nSpecVersion: v1\nName: " + name + "\nStartAt: P\nStates:\n" +
		"- {Name: P, Type: Parallel, Branches: [{StartAt: A, States: [" + task("A", "", seed>>3) +
		"]}, {StartAt: B, States: [" + task("B", "", seed>>7) + "]}], Next: D}\n" +
		"- {Name: D, Type: Parallel, Branches: [{StartAt: E, States: [" + task("E", "", seed>>11) +
		"]}], End: true}\n"
}

// fewNames is the number of names that such flows use.
const fewNames = 3

func named(n uint64) string { return fmt.Sprintf(`format("k{}", %d)`, n%fewNames) }

// name starts flows that name what they start, and a client that starts executions of the same
// names.
func (c *clients) name() {
	wait := []int{1, 4, 30}[c.w.number("how long a kid takes")%3]
	flows := []definition{{name: "kid", text: fmt.Sprintf(kid, wait), input: `{"for":"nobody"}`},
		{name: "namer", text: namer("namer", c.w.number("what a namer does")), input: "{}"}}
	c.spawn(func() {
		for _, f := range flows {
			if !c.create(f) {
				return
			}
		}
		for i := range 1 + c.w.number("namers")%2 {
			c.launch(&launch{flow: flows[1], name: fmt.Sprintf("n%d", i)})
		}
		if c.w.number("kid of nobody")%2 == 0 {
			x := &launch{flow: flows[0], taken: true,
				name: fmt.Sprintf("k%d", c.w.number("name of a kid")%fewNames)}
			c.sleep(time.Duration(c.w.number("when a kid")%20_000) * time.Millisecond)
			c.launch(x)
		}
	})
}

// judgeChildren checks a commit that concerns executions started by tasks.
func (w *World) judgeChildren(r *run, old, x *store.Execution, added []flow.HistoryEvent) {
	if old == nil && x.Origin != "" {
		w.checked("origin")
		if before := w.started[x.Origin]; before != nil {
			w.violate("origin", "%s is started by %s, which has started %s", x.Partition(),
				x.Origin, before.x.Partition())
		}
		w.started[x.Origin] = r
	}
	for i := range added {
		if e := &added[i]; w.mocked == nil && e.Node >= 0 && starts(r.m.Nodes[e.Node].Task) {
			w.judgeStarting(r, e)
		}
	}
	if x.Status == flow.Stopped && (old == nil || !old.Status.Final()) &&
		x.Error.Cause == stoppedWith {
		w.checked("stopped namesake")
		parent := w.parentOf(r)
		if parent == nil || parent.state.AttemptOpen(attemptOfKey(x.Origin)) {
			w.violate("stopped namesake",
				"%s of %q is stopped since nobody waits for it, which is not so", x.Partition(),
				x.Origin)
		}
	}
}

func starts(t *flow.TaskSpec) bool {
	return t != nil && strings.EqualFold(t.Action, "FNF:StartExecution")
}

// judgeStarting checks an event of a task that starts an execution: the task waits only for an
// execution that it started itself, and a name counts as taken only if another execution has it.
func (w *World) judgeStarting(r *run, e *flow.HistoryEvent) {
	waits := r.m.Nodes[e.Node].Task.Mode == flow.WaitForSystemCallback
	key := "task#" + r.state.Key(r.attempt(e))
	child := w.started[key]
	switch e.Type {
	case flow.TaskSubmitted:
		if waits {
			w.checked("own child")
		}
		if waits && child == nil {
			w.violate("own child",
				"%s: a task waits for the end of an execution that it has not started: %s",
				r.x.Partition(), textOf(e))
		}
	case flow.TaskFailed, flow.TaskSubmitFailed:
		if strings.HasSuffix(e.Error.Name, "ExecutionAlreadyExists") {
			w.kinds["name of a child that is another's"]++
			w.checked("own name")
			if child != nil {
				w.violate("own name",
					"%s: a task fails because of the name %s, which its own child has: %s",
					r.x.Partition(), child.x.Partition(), textOf(e))
			}
		}
	}
}

// attempt returns the event at which the attempt of an event was scheduled.
func (r *run) attempt(e *flow.HistoryEvent) int64 {
	for e.Type != flow.TaskScheduled && e.Schedule > 0 {
		e = &r.events[e.Schedule-1]
	}
	return e.ID
}
