package sim

import (
	"slices"
	"time"
)

// fleet is the set of processes that share a store. Most runs have up to three, which are restarted
// when they die. Some runs have five; in every second of these, processes are added and removed on
// purpose while there are faults.
type fleet struct {
	size   int // at the beginning
	scaled bool
}

const (
	fleetMax      = 5
	withoutFleet  = "five processes"
	scaleEvery    = 20 * time.Second // minimum, and up to four times as long
	withoutScales = "processes added and retired"
)

func (w *World) drawFleet(usual int) int {
	if w.number(withoutFleet)%8 > 0 || slices.Contains(w.without, withoutFleet) {
		return usual
	}
	w.kinds["run of five processes"]++
	w.fleet = fleet{size: fleetMax, scaled: w.topology == servers &&
		w.number(withoutScales)%2 == 0 && !slices.Contains(w.without, withoutScales)}
	if w.fleet.scaled {
		w.scaleLater()
	}
	return fleetMax
}

// scaleLater adds or retires a process some time later.
func (w *World) scaleLater() {
	d := scaleEvery + time.Duration(w.rand.Int64N(int64(3*scaleEvery)))
	w.after(d, "scale", func() {
		switch {
		case w.quiesced:
			return
		case len(w.processes) >= fleetMax || len(w.processes) > 2 && w.rand.IntN(2) == 0:
			p := w.processes[w.rand.IntN(len(w.processes))]
			p.surplus = true
			w.retire(p)
		default:
			w.kinds["process added"]++
			w.processes = append(w.processes, newProcess(w))
		}
		w.scaleLater()
	})
}
