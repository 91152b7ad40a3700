package sim_test

import (
	"testing"

	"millrace/tests/sim"
)

// TestReferee checks that the reference can judge nearly every execution that ends in the
// simulation.
func TestReferee(t *testing.T) {
	ended, judged, unjudged := 0, 0, 0
	for seed := range uint64(40) {
		r := sim.Run(t, sim.Options{Seed: 7000 + seed, Without: []string{"MapRuns"}})
		ended += r.Executions
		judged += r.Kinds["judged by the reference"]
		unjudged += r.Kinds["not judged by the reference"]
	}
	t.Logf("%d executions, %d judged, %d not", ended, judged, unjudged)
	// An execution that is redriven ends more than once.
	if judged < ended*9/10 || unjudged > (judged+unjudged)/100 {
		t.Errorf("of %d executions the reference has judged %d, and cannot judge %d", ended, judged,
			unjudged)
	}
}
