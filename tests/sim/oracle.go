package sim

import (
	"bytes"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
)

// oracle is the interpreter that runs an execution straight through in memory. It gets only the
// inputs of the commits that succeeded, and its state is never stored and loaded.
type oracle struct {
	state *interp.State
}

func newOracle(w *World, r *run, x *store.Execution) *oracle {
	f, err := factsOf(w.raw, x)
	if err != nil {
		w.violate("readable", "%s: input: %v", x.Partition(), err)
		return nil
	}
	return &oracle{interp.New(f)}
}

// follow repeats the step that a commit made, and compares.
func (o *oracle) follow(w *World, r *run, old, x *store.Execution, step *transaction,
	added []flow.HistoryEvent) {
	version := int64(0)
	if old != nil {
		version = old.Version
	}
	if step == nil || step.version != version {
		if old != nil && len(added) == 0 && bytes.Equal(old.Body, x.Body) {
			return // no step: the row's wake time has moved
		}
		w.violate("straight run", "%s v%d: no step made what it holds", x.Partition(),
			x.Version)
		return
	}
	m := r.m
	if !step.advances {
		m = nil
	}
	w.checked("straight run", "no panic")
	fx := interp.Step(m, &w.limits, o.state, step.input)
	r.more = fx.More || m == nil // without a machine messages are accepted, and nothing proceeds
	if len(fx.Need) > 0 {
		w.violate("straight run", "%s: the oracle misses a value", x.Partition())
		return
	}
	for i := range max(len(fx.Events), len(added)) {
		want, got := "nothing", "nothing"
		if i < len(fx.Events) {
			want = textOf(&fx.Events[i])
		}
		if i < len(added) {
			got = textOf(&added[i])
		}
		if want != got {
			w.violate("straight run",
				"%s v%d: the straight run writes\n  %s\nthe history has\n  %s", x.Partition(),
				x.Version, want, got)
			return
		}
	}
	if want, got := about(o.state), about(r.state); want != got {
		w.violate("straight run", "%s v%d: the straight run stands at\n  %s\nthe row at\n  %s",
			x.Partition(), x.Version, want, got)
	}
}

// about returns the observable part of a state.
func about(s *interp.State) string {
	text := fmt.Sprintf("life %d until %d, %v stopped %d error %v events %d at %d due %d ready %v leases %v",
		s.Redrives, s.Deadline, s.Status, s.Stopped, s.Error, s.LastEvent,
		s.LastTime, s.NextWakeTime(0), s.Ready(), s.Leases())
	for _, out := range s.Outbox {
		text += fmt.Sprintf(" %d/%d for %s%s/%s after %d at %d", out.Kind, out.ID, out.Token,
			out.Flow, out.Name, out.Tries, out.Next)
	}
	return text
}
