package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// deletions are the executions that clients delete, by partition. Only the scheduler's goroutine
// uses them.
type deletions struct {
	asked   map[string]bool
	deleted map[string]*deletion
}

// deletion is a deleted execution whose retention is not over.
type deletion struct {
	run    *run
	at     time.Time
	rows   []driver.Key // beside the state row, when it was deleted
	purged bool
}

func newDeletions() deletions {
	return deletions{map[string]bool{}, map[string]*deletion{}}
}

// onDelete checks the two writes of a deletion. "deleted": only what has ended, has nothing left to
// send and was to be deleted is deleted; its name stays as its claim has left it, nothing else of
// it stays, and nothing comes back. Claims are judged in onClaim.
func (w *World) onDelete(p *process, row driver.Row, left *store.Execution) {
	w.checked("deleted", "kept until it expires")
	partition := row.Partition
	d, r := w.deletions.deleted[partition], w.runs[partition]
	if d != nil {
		r = d.run
	}
	switch {
	case r == nil || r.x.Run != left.Run:
		w.violate("deleted", "%s deletes %s, which does not exist", p.name, partition)
		return
	case !w.deletions.asked[partition]:
		w.violate("deleted", "%s deletes %s, and nobody has asked for it", p.name, partition)
	case !r.x.Status.Final() || len(r.state.Outbox) > 0:
		w.violate("deleted", "%s deletes %s, which is %v and has %d to send", p.name, partition,
			r.x.Status, len(r.state.Outbox))
	case left.ClaimToken != r.x.ClaimToken || left.Origin != r.x.Origin ||
		left.Expires != r.x.Expires || left.Status != r.x.Status || left.Started != r.x.Started:
		w.violate("deleted", "%s deletes %s, and what the claim has fixed changes", p.name,
			partition)
	case left.Input != nil || left.InputRef != nil || left.Output != nil || left.Error != nil ||
		left.Body != nil || left.Tail != nil || row.List != nil:
		w.violate("deleted", "%s deletes %s, and its state row keeps values", p.name, partition)
	}
	if d == nil {
		w.kinds["deleted"]++
		delete(w.runs, partition)
		w.deletions.deleted[partition] = &deletion{r, time.Now(), w.rowsOf(r), left.Purged}
		return
	}
	// A redrive that comes with the deletion may write a row again; it then purges once more.
	if d.purged = left.Purged; d.purged && w.redrives[partition] == 0 {
		for _, key := range d.rows {
			if _, ok := w.disk.keys[key]; ok {
				w.violate("deleted", "%s says that %s is purged, and there is %s", p.name,
					partition, show(key))
			}
		}
	}
}

// rowsOf returns the keys of the rows of a run beside its state row.
func (w *World) rowsOf(r *run) (keys []driver.Key) {
	for _, key := range w.disk.sorted() {
		if key.Partition == r.x.Partition() && strings.Contains(key.Sort,
			fmt.Sprintf("#%016x#", r.x.Run)) {
			keys = append(keys, key)
		}
	}
	return keys
}

// holder returns the run that has a name, even if it is deleted; nil: none.
func (w *World) holder(partition string) *run {
	if r := w.runs[partition]; r != nil {
		return r
	}
	if d := w.deletions.deleted[partition]; d != nil {
		return d.run
	}
	return nil
}

// nameHolder is holder for a name in an account.
func (w *World) nameHolder(of, flowName, name string) *run {
	return w.holder(store.Partition(w.clients.ids[key(of, flowName)], name))
}

// isGone reports whether the execution that has a name in an account is deleted.
func (w *World) isGone(of, flowName, name string) bool {
	return w.runIn(of, flowName, name) == nil && w.nameHolder(of, flowName, name) != nil
}

// isDeleted reports whether the execution of a launch is deleted.
func (w *World) isDeleted(x *launch) bool {
	return w.isGone(x.flow.account(), x.flow.name, x.name)
}

// unpurged returns a deleted execution whose rows are still to be removed; "" if there is none.
func (w *World) unpurged() string {
	for _, partition := range w.partitions {
		if d := w.deletions.deleted[partition]; d != nil && !d.purged &&
			d.run.x.Expires > time.Now().UnixMilli()+slack {
			return partition + " is deleted and not purged"
		}
	}
	return ""
}

// clean starts clients that delete executions.
func (c *clients) clean() {
	for i := range 2 {
		who := fmt.Sprintf("janitor %d", i)
		c.spawn(func() {
			r := c.rand(who)
			for n := range 3 + r.IntN(9) {
				if !c.sleep(time.Duration(r.IntN(60_000)) * time.Millisecond) {
					return
				}
				c.cleanOne(fmt.Sprintf("%s %d", who, n), r)
			}
		})
	}
}

// cleanOne deletes any execution of the first account, whether or not it runs.
func (c *clients) cleanOne(who string, r *rand.Rand) {
	var target *run
	var record *clientOp
	ended := false
	c.note(who+" begins", func() {
		if n := len(c.w.partitions); n > 0 {
			target = c.w.holder(c.w.partitions[r.IntN(n)])
		}
		if target != nil && c.mayClean(target) {
			ended = target.x.Status.Final()
			c.w.deletions.asked[target.x.Partition()] = true
			record = c.recordOf(target, who)
		} else {
			target = nil
		}
	})
	for n := 0; target != nil && n < triesMax; n++ {
		code, err := c.remove(target, who, record)
		if !retried(code, err) {
			c.note(who+" is told", func() { c.w.judgeDelete(target, who, code, ended) })
			return
		}
		if !c.sleep(time.Duration(r.IntN(5000)) * time.Millisecond) {
			return
		}
		if record != nil { // each request has a record of its own
			next := *record
			next.call, next.returned, next.code = 0, 0, ""
			record = &next
		}
	}
}

func (c *clients) remove(target *run, who string, record *clientOp) (fault.Code, error) {
	_, err := request(c.w, record, who,
		func(ctx context.Context, s *cloudflow.Service) (bool, error) {
			return true, s.DeleteExecution(ctx, cloudflow.Caller{Account: account},
				cloudflow.DeleteExecutionRequest{FlowName: target.x.Flow,
					ExecutionName: target.x.Name})
		})
	return codeOf(err), err
}

// mayClean reports whether nobody else relies on an execution that a janitor chooses: those that
// own a flow describe what they have started.
func (c *clients) mayClean(r *run) bool {
	return r.x.Account == account && c.w.flowNow(r.x.Flow) == r.x.FlowID &&
		(c.flowOwner == nil || r.x.Flow != c.flowOwner.name) &&
		(c.publisher == nil || r.x.Flow != c.publisher.name) && r.x.Flow != bulkFlow
}

// recordOf returns a record of a request for an execution that clients alone start; nil for others.
func (c *clients) recordOf(r *run, who string) *clientOp {
	name := key(r.x.Account, r.x.Flow) + "/" + r.x.Name
	for _, op := range c.w.opHistory {
		if op.execution == name {
			return &clientOp{op: "delete", client: who, execution: name}
		}
	}
	return nil
}

// judgeDelete checks the response to a deletion.
func (w *World) judgeDelete(target *run, who string, code fault.Code, ended bool) {
	w.checked("delete response")
	there := w.runs[target.x.Partition()] == target &&
		target.x.Expires > time.Now().UnixMilli()+w.slack()
	switch code {
	case "", fault.ExecutionNotExists:
		if there {
			w.violate("delete response", "%s gets %q, and %s is %v", who, code,
				target.x.Partition(), target.x.Status)
		}
	case fault.ExecutionNotCompleted:
		if ended && target.x.Redrive == 0 {
			w.violate("delete response", "%s gets %s, and %s was %v", who, code,
				target.x.Partition(), target.x.Status)
		}
	case fault.FlowNotExists:
	default:
		w.violate("delete response", "%s gets %s", who, code)
	}
}
