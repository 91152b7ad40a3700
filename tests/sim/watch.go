package sim

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// run is an execution, as its writes have shown it so far.
type run struct {
	x      *store.Execution
	seen   time.Time // its claim
	by     *process  // that claimed it
	m      *flow.Machine
	events []flow.HistoryEvent
	shown  []string // the same, as text
	lists  *lists
	oracle *oracle
	state  *interp.State    // as stored
	kept   bool             // read again shortly before it expires
	marks  map[uint64]int64 // versions whose events have them
	// For the account whose rights change: when attempts and things to send were first seen, ms
	// since 1970, and whether the end has been reported.
	scheduled map[int64]int64
	leaving   map[string]int64
	reported  bool
	// runner attempts that were counted without faults since the last complete transaction
	engineAttempts int
	mapRuns        map[int64]mapRunSeen // by id
	livenessState
}

// beforeWrite checks a row that is about to be written.
func (w *World) beforeWrite(p *process, row driver.Row, _ *transaction) {
	if !strings.HasPrefix(row.Partition, "x#") {
		return
	}
	old, ok := w.disk.keys[row.Key]
	w.checked("every row expires")
	w.judgeUnstored(p, row.Partition, "writes a row")
	if row.Sort != "a" && ok {
		w.checked("written once")
	}
	switch {
	case row.Sort != "a" && ok && !bytes.Equal(old.Data, row.Data):
		w.violate("written once",
			"a row of the history or of a value is written anew with other bytes: %s by %s",
			show(row.Key), p.name)
	case row.Expires == 0:
		w.violate("every row expires", "row %s never expires", show(row.Key))
	}
}

// onRemove checks a row that is about to be removed.
func (w *World) onRemove(p *process, key driver.Key) {
	row := w.disk.keys[key]
	if p == nil || !strings.HasPrefix(key.Partition, "x#") || key.Sort != "a" {
		return
	}
	w.checked("kept until it expires")
	if row.Expires > p.now().UnixMilli()+2*w.faults.skew.Milliseconds() {
		w.violate("kept until it expires", "%s removes %s before it expires", p.name, show(key))
	}
	delete(w.runs, key.Partition)
	delete(w.deletions.deleted, key.Partition)
}

// afterWrite checks a row that was written.
func (w *World) afterWrite(p *process, row driver.Row, step *transaction) {
	if !strings.HasPrefix(row.Partition, "x#") || row.Sort != "a" {
		return
	}
	x, err := w.raw.Load(always, row.Partition)
	left := store.Deleted(err)
	switch {
	case left != nil && row.Expires > p.now().UnixMilli():
		w.onDelete(p, row, left)
		return
	case row.List == nil:
		w.onRemove(p, row.Key) // forgotten, except rows of an earlier run that it refers to
		return
	}
	if err != nil {
		w.violate("readable", "%s cannot be read: %v", row.Partition, err)
		return
	}
	w.commits++
	w.checked("readable")
	r := w.runs[row.Partition]
	if r == nil || r.x.Run != x.Run {
		w.onClaim(p, r, x, step)
	} else {
		w.onAdvance(p, r, x, step)
	}
}

// onClaim checks the first row of a run.
func (w *World) onClaim(p *process, old *run, x *store.Execution, step *transaction) {
	if d := w.deletions.deleted[x.Partition()]; d != nil {
		w.checked("deleted")
		old = d.run
	}
	if old != nil {
		w.checked("claimed once")
	}
	// the clock may have been set back
	if old != nil && old.x.Expires > p.now().UnixMilli()+2*w.faults.skew.Milliseconds() {
		w.violate("claimed once", "%s is claimed twice, by runs %x and %x", x.Partition(),
			old.x.Run, x.Run)
		return
	}
	if x.Version != 1 {
		w.violate("next version", "%s begins with version %d", x.Partition(), x.Version)
		return
	}
	m, err := w.machineOf(x)
	if err != nil {
		w.violate("readable", "%s: its definition: %v", x.Partition(), err)
		return
	}
	r := &run{x: x, m: m, lists: newLists(), seen: time.Now(), marks: map[uint64]int64{}}
	if !slices.Contains(w.partitions, x.Partition()) {
		w.partitions = append(w.partitions, x.Partition())
	}
	w.executions++
	w.cover(m)
	w.runs[x.Partition()], w.allRuns[x.Run] = r, r
	delete(w.deletions.deleted, x.Partition())
	w.judgeAccount(r)
	w.judgeScheduled(r)
	w.judgeBulkStart(r)
	w.begins(r)
	r.oracle = newOracle(w, r, x)
	w.choosePoison(r)
	w.judge(p, r, nil, x, step)
}

// cover counts the features of an execution, for the summary.
func (w *World) cover(m *flow.Machine) {
	language := "older language"
	if m.Dialect == flow.StateMachine {
		language = "newer language"
	}
	has := map[string]bool{language: true, w.topology.String(): true}
	if w.mocked != nil {
		has["of an example"] = true
	}
	for _, st := range m.Nodes {
		has[st.Kind.String()] = true
		if st.Task != nil {
			has["Task, "+flow.Patterns[st.Task.Mode]] = true
		}
		if len(st.Retry) > 0 {
			has["Retry"] = true
		}
		if len(st.Catch) > 0 {
			has["Catch"] = true
		}
	}
	for kind := range has {
		w.kinds[kind]++
	}
}

// onAdvance checks a later version of a run.
func (w *World) onAdvance(p *process, r *run, x *store.Execution, step *transaction) {
	old := r.x
	w.checked("next version", "claim stays")
	redriven := redrivenBy(old, x)
	if old.Status.Final() {
		w.checked("final status")
	}
	switch {
	case x.Version != old.Version+1:
		w.violate("next version", "%s: version %d follows %d", x.Partition(), x.Version,
			old.Version)
	case x.LastEvent < old.LastEvent || x.LastTime < old.LastTime:
		w.violate("history", "%s: the history goes back from event %d to %d", x.Partition(),
			old.LastEvent, x.LastEvent)
	case !redriven && old.Status.Final() && (x.Status != old.Status || x.Stopped != old.Stopped ||
		x.LastEvent != old.LastEvent ||
		fmt.Sprint(x.Error) != fmt.Sprint(old.Error)):
		w.violate("final status", "%s: the end changes from %v to %v", x.Partition(),
			old.Status, x.Status)
	case x.ClaimToken != old.ClaimToken || x.Origin != old.Origin || x.Seed != old.Seed ||
		!redriven && x.Deadline != old.Deadline || x.Hash != old.Hash || x.Callback != old.Callback:
		w.violate("claim stays", "%s: what the claim has fixed changes", x.Partition())
	}
	w.judgePoisonCount(r, old, x, step)
	if redriven {
		w.judgeRedrive(p, r, old, x)
	}
	r.x = x
	w.judge(p, r, old, x, step)
}

// The counters of an execution that is due again and again, and the error with which it fails in
// the end (docs/protocol.md#poison-executions).
const (
	suspectAfter = 3 // found due this often, processes count that they begin with it
	// after this many incomplete attempts the next process fails the execution
	engineAttemptsMax  = 5
	healthyAttemptsMax = fleetMax // each process may begin once when there are no faults any more
	poisonCause        = "each engine that advanced it died or gave up"
)

// failsAsPoison reports whether a transaction was to fail an execution as a poison execution.
func (f *transaction) failsAsPoison() bool {
	return f != nil && slices.ContainsFunc(f.input.Messages, func(n interp.Message) bool {
		return n.Kind == interp.EngineFailed && strings.Contains(n.Error.Cause, poisonCause)
	})
}

// judgePoisonCount checks that an execution is not treated as a poison execution before it was
// found due, and picked up in vain, that often.
func (w *World) judgePoisonCount(r *run, old, x *store.Execution, step *transaction) {
	if x.SweepAttempts > 0 || old.SweepAttempts > 0 {
		w.checked("poison count")
	}
	switch {
	case x.SweepAttempts > old.SweepAttempts+1 || x.SweepAttempts < old.SweepAttempts &&
		x.SweepAttempts != 0 || x.EngineAttempts > old.EngineAttempts+1 ||
		x.EngineAttempts < old.EngineAttempts && x.EngineAttempts != 0:
		w.violate("poison count", "%s: counts of sweeps and engines are %d and %d after %d and %d",
			x.Partition(), x.SweepAttempts, x.EngineAttempts, old.SweepAttempts, old.EngineAttempts)
	case x.EngineAttempts > old.EngineAttempts && old.SweepAttempts < suspectAfter:
		w.violate("poison count",
			"%s: an engine counts itself, and the sweeper found it due %d times", x.Partition(),
			old.SweepAttempts)
	case x.Status != old.Status && step.failsAsPoison():
		w.kinds["failed as poison"]++
		if old.EngineAttempts != engineAttemptsMax {
			w.violate("poison count",
				"%s failed as poison after %d engines",
				x.Partition(), old.EngineAttempts)
		}
	}
	switch {
	case x.EngineAttempts == 0 || !w.quiesced || w.affectedByPoison(x.Partition()):
		r.engineAttempts = 0
	case x.EngineAttempts > old.EngineAttempts:
		if r.engineAttempts++; r.engineAttempts > healthyAttemptsMax {
			w.violate("poison count", "%s: %d engines have begun when nothing fails any more",
				x.Partition(), r.engineAttempts)
		}
	}
	if x.EngineAttempts > old.EngineAttempts {
		w.kinds["advanced after a count"]++
	}
}

// judge checks the effect of a commit on a run.
func (w *World) judge(p *process, r *run, old, x *store.Execution, step *transaction) {
	if w.failed() {
		return
	}
	state, err := stateOf(w.raw, x, w.sizes.block)
	if err != nil {
		w.violate("readable", "%s: its body: %v", x.Partition(), err)
		return
	}
	before := r.state
	r.state = state
	for _, l := range state.Leases() {
		w.tasks.leased(state.Key(l.Attempt), l.Owner, l.Until)
	}
	added := w.history(r, x,
		old == nil || x.Version%max(8, x.LastEvent/16) == 0 || x.Status.Final())
	if w.failed() {
		return
	}
	r.lists.add(r.m, &w.limits, added, func(format string, args ...any) {
		w.violate("open iterations", "%s: %s", x.Partition(), fmt.Sprintf(format, args...))
	})
	if len(r.lists.maps) > 0 {
		w.checked("open iterations")
	}
	w.judgeMarks(r, x, added)
	w.judgeFound(r, old, x, step, added)
	w.judgeRights(r, old, x, added)
	w.judgeMore(p, r, before, old, x, added)
	w.judgeChildren(r, old, x, added)
	w.judgeLimits(p, r, old, x, added)
	w.judgeStoredWake(p, r, x)
	if w.failed() {
		return
	}
	if counted := old != nil && (x.SweepAttempts > old.SweepAttempts ||
		x.EngineAttempts > old.EngineAttempts); counted {
		if len(added) > 0 {
			w.violate("poison count", "%s: a commit that only counts writes events", x.Partition())
		}
		return
	}
	r.oracle.follow(w, r, old, x, step, added)
	w.committed(r, old, x, step)
}

// judgeMarks checks that a message counts in one commit and in no other. The process that brings
// the message marks its events, each time with the same mark.
func (w *World) judgeMarks(r *run, x *store.Execution, added []flow.HistoryEvent) {
	for i := range added {
		mark := added[i].Mark
		if mark == 0 {
			continue
		}
		w.checked("counts once")
		if before, ok := r.marks[mark]; ok && before != x.Version {
			w.violate("counts once", "%s: the same message counts in version %d and in %d, as %s",
				x.Partition(), before, x.Version, textOf(&added[i]))
		}
		r.marks[mark] = x.Version
	}
}

// history reads the events that a commit added, or all, and compares them with those seen before.
func (w *World) history(r *run, x *store.Execution, all bool) []flow.HistoryEvent {
	from := int64(len(r.events)) + 1
	if all {
		from = 1
	}
	events, err := w.raw.Events(always, x, from, 1<<20)
	if err == nil {
		err = w.loadEvents(x, r, events, all)
	}
	if err != nil {
		w.violate("readable", "%s: history: %v", x.Partition(), err)
		return nil
	}
	w.checked("history")
	for i := range events {
		e := &events[i]
		text := textOf(e)
		switch {
		case e.ID != from+int64(i):
			w.violate("history", "%s: event %d stands where %d should be", x.Partition(), e.ID,
				from+int64(i))
			return nil
		case e.ID <= int64(len(r.shown)):
			if r.shown[e.ID-1] != text {
				w.violate("history", "%s: event %d was %s and is %s", x.Partition(), e.ID,
					r.shown[e.ID-1], text)
				return nil
			}
		default:
			r.events = append(r.events, *e)
			r.shown = append(r.shown, text)
			w.judgeForgery(r, text)
		}
	}
	if last := from + int64(len(events)) - 1; last != x.LastEvent {
		w.violate("history", "%s: the history ends with event %d, the row says %d", x.Partition(),
			last, x.LastEvent)
		return nil
	}
	return r.events[r.lists.count:]
}

// loadEvents loads the values of events. With all it reads referenced values again, otherwise it
// reuses those that were seen before.
func (w *World) loadEvents(x *store.Execution, r *run, events []flow.HistoryEvent, all bool) error {
	if all {
		return w.raw.LoadEvents(always, x, events)
	}
	values := w.raw.Loader(x, r.events)
	values.AddEvents(events)
	for i := range events {
		if err := values.Load(always, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

// textOf returns an event as it is shown and compared.
func textOf(e *flow.HistoryEvent) string {
	b := make([]byte, 0, 256)
	b = strconv.AppendInt(b, e.ID, 10)
	b = strconv.AppendInt(append(b, ' '), e.Schedule, 10)
	b = append(append(b, ' '), e.Type.String()...)
	b = strconv.AppendInt(append(b, ' '), int64(e.Node), 10)
	b = strconv.AppendInt(append(b, ' '), e.Time, 10)
	e.Values(func(field byte, v *flow.Value) {
		b = strconv.AppendInt(append(b, ' '), int64(field), 10)
		b = append(append(b, '='), v.Text()...)
	})
	if e.Error != nil {
		b = append(append(append(append(append(b, ' '), e.Error.Name...), ':'), ' '),
			e.Error.Cause...)
	}
	return string(b)
}

// slack is the difference of the clocks of two processes, plus a reserve, ms.
const slack = 10_000

// judgeStoredWake checks that the row's wake time is not later than its earliest need (R7).
func (w *World) judgeStoredWake(p *process, r *run, x *store.Execution) {
	now := p.now().UnixMilli()
	w.checked("wake of the interpreter")
	if x.Status.Final() && len(r.state.Outbox) == 0 {
		if x.Wake != 0 && x.Wake != x.Expires || x.Wake == 0 && w.topology == embedded {
			w.violate("wake of the interpreter", "%s has ended and wakes at %d, expires at %d",
				x.Partition(), x.Wake, x.Expires)
		}
		return
	}
	need := r.state.NextWakeTime(0)
	sooner := func(t int64) {
		if need == 0 || t < need {
			need = t
		}
	}
	if !x.Status.Final() {
		sooner(x.Deadline)
	}
	if r.state.Ready() {
		if x.Version == 1 {
			sooner(now + 120_000 + slack)
		}
		sooner(now + 30_000 + slack)
		if x.Version == 1 {
			need = max(need, now+120_000+slack)
		}
	}
	if r.state.Unsent() {
		sooner(now + 30_000 + slack)
	}
	need = max(need, now+1)
	if x.SweepAttempts > 0 {
		need = max(need, now+3_600_000+slack)
	}
	// The clock of the process may have been set back since it computed the time.
	if x.Wake == 0 || x.Wake > need+2*w.faults.skew.Milliseconds() {
		w.violate("wake of the interpreter",
			"%s v%d wakes at %d, which is %d ms later than its earliest need", x.Partition(),
			x.Version, x.Wake, x.Wake-need)
	}
}
