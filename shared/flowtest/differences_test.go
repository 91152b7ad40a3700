package flowtest_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
)

// TestDifferences: states whose names hold blanks, and none at all, are told apart.
func TestDifferences(t *testing.T) {
	r := &flowtest.Result{Visits: []flowtest.Visit{{State: "Ask first"}, {State: "Pay"}}, Waits: []flowtest.Wait{{State: "Pay", Seconds: 5}}}
	for _, c := range []struct {
		expect flowtest.Expect
		want   string
	}{
		{flowtest.Expect{Visited: []string{"Ask", "first Pay"}}, "states visited: want Ask, first Pay, got Ask first, Pay"},
		{flowtest.Expect{Visited: []string{}}, "states visited: want none, got Ask first, Pay"},
		{flowtest.Expect{Visited: []string{"Ask first", "Pay"}}, ""},
		{flowtest.Expect{Waits: [][]any{}}, "waits: want no more than 0, got also [Pay, 5]"},
	} {
		if got := strings.Join(flowtest.Check(&flow.Machine{}, r, &c.expect), "\n"); got != c.want {
			t.Errorf("want %q, got %q", c.want, got)
		}
	}
}
