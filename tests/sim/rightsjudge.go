package sim

import (
	"fmt"
	"strings"
	"time"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// judgeRights checks the parts of a commit of the account that need a right.
func (w *World) judgeRights(r *run, old, x *store.Execution, added []flow.HistoryEvent) {
	if w.rights == nil || x.Account != guarded {
		return
	}
	now := time.Now().UnixMilli()
	if key, ok := strings.CutPrefix(x.Origin, "task#"); ok && old == nil && !w.rights.had(key) {
		w.violate("rights", "%s was started by a task without the right to", x.Partition())
	}
	for i := range added {
		w.judgeRefusal(r, &added[i], now)
	}
	w.judgeSent(r, x, now)
	if parent := w.parentOf(r); parent != nil && x.Status == flow.Stopped &&
		(old == nil || !old.Status.Final()) && x.Error.Cause == stoppedWith {
		since, ok := parent.leaving[outgoing(interp.OutboxStopChild, attemptOfKey(x.Origin))]
		who := principal(parent.x.RoleArn)
		if ever, _ := w.rights.allowed(who, "fnf:StopExecution", since, now); !ok || !ever {
			w.violate("rights", "%s was stopped by %s, without the right to since %d",
				x.Partition(), parent.x.Partition(), since)
		}
	}
}

// stoppedWith is the cause of a stop of an execution that no task waits for any more.
const stoppedWith = "the execution that waited for it has ended"

// had reports whether the flow of a task had the right to a start when it tried.
func (g *rights) had(key string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed[key]
}

// judgeRefusal checks that a task is refused only if a right was missing, and that a task without
// the right has no other result.
func (w *World) judgeRefusal(r *run, e *flow.HistoryEvent, now int64) {
	if e.Type == flow.TaskScheduled {
		if r.scheduled == nil {
			r.scheduled = map[int64]int64{}
		}
		r.scheduled[e.ID] = now
		return
	}
	if e.Mark != 0 {
		return // it is reported: perhaps by another execution that was refused a right
	}
	if e.Type != flow.TaskFailed && e.Type != flow.TaskSubmitFailed || e.Error == nil ||
		!strings.HasSuffix(e.Error.Name, "AccessDenied") {
		return
	}
	if starts(r.m.Nodes[e.Node].Task) && !strings.EqualFold(e.Error.Name, "FNF.AccessDenied") {
		return // its child was refused a right and ended with that error
	}
	w.kinds["task that was refused"]++
	since := r.scheduled[w.attemptOf(r, e)]
	who := principal(r.x.RoleArn)
	if _, always := w.rights.allowed(who, "fnf:StartExecution", since, now); always {
		w.violate("rights", "%s: a task was refused at %d that had the right since %d: %s",
			r.x.Partition(), now, since, textOf(e))
	}
}

func outgoing(kind interp.OutboxKind, id int64) string { return fmt.Sprintf("%d %d", kind, id) }

// attemptOfKey returns the attempt in an origin.
func attemptOfKey(origin string) (attempt int64) {
	if len(origin) == len("task#")+32 {
		fmt.Sscanf(origin[len("task#")+16:], "%x", &attempt)
	}
	return attempt
}

// judgeSent checks that an end is reported with a key's rights only if the key has the right to
// report.
func (w *World) judgeSent(r *run, x *store.Execution, now int64) {
	if r.leaving == nil {
		r.leaving = map[string]int64{}
	}
	there := false
	for i := range r.state.Outbox {
		o := &r.state.Outbox[i]
		if at := outgoing(o.Kind, o.ID); r.leaving[at] == 0 {
			r.leaving[at] = now
		}
		there = there || o.Kind == interp.OutboxCallback
	}
	if since, was := r.leaving[outgoing(interp.OutboxCallback, 0)]; was && !there &&
		x.CallbackBy != "" && !r.reported {
		r.reported = true
		w.kinds["end reported in the name of a key"]++
		if ever, _ := w.rights.allowed(x.CallbackBy, "fnf:ReportTask*", since, now); !ever {
			w.violate("rights",
				"%s has reported its end in the name of key %s, which might not since %d",
				x.Partition(), x.CallbackBy, since)
		}
	}
}
