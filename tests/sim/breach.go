package sim

import "slices"

// looked counts that invariants are looked at where they could be broken: a run that never does
// shows nothing about them.
func (w *World) looked(invariants ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range invariants {
		w.checks[name]++
	}
}

// looked and breach are the same for what is looked at when a run is over.
func (r *Report) looked(invariant string)        { r.Checks[invariant]++ }
func (r *Report) breach(invariant, wrong string) { r.Failure = invariant + ": " + wrong }

// breach notes that a named invariant does not hold, unless the run is made without that invariant:
// so it can be shown that a bug is caught by it and by nothing else.
func (w *World) breach(invariant, format string, args ...any) {
	if !slices.Contains(w.blind, invariant) {
		w.failf(invariant+": "+format, args...)
	}
}
