package store_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// TestNewerFlowRow: a program that finds a flow row of a newer program reports that, does not
// overwrite the row, and goes on with the other flows. For rows of executions and inboxes see
// TestStoredByNewer of package engine.
func TestNewerFlowRow(t *testing.T) {
	ctx := context.Background()
	s, d := open(&clock{time.Unix(1_000_000, 0)})
	for _, name := range []string{"f", "g"} {
		if err := s.CreateFlow(
			ctx, &store.Flow{Account: "1", Name: name, ID: name}, "text", 0,
		); err != nil {
			t.Fatal(err)
		}
	}
	read, err := s.GetFlow(ctx, "1", "f") // before the newer program writes
	if err != nil {
		t.Fatal(err)
	}
	key := driver.Key{Partition: "f#1#f", Sort: "a"}
	row, err := d.Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	row.Data = append([]byte{row.Data[0] + 3}, "what only the newer program reads"...)
	row.Version++
	if err := d.Put(ctx, []driver.Row{row}); err != nil {
		t.Fatal(err)
	}
	s = store.New(store.Options{Driver: d, Exclusive: true}) // the older program starts again
	if _, err := s.GetFlow(ctx, "1", "f"); !errors.Is(err, store.ErrFormat) ||
		!strings.Contains(err.Error(), "run the newer program") {
		t.Errorf("read: %v", err)
	}
	if err := s.CreateFlow(
		ctx, &store.Flow{Account: "1", Name: "f", ID: "other"}, "other", 0,
	); !errors.Is(err, store.ErrConflict) {
		t.Errorf("created: %v", err)
	}
	changed := *read
	if err := s.UpdateFlow(ctx, &changed, "other", 0); !errors.Is(err, store.ErrConflict) {
		t.Errorf("changed: %v", err)
	}
	if err := s.DeleteFlow(ctx, read); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deleted: %v", err)
	}
	var others []string
	err = s.EachFlow(ctx, func(f *store.Flow) error { others = append(others, f.Name); return nil })
	if !errors.Is(err, store.ErrFormat) || len(others) != 1 || others[0] != "g" {
		t.Errorf("all flows: %v, %v", others, err)
	}
	if got, err := d.Get(ctx, key); err != nil || !bytes.Equal(got.Data, row.Data) ||
		got.Version != row.Version {
		t.Errorf("the row was changed: %s, %v", got.Data, err)
	}
}
