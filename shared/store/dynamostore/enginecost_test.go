package dynamostore_test

import (
	"testing"

	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds/emulators"
)

// TestEngineCost bounds what executions cost: write units, and requests to SQS other than receives
// and deletes. A change of the row format or of the protocol must not raise the cost unnoticed. The
// project's floor is 15 units and 3 requests for five tasks in a row.
func TestEngineCost(t *testing.T) {
	w := newWorld(t)
	table, queue := emulators.Meter{Table: dynamostore.Schema("")}, emulators.Meter{}
	w.sends = emulators.Faulty(queue.SQS)
	e := w.process(t, emulators.Faulty(table.DynamoDB))
	for _, c := range []struct {
		name, definition string
		writes           float64
	}{
		{"pass", flows["pass"], 3},
		{"task", flows["task"], 7},
		{"five", flows["five"], 12},
		{"twenty", inARow(20), 30},
		{"parallel", flows["parallel"], 14},
	} {
		e.create(t, c.name, c.definition)
		table.Reset()
		queue.Reset()
		e.start(t, c.name, "x")
		e.ended(t, c.name, "x")
		u, sent := table.Used(), queue.Used().Calls["SendMessageBatch"]
		t.Logf("%-8s %2.0f write units (%.0f of indexes), %d sends: %v", c.name, u.Writes, u.Index,
			sent, u.Calls)
		if u.Writes > c.writes || sent > 3 {
			t.Errorf("%s: %v write units and %d sends, want at most %v and 3", c.name, u.Writes,
				sent, c.writes)
		}
	}
}
