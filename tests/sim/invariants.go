package sim

import "slices"

// checked counts that invariants were checked in a place where they could be violated. A run that
// never does so proves nothing about them.
func (w *World) checked(invariants ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range invariants {
		w.checks[name]++
	}
}

// checked and violate are the same for checks after a run.
func (r *Report) checked(invariant string)        { r.Checks[invariant]++ }
func (r *Report) violate(invariant, wrong string) { r.Failure = invariant + ": " + wrong }

// violate records that a named invariant does not hold, unless the run excludes that invariant:
// that shows that a bug is caught by this invariant and by no other.
func (w *World) violate(invariant, format string, args ...any) {
	if !slices.Contains(w.blind, invariant) {
		w.failf(invariant+": "+format, args...)
	}
}
