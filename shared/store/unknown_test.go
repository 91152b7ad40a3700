package store_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// newField is the number of the fields that a newer program has added.
const newField = 1000

// addField returns fields with one that a newer program has added.
func addField(fields []byte, text string) []byte {
	w := flow.FieldWriter{}
	w.Unknown(fields)
	w.String(newField, text)
	return w.Buf
}

// addFields returns a row as a newer program writes it: with a new field, and with new fields in
// those of its messages that nested names.
func addFields(t *testing.T, row []byte, text string, nested ...int) []byte {
	t.Helper()
	format, r := flow.ReadRow(row)
	w := flow.FieldWriter{}
	start := w.BeginRow(format)
	for r.Next() {
		var field []byte
		r.Keep(&field)
		for _, n := range nested {
			if r.Field == n {
				inner := flow.FieldWriter{}
				inner.Message(n, addField(r.Message(), text+" inside"))
				field = inner.Buf
			}
		}
		w.Unknown(field)
	}
	w.String(newField, text)
	if w.End(start); r.Err != nil {
		t.Fatal(r.Err)
	}
	return w.Buf
}

// newFields returns what a newer program finds again in a row.
func newFields(t *testing.T, row []byte, nested ...int) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	_, r := flow.ReadRow(row)
	for r.Next() {
		if r.Field == newField {
			found[r.String()] = true
		}
		for _, n := range nested {
			if r.Field == n {
				maps.Copy(found, newFieldsIn(flow.ReadFields(r.Message())))
			}
		}
	}
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return found
}

func newFieldsIn(r flow.FieldReader) map[string]bool {
	found := map[string]bool{}
	for r.Next() {
		if r.Field == newField {
			found[r.String()] = true
		}
	}
	return found
}

func wantNew(t *testing.T, what string, found map[string]bool, want ...string) {
	t.Helper()
	for _, text := range want {
		if !found[text] {
			t.Errorf("%s has lost %q of a newer program: %v", what, text, found)
		}
	}
}

// TestNewerExecution: a program commits to an execution whose row, claim, history and list entry a
// newer program has written, and keeps what that has added.
func TestNewerExecution(t *testing.T) {
	ctx := t.Context()
	s, _, x := newExecution(t)
	key := driver.Key{Partition: inboxPartition, Sort: "a"}
	first := &store.Change{Status: flow.Running, LastEvent: 2,
		Events: []flow.HistoryEvent{{ID: 1, Type: flow.ExecutionStarted, Node: -1, Time: 5},
			{ID: 2, Schedule: 1, Type: flow.StateEntered, Time: 5}}}
	if err := s.Commit(ctx, x, first); err != nil {
		t.Fatal(err)
	}
	row, err := s.Driver().Get(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	row.Data = addFields(t, row.Data, "row", 1)
	list := *row.List
	list.Fields = addField(list.Fields, "listed")
	row.List = &list
	if err := s.Driver().Put(ctx, []driver.Row{row}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if x, err = s.Load(ctx, inboxPartition); err != nil {
			t.Fatal(err)
		}
		c := unchanged(x)
		c.Status, c.LastEvent = flow.Running, x.LastEvent+1
		c.Events = []flow.HistoryEvent{{ID: c.LastEvent, Schedule: 2, Type: flow.StateStarted,
			Time: 9}}
		if err := s.Commit(ctx, x, c); err != nil {
			t.Fatal(err)
		}
	}
	if row, err = s.Driver().Get(ctx, key); err != nil {
		t.Fatal(err)
	}
	wantNew(t, "the row", newFields(t, row.Data, 1), "row", "row inside")
	wantNew(t, "the list", newFieldsIn(flow.ReadFields(row.List.Fields)), "listed")
	page, _, err := s.List(ctx, store.ListOptions{FlowID: "id", Limit: 10})
	if err != nil || len(page) != 1 || page[0].Status != flow.Running {
		t.Errorf("listed: %+v, %v", page, err)
	}
	if events, err := s.Events(ctx, x, 1, 10); err != nil || len(events) != 4 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

// TestNewerHistory: events that a newer program has written stay as they are when others follow.
func TestNewerHistory(t *testing.T) {
	ctx := t.Context()
	s, _, x := newExecution(t)
	event := flow.FieldWriter{}
	event.Uint(1, 500)
	event.Uint(2, 1)
	event.String(newField, "event")
	x.Tail = append([]byte{byte(len(event.Buf))}, event.Buf...)
	x.TailFirst, x.LastEvent = 1, 1
	c := unchanged(x)
	c.LastEvent = 2
	c.Events = []flow.HistoryEvent{{ID: 2, Schedule: 1, Type: flow.StateEntered, Time: 9}}
	if err := s.Commit(ctx, x, c); err != nil {
		t.Fatal(err)
	}
	x, err := s.Load(ctx, inboxPartition)
	if err != nil {
		t.Fatal(err)
	}
	wantNew(t, "the first event",
		newFieldsIn(flow.ReadFields(x.Tail[1:1+len(event.Buf)])), "event")
	events, err := s.Events(ctx, x, 1, 10)
	if err != nil || len(events) != 2 || events[0].Type.String() != "Unknown" ||
		events[1].Type != flow.StateEntered {
		t.Errorf("%+v, %v", events, err)
	}
}

// TestNewerInboxEntry: the sweeper of an older program moves an entry's wake time and keeps what a
// newer one has added.
func TestNewerInboxEntry(t *testing.T) {
	ctx := context.Background()
	s, c, x := newExecution(t)
	l := &store.InboxEntry{Partition: inboxPartition, Run: x.Run, Token: 9, Mark: 1,
		Output: []byte(`{}`), Wake: 1, Expires: c.at.Add(time.Hour).UnixMilli()}
	if err := s.EnqueueInboxEntry(ctx, l); err != nil {
		t.Fatal(err)
	}
	row, err := s.Driver().Get(ctx, l.Key())
	if err != nil {
		t.Fatal(err)
	}
	row.Data = addFields(t, row.Data, "entry")
	if err := s.Driver().Put(ctx, []driver.Row{row}); err != nil {
		t.Fatal(err)
	}
	if l, err = s.InboxEntry(ctx, l.Key()); err != nil {
		t.Fatal(err)
	}
	if err := s.RescheduleInboxEntry(ctx, l, 7); err != nil {
		t.Fatal(err)
	}
	if row, err = s.Driver().Get(ctx, l.Key()); err != nil || row.Wake != 7 {
		t.Fatal(row.Wake, err)
	}
	wantNew(t, "the entry", newFields(t, row.Data), "entry")
}

// TestNewerFlow: an update and a cancelled deletion by an older program keep what a newer one has
// added to a flow and to its tombstone.
func TestNewerFlow(t *testing.T) {
	ctx := t.Context()
	d := memstore.New()
	s := store.New(store.Options{Driver: d})
	f := &store.Flow{Account: "1", Name: "f", ID: "id", Author: "key",
		Environment: []flow.Variable{{Name: "v"}}}
	if err := s.CreateFlow(ctx, f, "text", 0); err != nil {
		t.Fatal(err)
	}
	if err := s.PutTombstone(ctx, "id", store.Tombstone{Account: "1", Name: "f"}, 1); err != nil {
		t.Fatal(err)
	}
	keys := []driver.Key{{Partition: "f#1#f", Sort: "a"}, store.TombstoneKey("id")}
	for _, key := range keys {
		row, err := d.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		row.Data = addFields(t, row.Data, "new")
		if err := d.Put(ctx, []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := s.GetFlow(ctx, "1", "f")
	if err != nil || f.Author != "key" || len(f.Environment) != 1 {
		t.Fatal(f, err)
	}
	if err := s.UpdateFlow(ctx, f, "another text", 0); err != nil {
		t.Fatal(err)
	}
	tomb, err := s.Tombstone(ctx, keys[1])
	if err != nil {
		t.Fatal(err)
	}
	tomb.Round++
	if err := s.PutTombstone(ctx, "id", tomb, 2); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		row, err := d.Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		wantNew(t, key.Partition, newFields(t, row.Data), "new")
	}
	if tomb, err = s.Tombstone(ctx, keys[1]); err != nil || tomb.Round != 1 {
		t.Fatal(tomb, err)
	}
	if err := s.CancelDeletion(ctx, f, tomb); err != nil {
		t.Fatal(err)
	}
	row, err := d.Get(ctx, keys[0])
	if err != nil || row.Version != 3 {
		t.Fatal(row.Version, err)
	}
	wantNew(t, "the flow after its deletion", newFields(t, row.Data), "new")
}
