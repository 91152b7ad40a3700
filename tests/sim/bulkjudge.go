package sim

import (
	"fmt"
	"slices"
	"strings"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// bulkRows are the rows of bulk operations that have not ended.
type bulkRows struct {
	rows    map[driver.Key]*store.BulkOperation
	started map[string]bool // by the origin of an execution that one has started
}

// drawBulks prepares the world for bulk operations.
func (w *World) drawBulks() {
	w.bulks.bulkRows = bulkRows{map[driver.Key]*store.BulkOperation{}, map[string]bool{}}
}

// judgeBulk checks the row of a bulk operation that was written or removed (nil): an operation goes
// on from where it was, and forgets no batch.
func (w *World) judgeBulk(key driver.Key, row *driver.Row) {
	old := w.bulks.rows[key]
	if row == nil {
		if old != nil && old.Phase != store.BulkEnded {
			if _, there := w.flows.now[old.FlowID]; there {
				w.violate("bulk", "%s is removed before it has ended", show(key))
			}
		}
		delete(w.bulks.rows, key)
		return
	}
	w.checked("bulk")
	w.clock.recheck()
	rows := memstore.New()
	rows.Put(always, []driver.Row{*row})
	next, err := store.New(store.Options{Driver: rows}).GetBulk(always, key)
	switch {
	case err != nil:
		w.violate("readable", "the bulk operation in %s cannot be read: %v", show(key), err)
		return
	case old == nil && next.Version != 1, old != nil && next.Version != old.Version+1:
		w.violate("bulk", "%s: version %d follows %+v", show(key), next.Version, old)
	case old != nil && (next.Phase < old.Phase || old.StopRequested && !next.StopRequested):
		w.violate("bulk", "%s goes back from %+v to %+v", show(key), old, next)
	case old != nil && len(old.Batch) > 0 && len(next.Batch) == 0 && !w.hasBulkResults(old):
		w.violate("bulk", "%s is done with a batch that has no results: %+v", show(key), old.Batch)
	case next.Wake == 0:
		w.violate("bulk", "%s never wakes", show(key))
	}
	w.bulks.rows[key] = next
}

// hasBulkResults reports whether every execution of a batch has a result.
func (w *World) hasBulkResults(b *store.BulkOperation) bool {
	for _, item := range b.Batch {
		if _, ok := w.disk.keys[driver.Key{Partition: b.Key().Partition,
			Sort: "r#" + item.Name}]; !ok {
			return false
		}
	}
	return true
}

// judgeBulkStart checks an execution that was claimed: one that a bulk operation has started was
// decided on before, and is started once.
func (w *World) judgeBulkStart(r *run) {
	origin, ok := strings.CutPrefix(r.x.Origin, "bulk#")
	if !ok {
		return
	}
	w.checked("bulk once")
	id, of, _ := strings.Cut(origin, "#")
	decided := false
	for _, b := range w.bulks.rows {
		decided = decided || b.ID == id && slices.ContainsFunc(b.Batch,
			func(item store.BulkItem) bool { return fmt.Sprintf("%016x", item.Run) == of })
	}
	if !decided || w.bulks.started[r.x.Origin] {
		w.violate("bulk once", "%s is started for %s: decided %v, before %v", r.x.Name, r.x.Origin,
			decided, w.bulks.started[r.x.Origin])
	}
	w.bulks.started[r.x.Origin] = true
}

// owesBulks lists the obligations of bulk operations: one that is due is seen to.
func (w *World) owesBulks(owe func(obligation)) {
	keys := make([]driver.Key, 0, len(w.bulks.rows))
	for key := range w.bulks.rows {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b driver.Key) int {
		return strings.Compare(a.Partition, b.Partition)
	})
	for _, key := range keys {
		b := w.bulks.rows[key]
		if w.startsAreLimited() || b.Phase == store.BulkEnded {
			continue
		}
		by := w.latest(b.Wake, 0)
		if w.topology == functions {
			by += (2 * sweepEvery).Milliseconds() + 2*max(0, w.quiescedAt-b.Wake)
		}
		owe(obligation{"late bulk", b.Wake, by, fmt.Sprintf("bulk operation %s, phase %d", b.Name,
			b.Phase)})
	}
}

// judge compares the results of an operation that has ended with what has happened. "bulk result":
// each execution that was named has one result; one that was accepted has happened by this
// operation, one that was rejected has not, and nothing has happened without a result. "bulk
// counts": the counts are those of the results.
func (o *bulkOwner) judge(
	q cloudflow.CreateBulkOperationRequest, b *cloudflow.BulkOperation,
	results []cloudflow.BulkResult,
) {
	w := o.c.w
	w.checked("bulk result", "bulk counts")
	w.kinds["bulk "+q.Operation]++
	counts, byName := cloudflow.BulkCounts{}, map[string]*cloudflow.BulkResult{}
	for i := range results {
		r := &results[i]
		byName[r.ExecutionName] = r
		if r.ErrorCode != "" {
			counts.Rejected++
			continue
		}
		counts.Accepted++
		switch r.Status {
		case "Succeeded":
			counts.Succeeded++
		case "Failed":
			counts.Failed++
		case "Stopped":
			counts.Stopped++
		case "TimedOut":
			counts.TimedOut++
		default:
			counts.Running++
		}
	}
	if b.Counts != counts || counts.Running > 0 {
		w.violate("bulk counts", "%+v has %+v, and its results are %+v", q, b.Counts, results)
	}
	if q.ExecutionNames != "" && b.Status == "Completed" {
		for _, name := range append(o.names[:len(o.names):len(o.names)], "none") {
			if byName[name] == nil {
				w.violate("bulk result", "%+v has no result for %s", q, name)
			}
		}
	}
	o.judgeEffects(q, byName)
}

func (o *bulkOwner) judgeEffects(
	q cloudflow.CreateBulkOperationRequest, results map[string]*cloudflow.BulkResult,
) {
	w := o.c.w
	for _, partition := range w.partitions {
		r := w.holder(partition)
		if r == nil || r.x.Flow != o.name || r.x.Account != account {
			continue
		}
		result := results[r.x.Name]
		accepted := result != nil && result.ErrorCode == ""
		if result != nil && result.ErrorCode == "InternalServerError" {
			continue // its rows were damaged, and it is not known
		}
		happened := false
		switch q.Operation {
		case "StopExecution":
			happened = r.x.Status == flow.Stopped && r.x.Error.Cause == q.Reason
			if w.runs[partition] == nil {
				continue // deleted by an earlier operation: it keeps no cause
			}
		case "DeleteExecution":
			happened = w.runs[partition] == nil
			if !accepted && happened {
				continue // an earlier operation has deleted it
			}
		case "StartExecution":
			happened = o.startedFor(q, r)
		}
		if accepted != happened {
			w.violate("bulk result", "%+v: %s is %v, and the result is %+v", q, r.x.Name,
				r.x.Status, result)
		}
	}
}

// startedFor reports whether an operation has started an execution again.
func (o *bulkOwner) startedFor(q cloudflow.CreateBulkOperationRequest, r *run) bool {
	w := o.c.w
	for key, b := range w.bulks.rows {
		if b.Name == q.BulkName && b.FlowID == o.id {
			return w.bulks.started[fmt.Sprintf("bulk#%s#%016x", w.bulks.rows[key].ID, r.x.Run)]
		}
	}
	return false
}
