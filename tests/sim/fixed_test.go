package sim_test

import (
	_ "embed"
	"slices"
	"strings"
	"testing"

	"millrace/tests/promises"
	"millrace/tests/sim"
	"millrace/tests/sim/cover"
)

//go:embed seeds.txt
var seeds string

// fixed returns the seeds that an ordinary test run takes. `make sim-seeds` chooses them again.
func fixed(t *testing.T) cover.Choice {
	t.Helper()
	c, err := cover.Read(strings.NewReader(seeds))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// few is the number of fixed seeds that reach an item, below which it counts as rarely reached. A
// change of the code changes a seed's run, so the seeds may lose such an item by chance.
const few = 5

// fixedSteps is the maximum number of steps of all fixed seeds together: 100,000 take about 2 to 3
// s of a processor.
const fixedSteps = 2_500_000

// judgeReach checks that the fixed seeds still reach everything that they were chosen for, and
// every invariant, fault and kind of run that exists now.
func judgeReach(t *testing.T, chosen, reached cover.Choice) {
	t.Helper()
	for item, n := range chosen.Items {
		if reached.Items[item] == 0 && n < few {
			t.Logf("no seed of seeds.txt reaches %q any more, which %d did", item, n)
		} else if reached.Items[item] == 0 {
			t.Errorf("no seed of seeds.txt reaches %q, which %d did: %s", item, n, chooseAnew)
		}
	}
	if reached.Steps > fixedSteps {
		t.Errorf("the seeds of seeds.txt take %d steps, %d may be: choose fewer", reached.Steps,
			fixedSteps)
	}
	listed := map[string]bool{}
	for _, item := range there() {
		if listed[item] = true; reached.Items[item] == 0 && chosen.Items[item] == 0 {
			t.Errorf("no seed of seeds.txt reaches %q: %s", item, chooseAnew)
		}
	}
	for item := range reached.Items {
		if strings.HasPrefix(item, "fault ") && !listed[item] {
			t.Errorf("%q is not in the list of tests/promises", item)
		}
	}
}

const chooseAnew = "choose anew by make sim-seeds"

// there lists everything that seeds must reach: the promised invariants, the faults under which
// they are promised, and all kinds of runs.
func there() []string {
	items := slices.Concat(sim.Faults(), sim.Worlds())
	for _, v := range promises.Invariants {
		items = append(items, "invariant "+v.Name)
	}
	for _, f := range promises.Faults {
		items = append(items, f.Sim...)
	}
	return items
}
