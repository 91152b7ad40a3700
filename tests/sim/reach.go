package sim

import "slices"

// worlds returns the kind of the run: the topology, the clients besides the ordinary ones, and
// other special conditions.
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

// Worlds returns all kinds of runs, with the names that Reach uses.
func Worlds() (items []string) {
	for h := range topologies {
		items = append(items, "run "+h.String())
	}
	for _, name := range slices.Concat(extraNames(), []string{"example", withoutFlowOwner,
		withoutReader,
		withoutPoison, withoutLarge, withoutSizes, withoutWild, withShares, "names used again",
		"delegates"}) {
		items = append(items, "run "+name)
	}
	return items
}

// Faults returns all kinds of faults, with the names that Reach uses.
func Faults() (items []string) {
	for _, name := range allFaults() {
		items = append(items, "fault "+name)
	}
	return items
}

// Reach lists everything that a run can prove something about: the invariants that were checked in
// a place where they could be violated, the faults that happened, the kind of run, and the features
// of its executions. A choice of seeds must reach all of it (tests/sim/cover).
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
