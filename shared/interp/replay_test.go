package interp_test

import (
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/tests/support/examples"
	"millrace/tests/support/flowgen"
)

// driveModes are the modes to compare; the first one is the reference.
var driveModes = []driveMode{{}, {stored: true}, {budget: 1}, {budget: 3, stored: true},
	{budget: 1, stored: true}, {duplicate: true, stored: true},
	{leases: true, stored: true, budget: 7}, {work: 1}, {work: 60, stored: true}}

// compare drives an execution in all modes and requires one history.
func compare(t *testing.T, m *flow.Machine, limits flow.Limits, input any,
	make func() callHandler) *driver {
	t.Helper()
	return compareLives(t, m, limits, input, make, 0)
}

// compareLives is compare for executions that are redriven, at most that often, as long as they do
// not succeed.
func compareLives(t *testing.T, m *flow.Machine, limits flow.Limits, input any,
	make func() callHandler, redrives int) *driver {
	t.Helper()
	live := func(w driveMode) *driver {
		d := newDriver(t, m, limits, input, make(), w).run()
		for range redrives {
			if d.state.Status == flow.Succeeded || d.state.LastEvent >= int64(limits.Events) {
				break
			}
			d.redrive()
		}
		return d
	}
	straight := live(driveMode{})
	straight.checkHistory()
	want := straight.transcript()
	for _, w := range driveModes {
		d := live(w)
		if got := d.transcript(); got != want {
			t.Fatalf("%v differs:\n%s", w, differ(want, got))
		}
		if !w.duplicate && !w.leases && d.work != straight.work {
			t.Fatalf("%v is work of %d steps, straight on it is %d", w, d.work, straight.work)
		}
	}
	return straight
}

// TestReplayRedriven: the same for executions that are redriven until they succeed, while late
// results of earlier lives arrive. A task that has succeeded is not called again.
func TestReplayRedriven(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 60
	}
	redrives := 0
	for seed := range seeds {
		for _, g := range []flowgen.Generated{flowgen.Generate(seed), flowgen.GenerateMapRuns(seed)} {
			redrives += replayRedriven(t, g)
		}
	}
	if t.Logf("%d redrives", redrives); redrives < int(seeds)/4 {
		t.Error("too few")
	}
}

// replayRedriven drives a generated flow through up to four lives and returns how many redrives it
// took.
func replayRedriven(t *testing.T, g flowgen.Generated) int {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("seed %d: %v\n%s", g.Seed, p, g.Definition)
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s", g.Seed, g.Definition)
		}
	}()
	m, diagnostics := fdl.Parse([]byte(g.Definition), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatalf("%v", diagnostics)
	}
	limits := flow.DefaultLimits()
	limits.Events = 600
	input, err := valueOf(g.Input)
	if err != nil {
		t.Fatal(err)
	}
	d := compareLives(t, m, limits, input,
		func() callHandler { return flowgen.NewMockTasks(g.Seed) }, 3)
	return d.state.Redrives
}

// differ returns the place where two texts differ.
func differ(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			rest := b[min(i, len(b)):]
			return "want " + strings.Join(a[max(i-3, 0):min(i+4, len(a))], "\n     ") + "\ngot  " +
				strings.Join(rest[:min(4, len(rest))], "\n     ")
		}
	}
	return "longer: " + strings.Join(b[len(a):], "\n")
}

func TestReplayExamples(t *testing.T) {
	examples.Each(t, func(t *testing.T, f *examples.File) {
		for i, c := range f.Cases {
			input := c.Setup.Input
			if input == nil {
				input = map[string]any{}
			}
			t.Run(c.Name, func(t *testing.T) {
				compare(t, f.Machine, flow.DefaultLimits(), input,
					func() callHandler { return &script{c.Setup.Tasks, map[string]int{}} })
				compare(t, f.Machine, flow.DefaultLimits(), input,
					func() callHandler { return flowgen.NewMockTasks(uint64(i)) })
			})
		}
	})
}

// TestReplayGenerated: every generated flow ends with a legal history. Storing, bounds, duplicate
// messages and expired leases do not change a byte of it.
func TestReplayGenerated(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 60
	}
	statuses := map[flow.Status]int{}
	for seed := range seeds {
		generated(t, seed, statuses)
	}
	if statuses[flow.Succeeded] < int(seeds)/5 || statuses[flow.Failed] < int(seeds)/20 ||
		!testing.Short() && statuses[flow.TimedOut] == 0 {
		t.Errorf("the generated flows are too much alike: %v", statuses)
	}
	t.Log(statuses)
}

// TestReplayMapRuns: the same for flows with distributed Maps.
func TestReplayMapRuns(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 50
	}
	statuses, runs := map[flow.Status]int{}, map[interp.MapRunStatus]int{}
	for seed := range seeds {
		for _, r := range replay(t, flowgen.GenerateMapRuns(seed), statuses).MapRuns() {
			if n := r.Pending + r.Succeeded + r.Failed + r.Aborted; n != r.Total || r.Running != 0 {
				t.Errorf("seed %d: the counts do not add up: %+v", seed, r)
			}
			runs[r.Status]++
		}
	}
	for _, s := range []interp.MapRunStatus{
		interp.MapRunSucceeded, interp.MapRunFailed, interp.MapRunAborted} {
		if runs[s] == 0 {
			t.Errorf("no MapRun is %v: %v", s, runs)
		}
	}
	t.Log(statuses, runs)
}

func generated(t *testing.T, seed uint64, statuses map[flow.Status]int) {
	t.Helper()
	replay(t, flowgen.Generate(seed), statuses)
}

// replay drives a generated flow in all modes and returns its state at the end.
func replay(t *testing.T, g flowgen.Generated, statuses map[flow.Status]int) *interp.State {
	t.Helper()
	seed := g.Seed
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("seed %d: %v\n%s", seed, p, g.Definition)
		}
		if t.Failed() {
			t.Logf("seed %d\n%s", seed, g.Definition)
		}
	}()
	m, diagnostics := fdl.Parse([]byte(g.Definition), fdl.Options{Mode: flow.Standard})
	if m == nil {
		t.Fatalf("%v", diagnostics)
	}
	limits := flow.DefaultLimits()
	limits.Events = 300
	input, err := valueOf(g.Input)
	if err != nil {
		t.Fatal(err)
	}
	d := compare(t, m, limits, input, func() callHandler { return flowgen.NewMockTasks(seed) })
	statuses[d.state.Status]++
	return d.state
}
