package engine_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// TestIdleExecutionsKeepNoTrees: an execution that waits or has ended stays in memory as text, and
// goes on from it.
func TestIdleExecutionsKeepNoTrees(t *testing.T) {
	for name, test := range map[string]struct {
		states string
		status flow.Status
	}{
		"waits": {
			"- {Name: A, Type: Wait, Seconds: 60, Next: B}\n- {Name: B, Type: Pass, " +
				"OutputConstructor: {n.$: '$Input.a[0]'}, End: true}\n", flow.Running},
		"has ended": {onePass, flow.Succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newHarness(t)
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

// startWithTree starts an execution with a long input and returns a pointer into the tree of the
// input.
func startWithTree(h *node, f *store.Flow) weak.Pointer[any] {
	items := make([]any, 4000)
	for i := range items {
		items[i] = "x"
	}
	text := []byte(`{"a":[` + strings.Repeat(`"x",`, len(items)-1) + `"x"]}`)
	h.startWith(engine.Start{Flow: f, Name: "one", Input: text, Canonical: text,
		Tree: map[string]any{"a": items}})
	return weak.Make(&items[0])
}

// TestIdleExecutionsAreBoundedByBytes: many executions with long inputs do not all stay in memory.
// Those that were dropped go on like the others.
func TestIdleExecutionsAreBoundedByBytes(t *testing.T) {
	const executions, inputBytes, kept = 200, 3_000, 20 // so short a text keeps its tree
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		h := w.open(func(o *engine.Options) { o.CachedBytesMax = kept * inputBytes })
		f := w.flow("f",
			"- {Name: A, Type: Wait, Seconds: 60, Next: B}\n- {Name: B, Type: Pass, "+
				"OutputConstructor: {a.$: $Input.a}, End: true}\n")
		var trees [executions]weak.Pointer[any]
		for i := range trees {
			a := strings.Repeat("x", inputBytes)
			text, items := []byte(`{"a":["`+a+`"]}`), []any{a}
			h.startWith(engine.Start{Flow: f, Name: fmt.Sprint("n", i), Input: text,
				Canonical: text, Tree: map[string]any{"a": items}})
			trees[i] = weak.Make(&items[0])
		}
		time.Sleep(time.Second)
		runtime.GC()
		there := 0
		for _, p := range trees {
			if p.Value() != nil {
				there++
			}
		}
		if there > kept {
			t.Errorf("%d of %d are in memory, where %d have room", there, executions, kept)
		}
		time.Sleep(2 * time.Minute)
		for i := range trees {
			if x := w.load(f, fmt.Sprint("n", i)); x.Status != flow.Succeeded {
				t.Errorf("n%d: %v %v", i, x.Status, x.Error)
			}
		}
	})
}
