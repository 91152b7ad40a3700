package cost_test

import (
	"math"
	"strings"
	"testing"

	"millrace/tests/cost"
)

func TestBill(t *testing.T) {
	b := cost.Bill{Flow: "some", Writes: 12, Index: 4, Reads: 2, Queue: 3, Invocations: 2, GBSeconds: 0.02, Requests: 1, States: 5}
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"table", b.Table(), 7.75e-6},
		{"queue", b.QueueUSD(), 1.2e-6},
		{"lambda", b.Lambda(), 0.666668e-6},
		{"api", b.API(), 1e-6},
		{"total", b.Total(), 10.616668e-6},
		{"step functions", b.StepFunctions(), 125e-6},
		{"cloudflow", b.CloudFlow(), 125e-6},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %g, want %g", c.name, c.got, c.want)
		}
	}
	var text strings.Builder
	if err := cost.Write(&text, []cost.Bill{b}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"some", "10.62", "125.00", "aws.amazon.com/dynamodb/pricing", "0.6250 USD per million of write request units"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table has no %q:\n%s", want, text.String())
		}
	}
}
