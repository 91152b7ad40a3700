package tally_test

import (
	"strings"
	"testing"
	"time"

	"millrace/tests/sim/tally"
)

func TestTally(t *testing.T) {
	var all tally.Tally
	one := tally.Tally{Runs: 1, Executions: 3, Next: 8, Faults: map[string]int{"hint lost": 2},
		Kinds:  map[string]int{"Map": 1, "Pass": 3},
		Checks: map[string]int{"lease": 4}}
	for range 2 {
		read, ok := tally.Parse(one.Line())
		if !ok {
			t.Fatal(one.Line())
		}
		all.Add(read)
	}
	if _, ok := tally.Parse("seed 7 (local): wrong"); ok {
		t.Error("any line is a tally")
	}
	all.Next = 8
	got := all.Summary(1, 2*time.Second)
	for _, want := range []string{"Seeds 1 to 7 in 2s, 3 executions a second: 2 runs, 6 executions",
		"| hint lost | 4 |", "| Pass | 6 |\n| Map | 2 |", "| lease | 8 |"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
