package sim

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// What a run can exclude, besides the kinds of faults.
const (
	withoutFlowOwner = "owner"
	withoutPoison    = "poison"
	withoutReader    = "reader"
	withoutProcesses = "other processes"
	withoutSizes     = "small sizes"
	withoutLarge     = "large flows"
)

// Shrink looks for a shorter run that fails in the same way: without kinds of faults, with fewer
// executions, processes or clients. If there is none, it returns the original run.
func Shrink(t *testing.T, o Options, r Report) (Options, Report) {
	o.Trace = nil
	try := func(less Options) {
		less.rounds = r.rounds
		if s := Run(t, less); s.Failure != "" && alike(s.Failure, r.Failure) && s.Steps <= r.Steps {
			less.rounds = 0
			o, r = less, s
		}
	}
	for n := 1; n < executionsMax; n++ {
		if less := o; less.Executions == 0 || n < less.Executions {
			less.Executions = n
			try(less)
		}
	}
	for _, kind := range slices.Concat([]string{withoutFlowOwner, withoutReader, withoutPoison,
		withoutProcesses, withoutSizes, withoutLarge, withoutWild, withShares, withoutFleet,
		withoutScales, faultQueueHour}, extraNames(),
		allFaults()) {
		if slices.Contains(allFaults(), kind) && r.Faults[kind] == 0 {
			continue
		}
		less := o
		less.Without = append(o.Without[:len(o.Without):len(o.Without)], kind)
		try(less)
	}
	return o, r
}

// alike reports whether two failures are the same, except for names and numbers.
func alike(a, b string) bool { return gist(a) == gist(b) }

func gist(s string) string {
	var words []string
	for _, word := range strings.Fields(s) {
		if strings.IndexFunc(word, func(r rune) bool {
			return !unicode.IsLower(r) && r != ',' && r != ':' && r != ';'
		}) < 0 {
			if words = append(words, word); len(words) == 5 {
				break
			}
		}
	}
	return strings.Join(words, " ")
}

// without removes the kinds of faults that are excluded.
func (f *faults) without(kinds []string) {
	for _, o := range f.all() {
		for _, kind := range kinds {
			if o.kind == kind {
				o.of = 0
			}
		}
	}
}

// allFaults lists the kinds of faults that a run can exclude.
func allFaults() []string {
	return []string{"request to the store rejected", "response to a write lost",
		"write carried out late",
		"half of a write", "death before a write",
		"death after a write", "death at any step", "write of a dead process kept", "hint lost",
		"hint repeated", "hint delayed",
		"hint for something else", "time passes under operations", "request or response lost",
		"clock moved", "index behind", "process frozen", "store away", faultPower, faultDamage}
}
