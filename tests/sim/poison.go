package sim

import (
	"slices"
	"time"

	"millrace/shared/interp"
)

// poison is an execution that brings every process down that runs it on, as one does that needs more memory than there is.
// It does so whether there are other faults or not, until it has been failed for it.
type poison struct {
	enabled   bool
	partition string // "" until it is claimed
}

// How long what such an execution needs to be failed takes at most: its runners begin later and later. Executions of a run
// with one are kept for longer than that.
const (
	poisonMax       = 8 * time.Hour
	poisonRetention = 12 * time.Hour
)

// drawPoison draws whether a run has one. Servers have none: they run on whatever they are told of, each time somebody tries
// again, and as such nobody deploys them.
func (w *World) drawPoison() {
	w.retention = retention
	if w.poison.enabled = w.mocked == nil && w.topology != servers && w.number("burden")%12 == 5 && !slices.Contains(w.without, withoutPoison); w.poison.enabled {
		w.retention = poisonRetention
	}
}

// choosePoison chooses the execution: the first that is claimed and goes on, or a later one.
func (w *World) choosePoison(r *run) {
	if b := &w.poison; b.enabled && b.partition == "" && !r.x.Status.Final() && w.number("burden "+r.x.Partition())%3 == 0 {
		b.partition = r.x.Partition()
		w.tracef("%s brings its runners down from now on", b.partition)
	}
}

// affectedByPoison tells whether an execution may count runners that have begun with it though nothing else fails: it is the one that
// brings them down, or may have been in one of them. A process that owns its store sees to it that it is not.
func (w *World) affectedByPoison(partition string) bool {
	return w.poison.partition == partition || w.poison.partition != "" && w.topology != embedded
}

// attemptsMax is how often somebody outside tries what he does not give up: for as long as runners are brought down there may be
// nobody to ask, and other faults can keep everybody down for a while, too.
func (w *World) attemptsMax() int {
	if w.poison.enabled {
		return 200 * triesMax
	}
	if w.limits.Executions < 10 {
		return 500 * triesMax // until the others have ended, one after the other
	}
	return 50 * triesMax // of some seconds each: faults go on for half an hour
}

// crashOnPoison is told by a process what it begins to fold.
func (w *World) crashOnPoison(p *process, partition string, advancing bool, ev interp.StepInput) {
	failed := slices.ContainsFunc(ev.Messages, func(n interp.Message) bool { return n.Kind == interp.EngineFailed })
	if partition == "" || partition != w.poison.partition || !advancing || failed {
		return
	}
	w.sched.wait(p.life, &operation{process: p, key: p.name + " breaks down under " + partition, apply: func() bool {
		if r := w.runs[partition]; r != nil && !r.x.Status.Final() {
			w.kinds["brought its runner down"]++
			w.kill(p)
			if w.quiesced {
				w.quiescedAt = time.Now().UnixMilli() // another fault, and others may be the later for it
			}
		}
		return true
	}}, nil)
}
