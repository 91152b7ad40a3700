package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// count holds the results of a group of mutants.
type count struct{ tried, unit, reached, sim, simAlone, survived int }

func (c *count) add(r result) {
	c.tried++
	if r.Unit.How.isCaught() {
		c.unit++
	}
	if r.Sim.How != unreached {
		c.reached++
	}
	if r.Sim.How.isCaught() {
		c.sim++
		if !r.Unit.How.isCaught() {
			c.simAlone++
		}
	}
	if !r.isCaught() {
		c.survived++
	}
}

func (c *count) cells() string {
	return fmt.Sprintf("%d | %d | %d | %d | %d | %d",
		c.tried, c.unit, c.reached, c.sim, c.simAlone, c.survived)
}

// summarize writes the results of the tried mutants, and each survivor.
func summarize(w io.Writer, list []result) {
	var all count
	broken := 0
	groups := []map[string]*count{{}, {}}
	var survivors []result
	for _, r := range list {
		if r.broken() {
			broken++
			continue
		}
		all.add(r)
		for i, key := range []string{r.Package, r.Op} {
			if groups[i][key] == nil {
				groups[i][key] = &count{}
			}
			groups[i][key].add(r)
		}
		if !r.isCaught() {
			survivors = append(survivors, r)
		}
	}
	for i, head := range []string{"package", "operator"} {
		fmt.Fprintf(w, "| %s | mutants | unit tests | simulation comes to it | simulation "+
			"| simulation only | survived |\n|%s\n", head,
			" --- |"+strings.Repeat(" ---: |", 6))
		for _, key := range slices.Sorted(maps.Keys(groups[i])) {
			fmt.Fprintf(w, "| %s | %s |\n", key, groups[i][key].cells())
		}
		fmt.Fprintf(w, "| all | %s |\n\n", all.cells())
	}
	if all.tried > 0 {
		percent := func(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }
		fmt.Fprintf(w, "Caught: %.0f %% of %d, %.0f %% by unit tests, %.0f %% by the simulation; "+
			"of the %d that it comes to, it catches %.0f %%.\n",
			percent(all.tried-all.survived, all.tried), all.tried,
			percent(all.unit, all.tried), percent(all.sim, all.tried), all.reached,
			percent(all.sim, all.reached))
	}
	if broken > 0 {
		fmt.Fprintf(w, "%d more did not build.\n", broken)
	}
	if len(survivors) == 0 {
		return
	}
	fmt.Fprintf(w, "\nSurvivors:\n")
	slices.SortFunc(survivors, func(a, b result) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range survivors {
		fmt.Fprintf(w, "%s (line %d; unit tests %s, simulation %s)\n    %s\n",
			r.ID, r.Line, r.Unit.How, r.Sim.How, r.Diff)
	}
}
