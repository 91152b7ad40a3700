package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

const inboxPartition = "x#id#x"

// newExecution returns a store that holds one execution.
func newExecution(t testing.TB) (*store.Store, *clock, *store.Execution) {
	c := &clock{time.Unix(1_000_000, 0)}
	s, _ := open(c)
	x := &store.Execution{Account: "1", FlowID: "id", Flow: "f", Name: "x", Run: 7, Started: 1,
		Deadline: 2, Expires: c.at.Add(time.Hour).UnixMilli()}
	if err := s.Create(context.Background(), x, &store.Change{LastEvent: 1}); err != nil {
		t.Fatal(err)
	}
	return s, c, x
}

// TestUnreadableInboxEntries: an inbox row that is damaged, or that a newer program wrote, is not
// changed and does not hide other rows.
func TestUnreadableInboxEntries(t *testing.T) {
	s, c, x := newExecution(t)
	ctx := context.Background()
	good := &store.InboxEntry{Partition: inboxPartition, Run: 7, Token: 9, Mark: 1,
		Output: []byte(`{}`), Wake: 1, Expires: x.Expires}
	if err := s.EnqueueInboxEntry(ctx, good); err != nil {
		t.Fatal(err)
	}
	row, err := s.Driver().Get(ctx, good.Key())
	if err != nil {
		t.Fatal(err)
	}
	newer, broken, moved := row, row, row
	newer.Sort, newer.Data = "b#0000000000000007#0000000001", append([]byte{2}, row.Data[1:]...)
	broken.Sort, broken.Data = "b#0000000000000007#0000000002", row.Data[:3]
	moved.Sort = "b#0000000000000007#0000000003"
	if err := s.Driver().Put(ctx, []driver.Row{newer, broken, moved}); err != nil {
		t.Fatal(err)
	}
	in, err := s.Inbox(ctx, x)
	if err != nil || len(in.Entries) != 1 || in.Entries[0].Token != 9 || len(in.Stale) != 0 {
		t.Errorf("%+v, %v", in, err)
	}
	if _, err := s.InboxEntry(ctx, newer.Key); !errors.Is(err, store.ErrFormat) {
		t.Errorf("of a newer program: %v", err)
	}
	if _, err := s.InboxEntry(ctx, broken.Key); !errors.Is(err, flow.ErrCorrupt) {
		t.Errorf("cut short: %v", err)
	}
	c.at = c.at.Add(2 * time.Hour)
	if _, err := s.InboxEntry(ctx, good.Key()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if _, _, err := s.LoadWithInbox(ctx, inboxPartition); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of an expired execution: %v", err)
	}
	if err := s.DeleteExpiredExecution(ctx, inboxPartition); err != nil {
		t.Fatal(err)
	}
	if rows, _, err := s.Driver().Range(ctx, driver.Range{Partition: inboxPartition}); err != nil ||
		len(rows) != 0 {
		t.Errorf("%d rows are left, %v", len(rows), err)
	}
}

// TestInboxEntryOfFailure: an entry with an error is read as it was enqueued.
func TestInboxEntryOfFailure(t *testing.T) {
	s, _, x := newExecution(t)
	l := &store.InboxEntry{Partition: inboxPartition, Run: 7, Token: 9, Mark: 1 << 63,
		Error: &flow.Error{Name: "E", Cause: "c"}, Wake: 1, Expires: x.Expires}
	if err := s.EnqueueInboxEntry(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	in, err := s.Inbox(context.Background(), x)
	if err != nil || len(in.Entries) != 1 || in.Entries[0].Mark != l.Mark ||
		in.Entries[0].Error == nil || *in.Entries[0].Error != *l.Error {
		t.Errorf("%+v, %v", in, err)
	}
}

// TestInboxWithoutExecution: an inbox whose execution does not exist is not found.
func TestInboxWithoutExecution(t *testing.T) {
	c := &clock{time.Unix(1_000_000, 0)}
	s, _ := open(c)
	l := &store.InboxEntry{Partition: inboxPartition, Run: 7, Token: 9, Mark: 1,
		Output: []byte(`{}`), Wake: 1}
	if err := s.EnqueueInboxEntry(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.LoadWithInbox(
		context.Background(), inboxPartition,
	); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	for _, k := range []driver.Key{{Partition: inboxPartition, Sort: "a"},
		{Partition: inboxPartition, Sort: "h#1"}, {Partition: "d#id", Sort: "b#1"}} {
		if store.IsInboxEntry(k) {
			t.Errorf("%v counts as an inbox entry", k)
		}
	}
}

// FuzzInboxEntry reads inbox rows with any key and any data.
func FuzzInboxEntry(f *testing.F) {
	s, _, x := newExecution(f)
	for _, l := range []*store.InboxEntry{{Token: 9, Mark: 1 << 63, Output: []byte(`{"a":[1,2]}`)},
		{Mark: 5, Error: &flow.Error{Name: "E", Cause: "c"}}, {Mark: 5}} {
		l.Partition, l.Run, l.Expires = inboxPartition, 7, x.Expires
		if err := s.EnqueueInboxEntry(context.Background(), l); err != nil {
			f.Fatal(err)
		}
		row, err := s.Driver().Get(context.Background(), l.Key())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(row.Sort, row.Data)
		if err := s.DeleteInboxEntry(context.Background(), l.Key()); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, sort string, data []byte) {
		s, _, x := newExecution(t)
		ctx := context.Background()
		if err := s.Driver().Put(
			ctx, []driver.Row{{Key: driver.Key{Partition: inboxPartition, Sort: sort}, Data: data,
				Version: 1, Expires: x.Expires}},
		); err != nil || sort == "a" {
			return
		}
		in, err := s.Inbox(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range in.Entries {
			if l.Run != 7 || l.Token < 0 || l.Key().Sort != sort {
				t.Errorf("%q holds %+v", sort, l)
			}
		}
	})
}
