package sim

import (
	"slices"
	"time"
)

// extra is a kind of clients that some runs have beside the ordinary ones. What is drawn for them is
// drawn by their names, so that runs without them are what they would be if there were none.
type extra struct {
	name     string // what a run can be made without
	in       uint64 // one of so many runs has them
	begin    func(*clients)
	comeBack func(*clients, time.Time) // names become free at that time; nil: they stay away
}

// extras are all of them. Flows of examples have none: what they come to is known beforehand.
func extras() []extra {
	return []extra{
		{name: "another account", in: 4, begin: (*clients).startSecondAccount},
		{name: "rights", in: 5, begin: (*clients).guard},
		{name: "namesakes", in: 5, begin: (*clients).name},
		{name: "unnamed starts", in: 4, begin: (*clients).startUnnamed},
		{name: "quitters", in: 2, begin: func(c *clients) { c.spawn(c.quitters) }},
		{name: "limits", in: 4, begin: (*clients).reachLimits},
		{name: "lister", in: 4, begin: (*clients).list},
		{name: withExpress, in: 5, begin: (*clients).express},
		{name: withRivals, in: 7, begin: (*clients).contend},
		{name: "forger", in: 3, begin: (*clients).forge, comeBack: (*clients).forgeAgain},
	}
}

// has reports whether a run has some extra clients.
func (w *World) has(name string) bool {
	for _, e := range extras() {
		if e.name == name {
			return w.mocked == nil && !w.large() && w.number(name)%e.in == 0 && !slices.Contains(w.without, name)
		}
	}
	return false
}

// beginExtras starts the extra clients that the seed has drawn, once the flows are there.
func (c *clients) beginExtras() {
	for _, e := range extras() {
		if c.w.has(e.name) {
			e.begin(c)
		}
	}
}

// extrasReturn starts those that come back when names become free.
func (c *clients) extrasReturn(free time.Time) {
	for _, e := range extras() {
		if e.comeBack != nil && c.w.has(e.name) {
			e.comeBack(c, free)
		}
	}
}

func extraNames() (names []string) {
	for _, e := range extras() {
		names = append(names, e.name)
	}
	return names
}
