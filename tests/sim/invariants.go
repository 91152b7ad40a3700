package sim

import "slices"

// checked counts that invariants are looked at where they could be broken: a run that never does
// shows nothing about them.
func (w *World) checked(invariants ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range invariants {
		w.checks[name]++
	}
}

// checked and breach are the same for what is looked at when a run is over.
func (r *Report) checked(invariant string)        { r.Checks[invariant]++ }
func (r *Report) violate(invariant, wrong string) { r.Failure = invariant + ": " + wrong }

// violate notes that a named invariant does not hold, unless the run is made without that invariant:
// so it can be shown that a bug is caught by it and by nothing else.
func (w *World) violate(invariant, format string, args ...any) {
	if !slices.Contains(w.blind, invariant) {
		w.failf(invariant+": "+format, args...)
	}
}
