package reference_test

import (
	"math/rand/v2"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/tests/reference"
	"millrace/tests/support/flowgen"
)

// TestTester judges the histories that the flow tester writes for random flows with random task
// results. The tester runs branches and iterations one after the other, and nothing is late.
func TestTester(t *testing.T) {
	judged := 0
	limits := flow.DefaultLimits()
	limits.Events = 300
	for seed := *first; seed < *first+*flows; seed++ {
		g := flowgen.Generate(seed)
		m, diagnostics := fdl.Parse([]byte(g.Definition), fdl.Options{Mode: flow.Standard})
		if m == nil {
			t.Fatalf("seed %d: %v", seed, diagnostics)
		}
		setup := flowtest.Setup{FlowName: "generated", ExecutionName: "exec", Start: start,
			Input: treeOf(g.Input), Tasks: outcomes(m, seed)}
		r, err := flowtest.Execute(m, limits, setup)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		outside := recordOf(m, &setup, r)
		outside.Limits.Events = limits.Events
		err = reference.Check(g.Definition, inputText(setup.Input), contextOf(&setup),
			eventsOf(m, r.Events), outside)
		if _, unjudged := err.(*reference.Unjudged); unjudged {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: %v\n%s\n%s", seed, err, g.Definition, show(eventsOf(m, r.Events)))
		}
		judged++
	}
	if uint64(judged) < *flows*99/100 {
		t.Errorf("only %d of %d were judged", judged, *flows)
	}
}

// outcomes generates the results of the attempts of each task.
func outcomes(m *flow.Machine, seed uint64) map[string][]flowtest.Outcome {
	rand := rand.New(rand.NewPCG(seed, 2))
	all := map[string][]flowtest.Outcome{}
	for _, st := range m.Nodes {
		if st.Task == nil {
			continue
		}
		for range 1 + rand.IntN(4) {
			o := flowtest.Outcome{Return: treeOf(map[string]any{"n": rand.IntN(9), "items": []any{1,
				"b"}})}
			switch rand.IntN(5) {
			case 0:
				o.Error = &flow.Error{Name: [...]string{"Busy", "Broken", "Own"}[rand.IntN(3)],
					Cause: "why"}
			case 1:
				o.Return = treeOf(map[string]any{})
			}
			all[st.Name] = append(all[st.Name], o)
		}
	}
	return all
}
