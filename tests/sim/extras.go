package sim

import (
	"slices"
	"time"
)

// extra is a kind of clients that some runs have besides the ordinary ones. Random values for them
// are drawn by their names, so runs without them do not change when a kind is added.
type extra struct {
	name     string // runs can exclude it by this name
	in       uint64 // one of this many runs has them
	begin    func(*clients)
	comeBack func(*clients, time.Time) // names become free at that time; nil: they do not come back
}

// withRedrives is the name of the clients that redrive executions.
const withRedrives = "redrivers"

// extras lists all kinds. Runs of examples have none: their results are known beforehand.
func extras() []extra {
	return []extra{
		{name: "another account", in: 4, begin: (*clients).startSecondAccount},
		{name: "rights", in: 5, begin: (*clients).guard},
		{name: "namesakes", in: 5, begin: (*clients).name},
		{name: "unnamed starts", in: 4, begin: (*clients).startUnnamed},
		{name: "quitters", in: 2, begin: func(c *clients) { c.spawn(c.quitters) }},
		{name: "limits", in: 4, begin: (*clients).reachLimits},
		{name: "janitors", in: 4, begin: (*clients).clean},
		{name: withRedrives, in: 4, begin: (*clients).redrive},
		{name: "finder", in: 4, begin: (*clients).find},
		{name: "lister", in: 4, begin: (*clients).list},
		{name: withExpress, in: 5, begin: (*clients).express},
		{name: withMapRuns, in: 5, begin: (*clients).distributors},
		{name: withVersions, in: 4, begin: (*clients).publish,
			comeBack: (*clients).publishAgain},
		{name: withRivals, in: 7, begin: (*clients).contend},
		{name: "schedules", in: 4, begin: (*clients).timed},
		{name: "bulks", in: 4, begin: (*clients).inBulk},
		{name: "forger", in: 3, begin: (*clients).forge, comeBack: (*clients).forgeAgain},
	}
}

// has reports whether a run has the extra clients of a name.
func (w *World) has(name string) bool {
	for _, e := range extras() {
		if e.name == name {
			return w.mocked == nil && !w.large() && w.number(name)%e.in == 0 &&
				!slices.Contains(w.without, name)
		}
	}
	return false
}

// beginExtras starts the extra clients that the seed has drawn, after the flows were created.
func (c *clients) beginExtras() {
	for _, e := range extras() {
		if c.w.has(e.name) {
			e.begin(c)
		}
	}
}

// extrasReturn starts the clients that come back when names become free.
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
