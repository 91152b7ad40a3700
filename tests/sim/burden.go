package sim

import (
	"slices"
	"time"

	"millrace/shared/interp"
)

// burden is an execution that brings every process down that runs it on, as one does that needs more memory than there is.
// It does so whether there are other faults or not, until it has been failed for it.
type burden struct {
	drawn     bool
	partition string // "" until it is claimed
}

// How long what such an execution needs to be failed takes at most: its runners begin later and later. Executions of a run
// with one are kept for longer than that.
const (
	burdenMax       = 8 * time.Hour
	burdenRetention = 12 * time.Hour
)

// drawBurden draws whether a run has one. Servers have none: they run on whatever they are told of, each time somebody tries
// again, and as such nobody deploys them.
func (w *World) drawBurden() {
	w.retention = retention
	if w.burden.drawn = w.mocked == nil && w.home != servers && w.number("burden")%12 == 5 && !slices.Contains(w.without, withoutBurden); w.burden.drawn {
		w.retention = burdenRetention
	}
}

// burdened chooses the execution: the first that is claimed and goes on, or a later one.
func (w *World) burdened(r *run) {
	if b := &w.burden; b.drawn && b.partition == "" && !r.x.Status.Final() && w.number("burden "+r.x.Partition())%3 == 0 {
		b.partition = r.x.Partition()
		w.tracef("%s brings its runners down from now on", b.partition)
	}
}

// burdens tells whether an execution may count runners that have begun with it though nothing else fails: it is the one that
// brings them down, or may have been in one of them. A process that owns its store sees to it that it is not.
func (w *World) burdens(partition string) bool {
	return w.burden.partition == partition || w.burden.partition != "" && w.home != local
}

// patience is how often somebody outside tries what he does not give up: for as long as runners are brought down there may be
// nobody to ask, and other faults can keep everybody down for a while, too.
func (w *World) patience() int {
	if w.burden.drawn {
		return 200 * triesMax
	}
	if w.limits.Executions < 10 {
		return 500 * triesMax // until the others have ended, one after the other
	}
	return 50 * triesMax // of some seconds each: faults go on for half an hour
}

// weigh is told by a process what it begins to fold.
func (w *World) weigh(p *process, partition string, advancing bool, ev interp.StepInput) {
	failed := slices.ContainsFunc(ev.Messages, func(n interp.Message) bool { return n.Kind == interp.EngineFailed })
	if partition == "" || partition != w.burden.partition || !advancing || failed {
		return
	}
	w.sched.wait(p.life, &operation{process: p, key: p.name + " breaks down under " + partition, apply: func() bool {
		if r := w.runs[partition]; r != nil && !r.x.Status.Final() {
			w.kinds["brought its runner down"]++
			w.kill(p)
			if w.calm {
				w.calmed = time.Now().UnixMilli() // another fault, and others may be the later for it
			}
		}
		return true
	}}, nil)
}
