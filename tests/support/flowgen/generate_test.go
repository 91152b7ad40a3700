package flowgen_test

import (
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/tests/support/flowgen"
)

// TestGenerate checks that generated flows are valid, reproducible and of both dialects.
func TestGenerate(t *testing.T) {
	dialects := map[flow.Dialect]int{}
	for seed := range uint64(300) {
		g := flowgen.Generate(seed)
		if again := flowgen.Generate(seed); again.Definition != g.Definition {
			t.Fatalf("seed %d gives two flows", seed)
		}
		m, diagnostics := fdl.Parse([]byte(g.Definition), fdl.Options{Mode: flow.Standard})
		if m == nil {
			t.Fatalf("seed %d: %v\n%s", seed, diagnostics, g.Definition)
		}
		if m.Dialect != g.Dialect {
			t.Errorf("seed %d: dialect %d", seed, m.Dialect)
		}
		dialects[g.Dialect]++
	}
	if dialects[flow.FlowV1] < 100 || dialects[flow.StateMachine] < 100 {
		t.Errorf("%v", dialects)
	}
}
