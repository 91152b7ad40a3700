package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// definitionHarness holds one flow, whose definition the tests change.
type definitionHarness struct {
	*testing.T
	*clock
	*store.Store
	rows *memstore.Store
	ctx  context.Context
}

// newDefinitionHarness creates the flow with the definition "one".
func newDefinitionHarness(t *testing.T) *definitionHarness {
	t.Helper()
	c := &clock{time.Unix(1_000_000, 0)}
	s, d := open(c)
	w := &definitionHarness{t, c, s, d, context.Background()}
	if err := s.CreateFlow(
		w.ctx, &store.Flow{Account: "1", Name: "f", ID: "id"}, "one", w.inAnHour(),
	); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *definitionHarness) inAnHour() int64 { return w.at.Add(time.Hour).UnixMilli() }

func (w *definitionHarness) update(text string) {
	w.Helper()
	f, err := w.GetFlow(w.ctx, "1", "f")
	if err == nil {
		err = w.UpdateFlow(w.ctx, f, text, w.inAnHour())
	}
	if err != nil {
		w.Fatal(err)
	}
}

// sweep moves the clock and collects the definitions that are due. A definition that no flow
// references then expires an hour later.
func (w *definitionHarness) sweep(after time.Duration) {
	w.Helper()
	w.at = w.at.Add(after)
	for _, key := range due(w.T, w.rows, w.at) {
		if store.KindOf(key) != store.DefinitionRow {
			w.Errorf("%v is due", key)
		}
		if err := w.CollectDefinition(w.ctx, key, w.inAnHour()); err != nil {
			w.Fatal(err)
		}
	}
}

func definitionOf(text string) driver.Key {
	return driver.Key{Partition: "d#id", Sort: store.DefinitionHash(text)}
}

// expect checks which definitions exist, and when they expire, in ms since 1970; 0: never.
func (w *definitionHarness) expect(ends map[string]int64) {
	w.Helper()
	for _, text := range []string{"one", "two"} {
		end, exists := ends[text]
		row, err := w.rows.Get(w.ctx, definitionOf(text))
		if errors.Is(err, store.ErrNotFound) != !exists ||
			exists && (err != nil || row.Expires != end || string(row.Data) != text) {
			w.Errorf("definition %s: %q ends at %d, %v; want %v", text, row.Data, row.Expires, err,
				ends)
		}
	}
}

func TestSupersededDefinition(t *testing.T) {
	w := newDefinitionHarness(t)
	w.update("two")
	w.sweep(time.Minute) // nothing is due
	w.expect(map[string]int64{"one": 0, "two": 0})
	w.sweep(time.Hour)
	end := w.inAnHour()
	w.expect(map[string]int64{"one": end, "two": 0})
	w.sweep(time.Minute)
	w.expect(map[string]int64{"one": end, "two": 0})
	w.sweep(time.Hour)
	w.expect(map[string]int64{"two": 0})
	if keys := due(t, w.rows, w.at.Add(1000*time.Hour)); len(keys) > 0 {
		t.Errorf("still due: %v", keys)
	}
}

// TestDefinitionNamedAgain: a definition that the flow references again loses its expiry.
func TestDefinitionNamedAgain(t *testing.T) {
	w := newDefinitionHarness(t)
	w.update("two")
	w.sweep(time.Hour)
	w.update("one")
	w.sweep(time.Hour)
	w.expect(map[string]int64{"one": 0, "two": w.inAnHour()})
}

// TestDefinitionNamedAgainMeanwhile: the flow is updated between two steps of the sweeper, which is
// about to expire or remove a definition.
func TestDefinitionNamedAgainMeanwhile(t *testing.T) {
	for _, step := range []struct {
		name, op string
		sweeps   int
	}{
		{"reading the flow", memstore.OpGet, 0},
		{"setting the expiry", memstore.OpCommit, 0},
		{"removing", memstore.OpDelete, 1},
	} {
		t.Run(step.name, func(t *testing.T) {
			w := newDefinitionHarness(t)
			w.update("two")
			for range step.sweeps {
				w.sweep(time.Hour)
			}
			reached := false
			w.rows.Before = func(op string, k driver.Key) error {
				if op == step.op && (op != memstore.OpGet || k.Partition == "f#1#f") {
					reached, w.rows.Before = true, nil
					w.update("one")
				}
				return nil
			}
			w.sweep(time.Hour)
			w.expect(map[string]int64{"one": 0, "two": 0})
			w.sweep(time.Hour)
			w.expect(map[string]int64{"one": 0, "two": w.inAnHour()})
			if !reached {
				t.Error("the step was not reached")
			}
		})
	}
}

// TestDefinitionOfNoFlow: the process that wrote the definition died before it wrote the flow, or
// the flow was deleted and another flow has its name.
func TestDefinitionOfNoFlow(t *testing.T) {
	w := newDefinitionHarness(t)
	if err := w.rows.Delete(w.ctx, driver.Key{Partition: "f#1#f", Sort: "a"}, nil); err != nil {
		t.Fatal(err)
	}
	w.sweep(time.Hour)
	w.expect(map[string]int64{"one": w.inAnHour()})
	w.sweep(time.Hour)
	w.expect(nil)

	w = newDefinitionHarness(t)
	if err := w.rows.Delete(w.ctx, driver.Key{Partition: "f#1#f", Sort: "a"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := w.CreateFlow(
		w.ctx, &store.Flow{Account: "1", Name: "f", ID: "other"}, "one", 0,
	); err != nil {
		t.Fatal(err)
	}
	w.sweep(time.Hour)
	w.expect(map[string]int64{"one": w.inAnHour()})
}
