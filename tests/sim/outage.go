package sim

import "time"

// outages are the durations for which the store is unavailable to all processes. They are longer
// than an engine retries at once, so data that must not be lost has to wait (R8).
var outages = [...]time.Duration{time.Second, 5 * time.Second, 20 * time.Second, 70 * time.Second}

// drawOutage draws whether a run has outages.
func (w *World) drawOutage() {
	w.faults.outage = odds{"store away", []int{0, 0, 10, 40}[w.number("store away")%4]}
}

// beginOutage makes the store unavailable for a while.
func (w *World) beginOutage() {
	d := outages[w.rand.IntN(len(outages))]
	w.outageUntil = time.Now().Add(d)
	w.tracef("the store is away for %v", d)
}

// inOutage reports whether the store is unavailable.
func (w *World) inOutage() bool { return !w.quiesced && time.Now().Before(w.outageUntil) }
