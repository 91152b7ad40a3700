package main

import (
	"fmt"
	"os"

	"millrace/tests/sim/cover"
)

// wanted is the number of chosen seeds that must reach an item, and a fault together with an
// invariant. A change of the code changes which seeds reach it, so one would not be enough.
var wanted = cover.Want{Item: 60, Pair: 10}

// writeChoice chooses seeds and writes them.
func writeChoice(path string, runs []cover.Run) error {
	c := cover.Choose(runs, wanted)
	rare := 0
	for _, n := range c.Items {
		if n < wanted.Item {
			rare++
		}
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	head := fmt.Sprintf(`Seeds that the tests run (TestSeeds), chosen by what they reach: make sim-seeds.
%d of %d seeds: each of %d items is reached by at least %d of them, but for %d that are rare, and each of
%d pairs of a fault and an invariant by at least %d, where that many have it.`,
		len(c.Seeds), len(runs), len(c.Items), wanted.Item, rare, c.Pairs, wanted.Pair)
	if err := c.Write(f, head); err != nil {
		f.Close()
		return err
	}
	fmt.Printf("%s\n%d steps\n", head, c.Steps)
	return f.Close()
}
