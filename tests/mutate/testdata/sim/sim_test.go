// Package sim_test replaces the simulation in the tests of mutate.
package sim_test

import (
	"flag"
	"fmt"
	"testing"

	"millrace/tests/mutate/testdata/lamp"
)

var (
	seed = flag.Uint64("seed", 0, "")
	runs = flag.Uint64("runs", 1, "")
	_    = flag.String("part", "", "")
	_    = flag.Int("failures", 0, "")
	_    = flag.Bool("shrink", true, "")
)

func TestSeeds(t *testing.T) {
	for s := *seed; s < *seed+*runs; s++ {
		l := lamp.New(int(s))
		for range s {
			_ = l.Burn()
		}
		if l.Used() != int(s) {
			t.Fail()
			fmt.Printf("seed %d: %d hours\n", s, l.Used())
			return
		}
	}
}
