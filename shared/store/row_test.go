package store_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// FuzzStateRow: the data of a state row decodes to an execution or is rejected. An execution is
// written again as it was.
func FuzzStateRow(f *testing.F) {
	ctx := context.Background()
	s, _, x := newExecution(f)
	key := driver.Key{Partition: inboxPartition, Sort: "a"}
	seed := func() {
		row, err := s.Driver().Get(ctx, key)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(row.Data)
		f.Add(row.Data[:len(row.Data)/2])
	}
	seed()
	for _, c := range []*store.Change{
		{LastEvent: 2, SweepAttempts: 3, EngineAttempts: 1,
			Events: []flow.HistoryEvent{{ID: 2, Type: flow.StateEntered, Node: 0, Time: 5,
				Input: flow.TextValue([]byte(`{"a":1}`))}},
			Body: func(b []byte) []byte { return append(b, "body"...) }},
		{LastEvent: 3, Status: flow.Failed, Stopped: 9, Error: &flow.Error{Name: "E", Cause: "c"},
			Body: func(b []byte) []byte { return append(b, make([]byte, 100_000)...) }},
	} {
		if err := s.Commit(ctx, x, c); err != nil {
			f.Fatal(err)
		}
		seed()
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, held := newExecution(t)
		row, err := s.Driver().Get(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		row.Version, row.Data = 4, bytes.Clone(data)
		if err := s.Driver().Put(ctx, []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
		x, err := s.Load(ctx, inboxPartition)
		if err != nil {
			return
		}
		s.InputText(ctx, x)
		if events, err := s.Events(ctx, x, 1, 1000); err == nil {
			s.LoadEvents(ctx, x, events)
		}
		if x.Partition() != inboxPartition || x.Run != held.Run || x.Redrive != 0 ||
			x.Expires <= 0 {
			return // it would be written as another execution
		}
		var written [][]byte
		for version := int64(4); version < 6; version++ {
			before := *x
			if err := s.Commit(ctx, x, unchanged(x)); err != nil {
				t.Fatal(err)
			}
			if row, err = s.Driver().Get(ctx, key); err != nil || row.Version != version+1 {
				t.Fatalf("%+v, %v", row, err)
			}
			written = append(written, row.Data)
			row.Expires = held.Expires // as newExecution's clock has it
			if err := s.Driver().Put(ctx, []driver.Row{row}); err != nil {
				t.Fatal(err)
			}
			if x, err = s.Load(ctx, inboxPartition); err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			if x.Seed != before.Seed || x.ClaimToken != before.ClaimToken ||
				x.Status != before.Status || x.Deadline != before.Deadline ||
				x.LastEvent != before.LastEvent ||
				!bytes.Equal(x.Tail, before.Tail) || !bytes.Equal(x.Body, before.Body) ||
				!bytes.Equal(x.Input, before.Input) {
				t.Fatalf("%+v was %+v", x, before)
			}
		}
		if !bytes.Equal(written[0], written[1]) {
			t.Fatalf("%q became %q", written[0], written[1])
		}
	})
}

// unchanged returns a change that changes nothing.
func unchanged(x *store.Execution) *store.Change {
	return &store.Change{Status: x.Status, Stopped: x.Stopped, Output: x.Output, Error: x.Error,
		LastEvent: x.LastEvent, LastTime: x.LastTime,
		Wake: x.Wake, SweepAttempts: x.SweepAttempts, EngineAttempts: x.EngineAttempts}
}

// FuzzFlowRow: the data of a flow row, and the fields of an execution in the list, decode or are
// rejected.
func FuzzFlowRow(f *testing.F) {
	ctx := context.Background()
	made := func(t testing.TB) (*store.Store, *store.Flow) {
		s, _, _ := newExecution(t)
		flow := &store.Flow{Account: "1", Name: "f", ID: "id", Mode: "Standard"}
		if err := s.CreateFlow(ctx, flow, "version: v1", 0); err != nil {
			t.Fatal(err)
		}
		return s, flow
	}
	s, flow := made(f)
	row, err := s.Driver().Get(ctx, driver.Key{Partition: "f#1#f", Sort: "a"})
	if err != nil {
		f.Fatal(err)
	}
	listed, err := s.Driver().Get(ctx, driver.Key{Partition: inboxPartition, Sort: "a"})
	if err != nil || listed.List == nil {
		f.Fatal(listed, err)
	}
	f.Add(row.Data, listed.List.Fields)
	f.Add(versionedFlowRow(f), listed.List.Fields)
	f.Add([]byte{2, 0}, []byte{})
	f.Add([]byte{1, 0}, listed.List.Fields[:3])
	f.Fuzz(func(t *testing.T, data, fields []byte) {
		s, _ := made(t)
		entry := *listed.List
		entry.Fields = bytes.Clone(fields)
		changed, relisted := row, listed
		changed.Data, relisted.List = bytes.Clone(data), &entry
		// The cache does not hold the flow of the same name in another account.
		changed.Partition = "f#2#f"
		if err := s.Driver().Put(ctx, []driver.Row{changed, relisted}); err != nil {
			t.Fatal(err)
		}
		got, err := s.GetFlow(ctx, "2", "f")
		if (err == nil) != (got != nil) {
			t.Fatalf("%+v, %v", got, err)
		}
		if err == nil {
			readCatalog(t, s, got)
		}
		s.ListFlows(ctx, "2", "", 10, nil)
		page, _, err := s.List(ctx, store.ListOptions{FlowID: flow.ID, Limit: 10})
		if err == nil && len(page) > 1 {
			t.Fatalf("%+v", page)
		}
	})
}

// TestLongValue: a value whose length is damaged is missing, and reading it takes no memory of that
// length.
func TestLongValue(t *testing.T) {
	ctx := t.Context()
	s, _, x := newExecution(t)
	v := flow.StoredValue(flow.Ref{Kind: flow.RefRow, Version: 1, Token: 1, Len: 1 << 32})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := s.LoadValue(ctx, x, v)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, store.ErrMissing) {
		t.Error(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("took %d bytes", took)
	}
}
