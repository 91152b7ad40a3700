package sim_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"millrace/tests/sim"
)

var (
	seed = flag.Uint64("seed", 0, "run this seed alone, with its trace")
	runs = flag.Uint64("runs", 0, "so many seeds, from -seed on")
)

func check(t *testing.T, r sim.Report) {
	t.Helper()
	if r.Failure == "" {
		return
	}
	t.Errorf("seed %d (%s): %s\n\nthe last steps:\n%s\n\nto see all of it: go run ./tests/sim/cmd -seed %d -v", r.Seed, r.Home, r.Failure, strings.Join(r.Tail, "\n"), r.Seed)
}

// TestSeeds runs a fixed set of seeds.
func TestSeeds(t *testing.T) {
	from, n := uint64(1), uint64(300)
	if *seed > 0 {
		from, n = *seed, max(*runs, 1)
	}
	total := 0
	for s := from; s < from+n; s++ {
		o := sim.Options{Seed: s}
		if *seed > 0 && *runs == 0 {
			o.Trace = os.Stdout
		}
		r := sim.Run(t, o)
		total += r.Executions
		check(t, r)
		if t.Failed() {
			break
		}
	}
	fmt.Println(total, "executions")
}
