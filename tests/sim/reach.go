package sim

import "slices"

// worlds is what kind of run it is: where the engine runs, who is there beside the ordinary clients,
// and what is out of the ordinary.
func (w *World) worlds() []string {
	list := []string{w.topology.String()}
	add := func(is bool, name string) {
		if is {
			list = append(list, name)
		}
	}
	add(w.mocked != nil, "example")
	add(w.hasFlowOwner(), withoutFlowOwner)
	add(w.hasReader(), withoutReader)
	add(w.poison.enabled, withoutPoison)
	add(w.large(), withoutLarge)
	add(w.sizes != sizes{}, withoutSizes)
	add(w.wild(), withoutWild)
	add(w.sharing.drawn, withShares)
	add(w.namesReused, "names used again")
	add(w.usesCallbacks(), "delegates")
	for _, e := range extras() {
		add(w.has(e.name), e.name)
	}
	return list
}

// Worlds gives all kinds of runs, as Reach names them.
func Worlds() (items []string) {
	for h := range topologies {
		items = append(items, "run "+h.String())
	}
	for _, name := range slices.Concat(extraNames(), []string{"example", withoutFlowOwner, withoutReader,
		withoutPoison, withoutLarge, withoutSizes, withoutWild, withShares, "names used again", "delegates"}) {
		items = append(items, "run "+name)
	}
	return items
}

// Faults gives all kinds of faults, as Reach names them.
func Faults() (items []string) {
	for _, name := range allFaults() {
		items = append(items, "fault "+name)
	}
	return items
}

// Reach is all that a run shows something about: the invariants that it looked at where they could
// have been broken, the faults that happened, the kind of run, and what was in its executions. A
// choice of seeds is to reach all of it (tests/sim/cover).
func (r *Report) Reach() (items []string) {
	for name, n := range r.Checks {
		if n > 0 {
			items = append(items, "invariant "+name)
		}
	}
	for name, n := range r.Faults {
		if n > 0 {
			items = append(items, "fault "+name)
		}
	}
	for name := range r.Kinds {
		items = append(items, "execution "+name)
	}
	for _, name := range r.Worlds {
		items = append(items, "run "+name)
	}
	return items
}
