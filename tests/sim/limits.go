package sim

import (
	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// drawLimits makes limits small in some runs, so that they are reached. Where that happens, the
// documented error must come, and no limit may be exceeded (docs/configuration.md#limits).
func (w *World) drawLimits() {
	if !w.has("limits") {
		return
	}
	l := &w.limits
	draw := func(what string, list ...int) int {
		return list[w.number("limit of "+what)%uint64(len(list))]
	}
	l.EventBytes, l.EventBytesV1 = draw("data", 700, 2500, 64<<10),
		draw("data of the older language", 700, 2500, 32<<10)
	l.GlobalBytes = draw("a global", 100, 1000, 256<<10)
	l.GlobalsBytes = draw("globals", 200, 2000, 1<<20)
	l.BodyBytes = draw("the body", 1500, 6000, 4<<20)
	if w.topology == embedded {
		l.Executions = draw("executions", 2, 3, 5, 10_000)
	}
	w.tracef("limits %+v", *l)
}

// refuses reports whether a text is too large for a flow of a language, if its canonical form is as
// long.
func (w *World) refuses(text string, dialect flow.Dialect) bool {
	canonical, err := value.Canonical([]byte(text))
	return err == nil && max(len(text), len(canonical)) > w.limits.Data(dialect)
}

// reachLimits does nothing: limits apply to all clients, and all reach them.
func (c *clients) reachLimits() {}

// tooLarge reports whether a start must be refused because of its input. Any other response is
// wrong.
func (c *clients) tooLarge(x *launch, who string, got *cloudflow.Execution, code fault.Code) bool {
	m, err := compileOnce(x.flow.text, x.flow.mode)
	if err != nil || !c.w.has("limits") {
		return false
	}
	c.w.checked("limit")
	large := x.flow.input != "" && c.w.refuses(x.flow.input, m.Dialect)
	if large != (code == fault.EntityTooLarge) {
		c.w.violate("limit", "%s has given %d bytes, of which %d may be, and gets %+v %s", who,
			len(x.flow.input), c.w.limits.Data(m.Dialect), got, code)
	}
	if large {
		c.w.kinds["input that is too large"]++
		x.refused = true
	}
	return large
}

// judgeLimits checks that a commit exceeds no limit.
func (w *World) judgeLimits(
	p *process, r *run, old, x *store.Execution, added []flow.HistoryEvent,
) {
	if old == nil {
		w.judgeRunning(p, r)
	}
	for i := range added {
		w.judgeEvent(r, &added[i])
	}
	if !w.has("limits") {
		return
	}
	w.checked("limit")
	if !x.Status.Final() && len(x.Body) > w.limits.BodyBytes {
		w.violate("limit", "%s v%d keeps %d bytes of open states, %d may be", x.Partition(),
			x.Version, len(x.Body), w.limits.BodyBytes)
	}
}

// judgeRunning checks that a process that owns its store has not started more executions of an
// account than may run concurrently. Children of MapRuns are always started, also between the
// decision about a start and its claim, so the others alone are compared with the limit.
func (w *World) judgeRunning(p *process, r *run) {
	if r.by = p; w.topology != embedded || w.faults.lost.of > 0 || w.faults.late.of > 0 ||
		r.x.MapRun != "" {
		return // a start whose response was lost may not be counted
	}
	if w.has("limits") {
		w.checked("limit of executions")
	}
	n := 0
	for _, o := range w.runs {
		if o.by == p && o.x.Account == r.x.Account && o.x.MapRun == "" &&
			(o == r || !o.x.Status.Final()) {
			n++
		}
	}
	if n > w.limits.Executions {
		w.violate("limit of executions",
			"%s is the %dth execution of account %s that %s runs, %d may be", r.x.Partition(), n,
			r.x.Account, p.name, w.limits.Executions)
	}
}

// judgeEvent checks that an event exceeds neither the limit of events nor that of its data.
func (w *World) judgeEvent(r *run, e *flow.HistoryEvent) {
	switch e.Type {
	case flow.StateAborted, flow.ExecutionFailed, flow.ExecutionStopped, flow.ExecutionSucceeded,
		flow.ExecutionTimedOut:
	default:
		if e.ID == int64(w.limits.Events) {
			w.checked("limit of events")
		}
		if e.ID > int64(w.limits.Events) {
			w.violate("limit of events", "%s has event %s, %d may be", r.x.Partition(), textOf(e),
				w.limits.Events)
		}
	}
	most := w.limits.Data(r.m.Dialect)
	switch e.Type {
	case flow.TaskSucceeded, flow.TaskSubmitted, flow.TaskStarted, flow.TaskScheduled:
		return // the result of a task may be larger until a state takes it
	case flow.StepEntered, flow.BranchEntered, flow.IterationEntered:
		most *= 2 // the data of the step around it, and an item: their combination may be no larger
	}
	if w.has("limits") {
		w.checked("limit of data")
	}
	e.Values(func(_ byte, v *flow.Value) {
		if len(v.Text()) > most {
			w.violate("limit of data", "%s has %d bytes in event %d %v, %d may be", r.x.Partition(),
				len(v.Text()), e.ID, e.Type, most)
		}
	})
}

// judgeInFlight checks that a process has no more calls of an execution in flight than allowed.
// Calls that were cut because their attempts were closed do not count: they are about to return.
func (k *tasks) judgeInFlight(p *process, key string) {
	n, run := 0, k.w.allRuns[runOfKey(key)]
	for other, q := range k.inFlight {
		if q == p && other[:16] == key[:16] && run != nil &&
			run.state.AttemptOpen(attemptOfKey("task#"+other)) {
			n++
		}
	}
	if n == k.w.calls {
		k.w.checked("limit of calls")
	}
	if n > k.w.calls {
		k.w.violate("limit of calls", "%s has %d calls of run %s in flight, %d may be", p.name, n,
			key[:16], k.w.calls)
	}
}

// judgeTooLarge checks that a report was refused because of its size; it returns false if its
// execution is gone.
func (k *tasks) judgeTooLarge(told *reportOutcome) bool {
	r := k.w.runIn(told.account, told.token.Flow, told.token.Execution)
	if r == nil {
		return false
	}
	k.w.kinds["report that is too large"]++
	if !k.w.refuses(told.output, r.m.Dialect) {
		k.w.violate("limit", "%s has given %d bytes, of which %d may be, and gets %s", told.who,
			len(told.output), k.w.limits.Data(r.m.Dialect), told.code)
	}
	return true
}

// limitsOthers reports whether a limit is small that the reference does not know.
func (w *World) limitsOthers() bool {
	l, usual := &w.limits, flow.DefaultLimits()
	return l.GlobalBytes < usual.GlobalBytes || l.GlobalsBytes < usual.GlobalsBytes ||
		l.BodyBytes < usual.BodyBytes
}
