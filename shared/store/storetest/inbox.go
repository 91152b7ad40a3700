package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// inbox uses a driver as the engine uses it for inboxes: one place for each attempt, read with the
// state row and nothing else, found by its wake time, and removed with its execution.
func inbox(t *testing.T, h Harness) {
	s, ctx := store.New(store.Options{Driver: h.Driver, TailBytes: 1}), t.Context()
	const far = 4_000_000_000_000
	x := &store.Execution{Account: "1", FlowID: "id", Flow: "f", Name: "x", Run: 7,
		Started: far - 2000, Deadline: far - 1000, Expires: far}
	change := &store.Change{Body: func(dst []byte) []byte { return append(dst, 1) },
		Wake: far - 1000}
	if err := s.Create(ctx, x, change); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(ctx, x, change); err != nil {
		t.Fatal(err)
	}
	put(t, h.Driver, plain(key(x.Partition(), "c"), "behind the inbox"),
		plain(key(x.Partition(), "h#7#1"), "history"),
		plain(key(x.Partition(), "v#7#1"), "a value"))
	read := func() store.Inbox {
		t.Helper()
		y, in, err := s.LoadWithInbox(ctx, x.Partition())
		if err != nil || y.Version != 2 || len(y.Body) != 1 {
			t.Fatalf("read with its inbox: %+v, %v", y, err)
		}
		alone, err := s.Inbox(ctx, x)
		if err != nil || len(alone.Entries) != len(in.Entries) ||
			len(alone.Stale) != len(in.Stale) || alone.More != in.More {
			t.Fatalf("the inbox alone: %+v, %v, and with the state %+v", alone, err, in)
		}
		return in
	}
	if in := read(); len(in.Entries)+len(in.Stale) != 0 || in.More {
		t.Errorf("an empty inbox holds %+v", in)
	}

	output := `{"v":"` + strings.Repeat("x", 64_000) + `"}`
	entry := func(token int64) *store.InboxEntry {
		return &store.InboxEntry{Partition: x.Partition(), Run: x.Run, Token: token,
			Mark: uint64(100 + token), Output: []byte(output), Wake: far - 5000, Expires: x.Expires}
	}
	enqueue := func(l *store.InboxEntry) *store.InboxEntry {
		t.Helper()
		if err := s.EnqueueInboxEntry(ctx, l); err != nil {
			t.Fatalf("post %+v: %v", l.Key(), err)
		}
		return l
	}
	first := enqueue(entry(5))
	second := entry(5)
	second.Mark++
	if err := s.EnqueueInboxEntry(ctx, second); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("a second entry for the same attempt: %v, want a conflict", err)
	}
	if err := s.RetractInboxEntry(ctx, second); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("the entry of another caller is retracted: %v, want a conflict", err)
	}
	stop := entry(0)
	stop.Output = nil
	enqueue(stop)
	old := entry(6)
	old.Run = 6
	enqueue(old)
	in := read()
	if len(in.Entries) != 2 || len(in.Stale) != 1 || in.Stale[0] != old.Key() || in.More {
		t.Fatalf("the inbox holds %d entries, and the stale ones are %v", len(in.Entries), in.Stale)
	}
	if l := in.Entries[0]; l.Token != 5 || l.Mark != 105 || string(l.Output) != output ||
		l.Error != nil || l.Wake != far-5000 || l.Expires != far || l.SweepAttempts() != 0 {
		t.Errorf("a report came back as %+v", l)
	}
	if l := in.Entries[1]; l.Token != 0 || l.Mark != 100 || l.Output != nil || l.Error != nil {
		t.Errorf("a stop came back as %+v", l)
	}

	found, err := s.InboxEntry(ctx, first.Key())
	if err != nil || !store.IsInboxEntry(first.Key()) {
		t.Fatalf("an inbox entry by its key: %v", err)
	}
	if err := s.RescheduleInboxEntry(ctx, found, far-3000); err != nil {
		t.Fatal(err)
	}
	if err := s.RescheduleInboxEntry(ctx, found, far-2000); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("put off twice: %v", err)
	}
	eventually(t, h, func() error {
		rows, err := dueAll(ctx, h.Driver, far-3000, 10)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Key == first.Key() && row.Wake == far-3000 {
				return nil
			}
		}
		return fmt.Errorf("the wake index does not have the entry: %v", rows)
	})
	if err := s.RetractInboxEntry(ctx, first); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("withdrawn after it was put off: %v", err)
	}
	if found, err = s.InboxEntry(ctx, first.Key()); err != nil || found.SweepAttempts() != 1 {
		t.Errorf("after it was put off: %+v, %v", found, err)
	}
	if err := s.RetractInboxEntry(ctx, found); err != nil {
		t.Errorf("withdrawn: %v", err)
	}
	for _, k := range []driver.Key{stop.Key(), stop.Key(), old.Key()} {
		if err := s.DeleteInboxEntry(ctx, k); err != nil {
			t.Errorf("dropped: %v", err)
		}
	}
	if in := read(); len(in.Entries)+len(in.Stale) != 0 {
		t.Errorf("an inbox that was emptied holds %+v", in)
	}

	// More entries than one read returns.
	output = `{}`
	for token := range int64(70) {
		enqueue(entry(100 + token))
	}
	if in = read(); len(in.Entries) != 64 || !in.More || in.Entries[0].Token != 100 ||
		in.Entries[63].Token != 163 {
		t.Errorf("of 70 inbox entries %d are read, more %v", len(in.Entries), in.More)
	}
}
