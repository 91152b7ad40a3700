package sim

import (
	"fmt"
	"time"
)

// rescueAfter is how long a task without a time limit waits for a report that no client brings,
// until the rescuer reports it or stops its execution. rescueEvery is how often the rescuer looks.
const (
	rescueAfter = 15 * time.Minute
	rescueEvery = 10 * time.Minute
)

// rescue ends tasks whose reports never come: they would wait forever, or until a deadline a year
// away. That is correct behaviour, and nothing else may wait for so long.
func (w *World) rescue() {
	now := time.Now()
	if !w.quiesced || now.Before(w.rescueAt) {
		return
	}
	// the world wakes at whole milliseconds (lookAgain)
	w.rescueAt = now.Add(rescueEvery).Truncate(time.Millisecond)
	for _, partition := range w.partitions {
		r := w.runs[partition]
		if r == nil || r.x.Status.Final() {
			continue
		}
		for _, v := range r.visits.open {
			if v.leaf() && w.abandoned(r, v) && now.Sub(time.UnixMilli(v.base)) > rescueAfter {
				w.kinds["task without a report"]++
				w.save(r, v)
				break
			}
		}
	}
}

// abandoned reports whether a task waits for a report that neither an execution nor a time limit
// will end.
func (w *World) abandoned(r *run, v *visit) bool {
	if !v.calling() || !v.attempt.submitted {
		return false
	}
	n, known := v.timeout()
	return known && n == 0 && w.children[taskOrigin(r.x.Run, v.attempt.id)] == nil
}

// save reports a task, or stops its execution.
func (w *World) save(r *run, v *visit) {
	r.rescued = true
	key := keyOf(r.x.Run, v.attempt.id)
	who := fmt.Sprintf("rescue %s %d", key, w.steps)
	if token := w.tasks.tokens[key]; token != "" && w.number(who)%4 > 0 {
		w.clients.spawn(func() {
			w.tasks.report(r.x.Account, who, token, planned{output: []byte(`{"late":true}`)})
		})
		return
	}
	x := &launch{flow: definition{name: r.x.Flow, of: r.x.Account}, name: r.x.Name}
	x.started.Store(1)
	w.clients.spawn(func() { w.clients.stopper(x, who) })
}
