package cost_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"millrace/shared/cloudflow"
)

// waits is how often TestWait starts an execution and waits for its end. reads is the maximum
// number of read units for each of these. On a busy machine an execution takes a second, in which a
// long poll reads six times.
const (
	waits = 15
	reads = 30
)

// TestWait prints the cost of a client that waits for the end, with one start and one long poll, as
// `start --wait` does.
func TestWait(t *testing.T) {
	for _, h := range targets {
		t.Run(h.name, func(t *testing.T) {
			b := bench{h.open(t)}
			b.define(t, "waited",
				"Type: StateMachine\nSpecVersion: v1\nName: waited\nStartAt: A\n"+
					"States:\n"+flows[0].states)
			poll := func(name string) time.Duration {
				began := time.Now()
				b.start(t, "waited", name, "{}")
				x, err := b.client().DescribeExecution(t.Context(),
					cloudflow.DescribeExecutionRequest{FlowName: "waited", ExecutionName: name,
						WaitTimeSeconds: new(int64(20))})
				if err != nil || x.Status != "Succeeded" {
					t.Fatalf("%s: %+v, %v", name, x, err)
				}
				return time.Since(began)
			}
			poll("warm")
			b.quiet(t)
			b.reset()
			var took []time.Duration
			for i := range waits {
				took = append(took, poll(fmt.Sprint("w", i)))
			}
			b.quiet(t)
			bill := b.used(t)
			for i := range bill.Used {
				bill.Used[i] /= waits
			}
			slices.Sort(took)
			t.Logf("start and end after %v (median), %v to %v; %.1f read units, %.2f USD for a "+
				"million in all", took[waits/2], took[0], took[waits-1], bill.Used[1],
				b.prices().Total(bill)*1e6)
			if bill.Used[1] > reads {
				t.Errorf("%v read units, want at most %d", bill.Used[1], reads)
			}
		})
	}
}
