package flowtest_test

import (
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/value"
)

// TestEmptyTextIsNoToken: a task that waits for no report has no token, so an empty text in its
// result stays as it is.
func TestEmptyTextIsNoToken(t *testing.T) {
	m, diagnostics := fdl.Parse([]byte(stateMachineRetry), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatal(diagnostics)
	}
	want := map[string]any{"empty": ""}
	r, err := flowtest.Execute(m, flow.DefaultLimits(), flowtest.Setup{
		Tasks: map[string][]flowtest.Outcome{"A": {{Return: want}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Entries[0].Output; !value.Equal(want, got) {
		t.Errorf("want %v, got %v", want, got)
	}
}
