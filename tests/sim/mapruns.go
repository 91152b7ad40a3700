package sim

import (
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// Distributed Maps. At every commit of an execution with MapRuns:
//
//   - "MapRun counts": the counts of a MapRun add up and never fall, and it has counted no success
//     that no child has come to. Standard children are executions, whose ends the world knows;
//   - "MapRun tolerance": a MapRun that runs, or has succeeded, tolerates its failures;
//   - "MapRun concurrency": no more Standard children run than the MapRun allows;
//   - "MapRun stops": the commit that ends a MapRun stops each child that runs.
func (w *World) judgeMapRuns(r *run) {
	for _, m := range r.state.MapRuns() {
		before, seen := r.mapRuns[m.ID]
		if r.mapRuns == nil {
			r.mapRuns = map[int64]interp.MapRun{}
		}
		r.mapRuns[m.ID] = m
		w.judgeCounts(r, &before, &m)
		w.checked("MapRun tolerance")
		if (m.Status == interp.MapRunRunning || m.Status == interp.MapRunSucceeded) &&
			!tolerated(&m) {
			w.violate("MapRun tolerance", "%s: %+v", r.x.Partition(), m)
		}
		if children := w.childrenOf(r, m.Name); m.Status == interp.MapRunRunning {
			w.judgeConcurrency(r, &m, children)
		} else if !seen || before.Status == interp.MapRunRunning {
			w.judgeStops(r, &m, children)
			if m.Status == interp.MapRunSucceeded {
				w.judgeItems(r, &m)
			}
		}
	}
}

func (w *World) judgeCounts(r *run, before, m *interp.MapRun) {
	w.checked("MapRun counts")
	if m.Pending+m.Running+m.Succeeded+m.Failed+m.Aborted != m.Total ||
		m.Succeeded < before.Succeeded || m.Failed < before.Failed {
		w.violate("MapRun counts", "%s: %+v after %+v", r.x.Partition(), *m, *before)
	}
	children := w.childrenOf(r, m.Name)
	if len(children) == 0 {
		return // Express children leave no rows
	}
	succeeded := 0
	for _, c := range children {
		if c.x.Status == flow.Succeeded {
			succeeded += w.itemsOf(c)
		}
	}
	if m.Succeeded > succeeded {
		w.violate("MapRun counts", "%s: %+v, and children with %d items have succeeded",
			r.x.Partition(), *m, succeeded)
	}
}

// tolerated reports whether a MapRun tolerates its failures, by its settings.
func tolerated(m *interp.MapRun) bool {
	switch {
	case m.ToleratedCount >= 0 && int64(m.Failed) > m.ToleratedCount:
		return false
	case m.ToleratedPercentage >= 0:
		return float64(m.Failed)*100 <= m.ToleratedPercentage*float64(m.Total)
	}
	return m.ToleratedCount >= 0 || m.Failed == 0
}

// itemsOf returns how many items a child works on: those of its batch, or one.
func (w *World) itemsOf(c *run) int {
	return len(w.workOf(c))
}

// workOf returns the items that a child works on.
func (w *World) workOf(c *run) []any {
	text, err := w.raw.InputText(always, c.x)
	if err != nil {
		w.violate("readable", "%s: input: %v", c.x.Partition(), err)
	}
	tree, _ := value.Decode(text)
	if c.m.Nodes[c.x.MapNode-1].Map.Distributed.Batch == nil {
		return []any{tree}
	}
	batch, _ := tree.(map[string]any)
	items, _ := batch["Items"].([]any)
	return items
}

// childrenOf returns the Standard children of a MapRun.
func (w *World) childrenOf(r *run, mapRun string) (children []*run) {
	for _, partition := range w.partitions {
		if c := w.runs[partition]; c != nil && c.x.MapRun == mapRun && c.x.FlowID == r.x.FlowID {
			children = append(children, c)
		}
	}
	return children
}

func running(children []*run) (n int) {
	for _, c := range children {
		if !c.x.Status.Final() {
			n++
		}
	}
	return n
}

func (w *World) judgeConcurrency(r *run, m *interp.MapRun, children []*run) {
	w.checked("MapRun concurrency")
	stops := 0 // of children whose start was given up
	for i := range r.state.Outbox {
		if r.state.Outbox[i].Kind == interp.OutboxStopChild {
			stops++
		}
	}
	if n := running(children); n > m.Concurrency+stops {
		w.violate("MapRun concurrency", "%s: %d children run: %+v", r.x.Partition(), n, *m)
	}
}

func (w *World) judgeStops(r *run, m *interp.MapRun, children []*run) {
	stopped := map[string]bool{}
	for i := range r.state.Outbox {
		stopped[store.Partition(r.x.FlowID, r.state.Outbox[i].Name)] = true
	}
	w.checked("MapRun stops")
	for _, c := range children {
		if !c.x.Status.Final() && !stopped[c.x.Partition()] {
			w.violate("MapRun stops", "%s: nothing stops %s: %+v", r.x.Partition(),
				c.x.Partition(), *m)
		}
	}
}
