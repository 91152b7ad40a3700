package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store"
)

const inboxOf = "x#id#x"

// holder gives a store that holds one execution.
func holder(t testing.TB) (*store.Store, *clock, *store.Execution) {
	c := &clock{time.Unix(1_000_000, 0)}
	s, _ := open(c)
	x := &store.Execution{Account: "1", FlowID: "id", Flow: "f", Name: "x", Run: 7, Started: 1, Deadline: 2, Expires: c.at.Add(time.Hour).UnixMilli()}
	if err := s.Create(context.Background(), x, &store.Change{LastEvent: 1}); err != nil {
		t.Fatal(err)
	}
	return s, c, x
}

// A row of the inbox that cannot be read, or is of a newer program, is left alone and hides no other.
func TestUnreadableLetters(t *testing.T) {
	s, c, x := holder(t)
	ctx := context.Background()
	good := &store.Letter{Partition: inboxOf, Run: 7, Token: 9, Mark: 1, Output: []byte(`{}`), Wake: 1, Expires: x.Expires}
	if err := s.Post(ctx, good); err != nil {
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
	if err := s.Driver().Put(ctx, []store.Row{newer, broken, moved}); err != nil {
		t.Fatal(err)
	}
	in, err := s.Inbox(ctx, x)
	if err != nil || len(in.Letters) != 1 || in.Letters[0].Token != 9 || len(in.Done) != 0 {
		t.Errorf("%+v, %v", in, err)
	}
	if _, err := s.Letter(ctx, newer.Key); !errors.Is(err, store.ErrFormat) {
		t.Errorf("of a newer program: %v", err)
	}
	if _, err := s.Letter(ctx, broken.Key); !errors.Is(err, flow.ErrCorrupt) {
		t.Errorf("cut short: %v", err)
	}
	c.at = c.at.Add(2 * time.Hour)
	if _, err := s.Letter(ctx, good.Key()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("expired: %v", err)
	}
	if _, _, err := s.LoadWithInbox(ctx, inboxOf); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of an expired execution: %v", err)
	}
	if err := s.Forget(ctx, inboxOf); err != nil {
		t.Fatal(err)
	}
	if rows, _, err := s.Driver().Range(ctx, store.Range{Partition: inboxOf}); err != nil || len(rows) != 0 {
		t.Errorf("%d rows are left, %v", len(rows), err)
	}
}

// A letter comes back as it was posted, an error with it.
func TestLetterOfFailure(t *testing.T) {
	s, _, x := holder(t)
	l := &store.Letter{Partition: inboxOf, Run: 7, Token: 9, Mark: 1 << 63, Error: &flow.Error{Name: "E", Cause: "c"}, Wake: 1, Expires: x.Expires}
	if err := s.Post(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	in, err := s.Inbox(context.Background(), x)
	if err != nil || len(in.Letters) != 1 || in.Letters[0].Mark != l.Mark || in.Letters[0].Error == nil || *in.Letters[0].Error != *l.Error {
		t.Errorf("%+v, %v", in, err)
	}
}

// A letter without its execution is for nobody to read with it.
func TestInboxOfNobody(t *testing.T) {
	c := &clock{time.Unix(1_000_000, 0)}
	s, _ := open(c)
	l := &store.Letter{Partition: inboxOf, Run: 7, Token: 9, Mark: 1, Output: []byte(`{}`), Wake: 1}
	if err := s.Post(context.Background(), l); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.LoadWithInbox(context.Background(), inboxOf); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	for _, k := range []store.Key{{Partition: inboxOf, Sort: "a"}, {Partition: inboxOf, Sort: "h#1"}, {Partition: "d#id", Sort: "b#1"}} {
		if store.IsLetter(k) {
			t.Errorf("%v is no letter", k)
		}
	}
}

// FuzzLetter reads rows of an inbox as they may be found.
func FuzzLetter(f *testing.F) {
	s, _, x := holder(f)
	for _, l := range []*store.Letter{{Token: 9, Mark: 1 << 63, Output: []byte(`{"a":[1,2]}`)}, {Mark: 5, Error: &flow.Error{Name: "E", Cause: "c"}}, {Mark: 5}} {
		l.Partition, l.Run, l.Expires = inboxOf, 7, x.Expires
		if err := s.Post(context.Background(), l); err != nil {
			f.Fatal(err)
		}
		row, err := s.Driver().Get(context.Background(), l.Key())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(row.Sort, row.Data)
		if err := s.Drop(context.Background(), l.Key()); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, sort string, data []byte) {
		s, _, x := holder(t)
		ctx := context.Background()
		if err := s.Driver().Put(ctx, []store.Row{{Key: store.Key{Partition: inboxOf, Sort: sort}, Data: data, Version: 1, Expires: x.Expires}}); err != nil || sort == "a" {
			return
		}
		in, err := s.Inbox(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range in.Letters {
			if l.Run != 7 || l.Token < 0 || l.Key().Sort != sort {
				t.Errorf("%q holds %+v", sort, l)
			}
		}
	})
}
