package runner_test

import (
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"millrace/shared/flow"
	"millrace/shared/runner"
	"millrace/shared/store"
)

// TestIdleExecutionsKeepNoTrees: an execution that waits, or has ended, stays in memory as texts. It goes on with them.
func TestIdleExecutionsKeepNoTrees(t *testing.T) {
	for name, test := range map[string]struct {
		states string
		status flow.Status
	}{
		"waits":     {"- {Name: A, Type: Wait, Seconds: 60, Next: B}\n- {Name: B, Type: Pass, OutputConstructor: {n.$: '$Input.a[0]'}, End: true}\n", flow.Running},
		"has ended": {onePass, flow.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				h := w.open(nil)
				f := w.flow("f", test.states)
				tree := startWithTree(h, f)
				time.Sleep(time.Second)
				runtime.GC()
				if w.load(f, "one").Status != test.status {
					t.Fatalf("%v", w.load(f, "one").Status)
				}
				if tree.Value() != nil {
					t.Error("the tree of its input is kept")
				}
				time.Sleep(2 * time.Minute)
				if x := w.load(f, "one"); x.Status != flow.Succeeded {
					t.Errorf("%v %v", x.Status, x.Error)
				}
			})
		})
	}
}

// startWithTree starts an execution with a long input and gives a pointer into the tree of that.
func startWithTree(h *home, f *store.Flow) weak.Pointer[any] {
	items := make([]any, 4000)
	for i := range items {
		items[i] = "x"
	}
	text := []byte(`{"a":[` + strings.Repeat(`"x",`, len(items)-1) + `"x"]}`)
	h.startWith(runner.Start{Flow: f, Name: "one", Input: text, Canonical: text, Tree: map[string]any{"a": items}})
	return weak.Make(&items[0])
}
