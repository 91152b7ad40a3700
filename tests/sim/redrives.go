package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// redrives are the lives that clients have asked for, by partition: an execution may be redriven
// that often. A client that names no count may be taken for any number of clients. Only the
// scheduler's goroutine uses them.
type redrives map[string]int

// anyLife is the number of lives that a redrive without a count may begin.
const anyLife = 1 << 30

// redrivenBy reports whether a commit has redriven an execution.
func redrivenBy(old, x *store.Execution) bool { return old != nil && x.Redrive > old.Redrive }

// judgeRedrive checks a commit that begins another life. "redriven": a redrive is one that a client
// has asked for, is made once, of an execution that has ended without success, and only it changes
// a final status. Its event follows that of the end, and the deadline counts from it.
func (w *World) judgeRedrive(p *process, r *run, old, x *store.Execution) {
	w.checked("redriven")
	w.kinds["redriven"]++
	event := old.LastEvent + 1
	switch {
	case x.Redrive != old.Redrive+1:
		w.violate("redriven", "%s: redrive %d follows %d", x.Partition(), x.Redrive, old.Redrive)
	case !old.Status.Final() || old.Status == flow.Succeeded:
		w.violate("redriven", "%s is %v, and %s redrives it", x.Partition(), old.Status, p.name)
	case x.Redrive > w.redrives[x.Partition()]:
		w.violate("redriven", "%s begins life %d, and nobody has asked for that", x.Partition(),
			x.Redrive+1)
	case x.LastEvent < event || x.RedriveMark == old.RedriveMark || x.Redriven < old.Stopped:
		w.violate("redriven", "%s: redrive %d at %d leaves no trace", x.Partition(), x.Redrive,
			x.Redriven)
	case x.Deadline != x.Redriven+old.TimeLimit() || x.TimeLimit() != old.TimeLimit():
		w.violate("redriven", "%s: redriven at %d with a limit of %d ms, it has the deadline %d",
			x.Partition(), x.Redriven, old.TimeLimit(), x.Deadline)
	case !x.Status.Final() && x.Stopped != 0:
		w.violate("redriven", "%s runs again, and has stopped at %d", x.Partition(), x.Stopped)
	}
	r.ended = time.Time{}
	r.kept, r.attempts = false, nil
	w.judgeRowsKept(r, x)
}

// neededValues returns how the sort keys begin of the values that an execution's history and state
// name.
func neededValues(r *run, x *store.Execution) map[string]bool {
	refs := r.state.RowRefs()
	for _, v := range [...]*flow.Value{x.InputRef, x.Output} {
		if v != nil {
			refs = append(refs, v.Ref())
		}
	}
	for i := range r.events {
		r.events[i].Values(func(_ byte, v *flow.Value) { refs = append(refs, v.Ref()) })
	}
	needed := map[string]bool{}
	for _, ref := range refs {
		if ref.Kind == flow.RefRow {
			needed[fmt.Sprintf("v#%016x#%d#%016x#", x.Run, ref.Version, ref.Token)] = true
		}
	}
	return needed
}

// judgeRowsKept checks that no row of an earlier life that is needed expires before the new one may
// have ended and was kept for its retention.
func (w *World) judgeRowsKept(r *run, x *store.Execution) {
	needed := neededValues(r, x)
	for _, key := range w.rowsOf(r) {
		row := w.disk.keys[key]
		value := key.Sort[:strings.LastIndexByte(key.Sort, '#')+1]
		if strings.HasPrefix(key.Sort, "v#") && !needed[value] {
			continue
		}
		if !store.IsInboxEntry(key) && row.Expires < x.Expires {
			w.violate("redriven", "%s expires at %d, its execution was redriven until %d",
				show(key), row.Expires, x.Expires)
		}
	}
}

// redrive starts clients that redrive executions.
func (c *clients) redrive() {
	for i := range 3 {
		who := fmt.Sprintf("redriver %d", i)
		c.spawn(func() {
			r := c.rand(who)
			for n := range 4 + r.IntN(12) {
				if !c.sleep(time.Duration(r.IntN(40_000)) * time.Millisecond) {
					return
				}
				c.redriveOne(fmt.Sprintf("%s %d", who, n), r)
			}
		})
	}
}

// redriveOne redrives any execution of the first account, most often one that has failed.
func (c *clients) redriveOne(who string, r *rand.Rand) {
	var target *run
	var record *clientOp
	var before store.Execution
	q := cloudflow.RedriveExecutionRequest{}
	c.note(who+" begins", func() {
		if target = c.w.redrivable(r); target == nil {
			return
		}
		before = *target.x
		q.FlowName, q.ExecutionName = before.Flow, before.Name
		allowed := anyLife
		if r.IntN(4) > 0 {
			count := int64(before.Redrive)
			q.RedriveCount, allowed = &count, before.Redrive+1
		}
		at := before.Partition()
		c.w.redrives[at] = max(c.w.redrives[at], allowed)
		if record = c.recordOf(target, who); record != nil {
			record.op = "redrive"
		}
	})
	for n := 0; target != nil && n < triesMax; n++ {
		got, err := request(c.w, record, who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.RedriveExecution(ctx, cloudflow.Caller{Account: account}, q)
			})
		if code := codeOf(err); !retried(code, err) {
			c.note(who+" is told", func() { c.w.judgeRedriven(target, &before, who, &q, got, code) })
			c.reportLate(target, who, r)
			return
		}
		if !c.sleep(time.Duration(r.IntN(5000)) * time.Millisecond) {
			return
		}
		if record != nil { // each request has a record of its own
			next := *record
			next.call, next.returned, next.code, next.status = 0, 0, "", ""
			record = &next
		}
	}
}

// redrivable chooses an execution to redrive: three times out of four one that can be, if there is
// any.
func (w *World) redrivable(r *rand.Rand) *run {
	var all, failed []*run
	for _, partition := range w.partitions {
		run := w.runs[partition]
		if run == nil || !w.clients.mayClean(run) {
			continue
		}
		all = append(all, run)
		if run.x.Status.Final() && run.x.Status != flow.Succeeded && run.x.MapNode == 0 {
			failed = append(failed, run)
		}
	}
	if len(failed) > 0 && r.IntN(4) > 0 {
		all = failed
	}
	if len(all) == 0 {
		return nil
	}
	return all[r.IntN(len(all))]
}

// writesResults reports whether a flow has a Map with a ResultWriter, which is not redriven.
func writesResults(m *flow.Machine) bool {
	return slices.ContainsFunc(m.Nodes, func(st *flow.State) bool {
		return st.Map != nil && st.Map.Distributed != nil && st.Map.Distributed.Writer != nil
	})
}

// judgeRedriven checks the response to a redrive.
func (w *World) judgeRedriven(r *run, before *store.Execution, who string,
	q *cloudflow.RedriveExecutionRequest, got *cloudflow.Execution, code fault.Code) {
	w.checked("redrive response")
	now := w.holder(before.Partition())
	gone := now != r || r.x.Expires <= time.Now().UnixMilli()+w.slack()
	switch code {
	case "":
		if !gone && (got.RedriveCount == 0 || got.RedriveCount > int64(r.x.Redrive) ||
			q.RedriveCount != nil && got.RedriveCount <= *q.RedriveCount) {
			w.violate("redrive response", "%s is told that %s was redriven %d times, it was %d",
				who, before.Partition(), got.RedriveCount, r.x.Redrive)
		}
	case fault.ExecutionNotRedrivable:
		could := before.Status.Final() && before.Status != flow.Succeeded && before.MapNode == 0 &&
			!before.Express && !writesResults(r.m) && before.LastEvent+2 < int64(w.limits.Events) &&
			r.x.Expires-time.Now().UnixMilli() > w.retention.Milliseconds()*2/3
		if could && !gone && r.x.Redrive == before.Redrive {
			w.violate("redrive response", "%s is told that %s, which is %v, cannot be redriven", who,
				before.Partition(), before.Status)
		}
	case fault.ExecutionNotExists, fault.FlowNotExists:
		_, stays := w.clients.since[before.Flow]
		if !gone && stays && w.runs[before.Partition()] == r {
			w.violate("redrive response", "%s gets %s, and %s is %v", who, code,
				before.Partition(), r.x.Status)
		}
	case fault.ResourceThrottled:
		if w.limits.Executions == 0 {
			w.violate("redrive response", "%s gets %s", who, code)
		}
	default:
		w.violate("redrive response", "%s gets %s", who, code)
	}
}

// reportLate reports to a task of an earlier life. No such report may be accepted.
func (c *clients) reportLate(target *run, who string, r *rand.Rand) {
	token := ""
	c.note(who+" looks back", func() { token = c.w.oldToken(target, r) })
	if token == "" {
		return
	}
	_, err := request(c.w, nil, who+" late",
		func(ctx context.Context, s *cloudflow.Service) (int64, error) {
			return s.ReportTaskSucceeded(ctx, cloudflow.Caller{Account: account},
				cloudflow.ReportTaskSucceededRequest{TaskToken: token, Output: `{"late":true}`})
		})
	code := codeOf(err)
	c.note(who+" late is told", func() {
		c.w.checked("redriven")
		if code == "" && err == nil {
			c.w.violate("redriven", "%s: a report for an earlier life of %s is accepted", who,
				target.x.Partition())
		}
	})
}

// oldToken returns the token of a task of a life that has ended; "" if it finds none.
func (w *World) oldToken(r *run, random *rand.Rand) string {
	last := int64(0) // of the earlier lives
	var ids []int64
	for i := range r.events {
		switch e := &r.events[i]; {
		case e.Type == flow.ExecutionRedriven:
			last = e.ID
		case e.Type == flow.TaskScheduled && r.m.Nodes[e.Node].Task.Mode != flow.RequestComplete:
			ids = append(ids, e.ID)
		}
	}
	if len(ids) == 0 || ids[0] > last {
		return ""
	}
	w.referee.mu.Lock()
	defer w.referee.mu.Unlock()
	id := ids[random.IntN(len(ids))]
	a := w.referee.attempts[r.x.Run][id]
	if a == nil || id > last {
		return ""
	}
	if t, ok := interp.ParseToken(a.Token); !ok || t.ID > last {
		return ""
	}
	return a.Token
}
