package sim

import (
	"slices"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/value"
)

// Distributed Maps. At every commit of an execution with MapRuns:
//
//   - "MapRun counts": the counts of a MapRun add up and never fall, and it has counted no success
//     that no child has come to. The world knows the ends of Standard children from their rows, and
//     those of Express children from the processes that run them;
//   - "MapRun tolerance": a MapRun that runs, or has succeeded, tolerates its failures;
//   - "MapRun concurrency": no more children run than the MapRun allows. After an update that allows
//     fewer, no child begins until enough have ended;
//   - "MapRun advances": a MapRun that could start a child is about to, so an update takes effect;
//   - "MapRun stops": the commit that ends a MapRun stops each Standard child that runs.
func (w *World) judgeMapRuns(r *run) {
	if r.x.MapRun != "" && r.x.Status == flow.Succeeded {
		w.expresses.children.succeed(r.x.MapRun, r.x.Name, w.itemsOf(r))
	}
	for _, m := range r.state.MapRuns() {
		before, seen := r.mapRuns[m.ID]
		if r.mapRuns == nil {
			r.mapRuns = map[int64]mapRunSeen{}
		}
		now := mapRunSeen{MapRun: m, allowed: max(m.Concurrency, min(before.allowed, m.Running))}
		r.mapRuns[m.ID] = now
		w.judgeCounts(r, &before.MapRun, &m)
		w.checked("MapRun tolerance")
		if (m.Status == interp.MapRunRunning || m.Status == interp.MapRunSucceeded) &&
			!tolerated(&m) {
			w.violate("MapRun tolerance", "%s: %+v", r.x.Partition(), m)
		}
		if children := w.childrenOf(r, m.Name); m.Status == interp.MapRunRunning {
			w.judgeConcurrency(r, &now, children)
			w.judgeAdvance(r, &m)
		} else if !seen || before.Status == interp.MapRunRunning {
			w.judgeStops(r, &m, children)
			if m.Status == interp.MapRunSucceeded {
				w.judgeItems(r, &m)
			}
		}
	}
}

// mapRunSeen is a MapRun as last seen, and how many of its children may run: those that it allows,
// or those of before an update that have not ended.
type mapRunSeen struct {
	interp.MapRun
	allowed int
}

func (w *World) judgeCounts(r *run, before, m *interp.MapRun) {
	w.checked("MapRun counts")
	if m.Pending+m.Running+m.Succeeded+m.Failed+m.Aborted != m.Total ||
		m.Succeeded < before.Succeeded || m.Failed < before.Failed {
		w.violate("MapRun counts", "%s: %+v after %+v", r.x.Partition(), *m, *before)
	}
	succeeded := 0
	for _, of := range r.state.MapRuns() { // a redriven one counts what those before have come to
		if of.Name == m.Name || r.x.Redrive > 0 {
			succeeded += w.expresses.children.succeeded(of.Name)
		}
	}
	if m.Succeeded > succeeded {
		w.violate("MapRun counts", "%s: %+v, and children with %d items have succeeded",
			r.x.Partition(), *m, succeeded)
	}
}

// judgeAdvance checks that a MapRun with fewer items in flight than children allowed, and others to
// hand out, has more to do at once. One that reads its items may wait for them.
func (w *World) judgeAdvance(r *run, m *interp.MapRun) {
	if slices.ContainsFunc(r.m.Nodes, func(st *flow.State) bool {
		return isDistributed(st) && st.Map.Distributed.Reader != nil
	}) {
		return
	}
	w.checked("MapRun advances")
	if m.Pending > 0 && m.Running < m.Concurrency && !r.state.Ready() {
		w.violate("MapRun advances", "%s: nothing starts the next child: %+v", r.x.Partition(), *m)
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

// itemsOf returns how many items a Standard child works on.
func (w *World) itemsOf(c *run) int { return len(w.workOf(c)) }

// workOf returns the items that a Standard child works on.
func (w *World) workOf(c *run) []any {
	text, err := w.raw.InputText(always, c.x)
	if err != nil {
		w.violate("readable", "%s: input: %v", c.x.Partition(), err)
	}
	return itemsIn(c.m.Nodes[c.x.MapNode-1], text)
}

// itemsIn returns the items that the input of a child holds: those of its batch, or one.
func itemsIn(st *flow.State, input []byte) []any {
	tree, _ := value.Decode(input)
	if st.Map.Distributed.Batch == nil {
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

func (w *World) judgeConcurrency(r *run, m *mapRunSeen, children []*run) {
	w.checked("MapRun concurrency")
	stops := 0 // of children whose start was given up
	for i := range r.state.Outbox {
		if r.state.Outbox[i].Kind == interp.OutboxStopChild {
			stops++
		}
	}
	if n := running(children); n > m.allowed+stops {
		w.violate("MapRun concurrency", "%s: %d children run: %+v", r.x.Partition(), n, *m)
	}
	leased := 0 // children that a process starts, or runs if they are Express
	for _, l := range r.state.Leases() {
		if l.Attempt>>31 == m.ID<<1 { // others of the MapRun read items
			leased++
		}
	}
	if leased > m.allowed {
		w.violate("MapRun concurrency", "%s: %d children are leased: %+v", r.x.Partition(), leased,
			*m)
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
