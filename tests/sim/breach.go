package sim

import "slices"

// breach notes that a named invariant does not hold, unless the run is made without that invariant:
// so it can be shown that a bug is caught by it and by nothing else.
func (w *World) breach(invariant, format string, args ...any) {
	if !slices.Contains(w.blind, invariant) {
		w.failf(invariant+": "+format, args...)
	}
}
