package cost_test

import (
	"math"
	"strings"
	"testing"

	"millrace/tests/clouds/cost"
)

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("%s: %g, want %g", name, got, want)
	}
}

func TestBill(t *testing.T) {
	a := cost.Bill{Flow: "some", Used: []float64{12, 2, 3, 2, 0.02, 1}, IndexWrites: 4, States: 5}
	near(t, "DynamoDB", cost.AWS.USD(a, "DynamoDB"), 7.75e-6)
	near(t, "SQS", cost.AWS.USD(a, "SQS"), 1.2e-6)
	near(t, "Lambda", cost.AWS.USD(a, "Lambda"), 0.666668e-6)
	near(t, "HTTP API", cost.AWS.USD(a, "HTTP API"), 1e-6)
	near(t, "AWS", cost.AWS.Total(a), 10.616668e-6)
	b := cost.Bill{Flow: "some", Used: []float64{10, 20, 3, 1, 3, 0.01, 0.02}, IndexWrites: 4,
		IndexReads: 5, States: 5}
	near(t, "TableStore", cost.Alibaba.USD(b, "TableStore"), 12e-6)
	near(t, "FC", cost.Alibaba.USD(b, "FC"), 0.45e-6+0.2e-6+0.06e-6)
	near(t, "CloudFlow", b.Elsewhere(cost.Step), 125e-6)
	results := []cost.Result{{cost.AWS, []cost.Bill{a}}, {cost.Alibaba, []cost.Bill{b}}}
	for _, markdown := range []bool{false, true} {
		var text strings.Builder
		for _, r := range results {
			if err := cost.Write(&text, r.Cloud, r.Bills, markdown); err != nil {
				t.Fatal(err)
			}
		}
		if err := cost.Compare(&text, results, markdown); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"some", "10.62", "125.00", "aws.amazon.com/dynamodb/pricing",
			"0.6250  DynamoDB write request units", "EventBridge", "12.00"} {
			if !strings.Contains(text.String(), want) {
				t.Errorf("no %q in:\n%s", want, text.String())
			}
		}
	}
}

// TestClouds: every line has a price with a source, and writes and reads of the table come first.
func TestClouds(t *testing.T) {
	for _, h := range []cost.Cloud{cost.AWS, cost.Alibaba} {
		for _, l := range h.Lines {
			if l.USD <= 0 || l.Source == "" || l.Unit == "" || l.Shown < 1 {
				t.Errorf("%s: %+v", h.Name, l)
			}
		}
		if h.Lines[0].Title != "write units" || h.Lines[1].Title != "read units" {
			t.Errorf("%s begins with %q, %q", h.Name, h.Lines[0].Title, h.Lines[1].Title)
		}
	}
}
