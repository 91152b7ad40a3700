package sim

import (
	"strings"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// mapRunChildren are the children of MapRuns that have succeeded, and the Express ones. These run in
// memory, as calls of their parent, and no client waits for them. One may run again, or in two
// processes if its lease was lost: then "same child" holds, it has the run of before, so its calls
// have the same keys. Only the scheduler's goroutine uses it.
type mapRunChildren struct {
	attempts  map[uint64]string         // keys of the attempts that run Express ones, by run
	runs      map[string]uint64         // the other way round
	successes map[string]map[string]int // items of those that have succeeded, by MapRun and name
}

func newMapRunChildren() mapRunChildren {
	return mapRunChildren{attempts: map[uint64]string{}, runs: map[string]uint64{},
		successes: map[string]map[string]int{}}
}

// leaseOf returns the key of the attempt whose lease a call needs: its own or, in an Express child
// of a MapRun, that of the attempt that runs the child.
func (c *mapRunChildren) leaseOf(key string) string {
	if of, ok := c.attempts[runOfKey(key)]; ok {
		return of
	}
	return key
}

// noteExpressChild records what an Express child has written. Children of one MapRun may step at
// the same instant: they go on one after the other.
func (p *process) noteExpressChild(x *store.Execution, m *flow.Machine,
	events []flow.HistoryEvent) {
	step := &operation{process: p, key: p.name + " steps " + x.Name}
	step.apply = func() bool {
		p.w.expresses.children.note(p.w, x, m, events)
		return true
	}
	p.w.sched.wait(p.life, step, nil)
}

func (c *mapRunChildren) note(w *World, x *store.Execution, m *flow.Machine,
	events []flow.HistoryEvent) {
	key := strings.TrimPrefix(x.Origin, engine.TaskOrigin(""))
	w.checked("same child")
	if before, ok := c.runs[key]; ok && before != x.Run {
		w.violate("same child", "%s of %s is run again as another", x.Name, x.Flow)
	}
	if c.runs[key] == 0 {
		w.kinds["Express child of a MapRun"]++
	}
	c.runs[key], c.attempts[x.Run] = x.Run, key
	for i := range events {
		if events[i].Type == flow.ExecutionSucceeded {
			c.succeed(x.MapRun, x.Name, len(itemsIn(m.Nodes[x.MapNode-1], x.Input)))
		}
	}
}

// succeed records a child that has succeeded, with the number of its items. Its row may expire
// before the MapRun ends.
func (c *mapRunChildren) succeed(mapRun, name string, items int) {
	if c.successes[mapRun] == nil {
		c.successes[mapRun] = map[string]int{}
	}
	c.successes[mapRun][name] = items
}

// succeeded returns how many items have been worked on by children of a MapRun that have succeeded.
func (c *mapRunChildren) succeeded(mapRun string) (items int) {
	for _, n := range c.successes[mapRun] {
		items += n
	}
	return items
}
