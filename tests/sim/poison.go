package sim

import (
	"slices"
	"time"

	"millrace/shared/interp"
)

// poison is an execution that kills every process that runs it, like one that needs more memory
// than there is. It does so with or without other faults, until the engine has failed it for that
// reason.
type poison struct {
	enabled   bool
	partition string // "" until it is claimed
}

// The longest time until such an execution is failed: the engine picks it up later and later.
// Executions of a run with one are kept for longer than that.
const (
	poisonMax       = 8 * time.Hour
	poisonRetention = 12 * time.Hour
)

// drawPoison draws whether a run has a poison execution. Servers have none: they run every
// execution that they are told of, each time a client retries, and nobody deploys them that way.
func (w *World) drawPoison() {
	w.retention = retention
	if w.poison.enabled = w.mocked == nil && w.topology != servers && w.number("burden")%12 == 5 &&
		!slices.Contains(w.without, withoutPoison); w.poison.enabled {
		w.retention = poisonRetention
	}
}

// choosePoison makes the first execution that is claimed and proceeds the poison execution, or a
// later one.
func (w *World) choosePoison(r *run) {
	if b := &w.poison; b.enabled && b.partition == "" && !r.x.Status.Final() &&
		w.number("burden "+r.x.Partition())%3 == 0 {
		b.partition = r.x.Partition()
		w.tracef("%s ends its processes from now on", b.partition)
	}
}

// affectedByPoison reports whether an execution may count runner attempts although nothing else
// fails: it is the poison execution, or may have been in a process with it. A process that owns its
// store prevents the latter.
func (w *World) affectedByPoison(partition string) bool {
	return w.poison.partition == partition || w.poison.partition != "" && w.topology != embedded
}

// attemptsMax returns how often a client repeats a request that it does not give up. While
// processes are killed there may be none to serve it, and other faults can keep all processes down
// for a while, too.
func (w *World) attemptsMax() int {
	if w.poison.enabled {
		return 200 * triesMax
	}
	if w.limits.Executions < 10 {
		return 500 * triesMax // until the others have ended, one after the other
	}
	return 50 * triesMax // some seconds each: faults last for half an hour
}

// crashOnPoison kills a process that begins a transaction of the poison execution. The process
// calls it.
func (w *World) crashOnPoison(p *process, partition string, advancing bool, ev interp.StepInput) {
	failed := slices.ContainsFunc(ev.Messages, func(n interp.Message) bool {
		return n.Kind == interp.EngineFailed
	})
	if partition == "" || partition != w.poison.partition || !advancing || failed {
		return
	}
	w.sched.wait(p.life, &operation{process: p, key: p.name + " breaks down under " + partition,
		apply: func() bool {
			if r := w.runs[partition]; r != nil && !r.x.Status.Final() {
				w.kinds["ended its process as poison"]++
				w.kill(p)
				if w.quiesced {
					// this is a fault, and may delay other executions
					w.quiescedAt = time.Now().UnixMilli()
				}
			}
			return true
		}}, nil)
}
