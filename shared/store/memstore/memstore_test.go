package memstore_test

import (
	"errors"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
	"millrace/shared/store/storetest"
)

func TestConformance(t *testing.T) {
	for name, prepare := range map[string]func(s *memstore.Store){
		"plain":      func(s *memstore.Store) {},
		"shards":     func(s *memstore.Store) { s.WakeShards = 5 },
		"short page": func(s *memstore.Store) { s.PageRows = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				s := memstore.New()
				prepare(s)
				return storetest.Harness{Driver: s}
			})
		})
	}
}

func TestHooks(t *testing.T) {
	fault := errors.New("fault")
	key := driver.Key{Partition: "p", Sort: "a"}
	value := driver.Key{Partition: "p", Sort: "v"}
	for _, c := range []struct {
		name            string
		op              string
		after           bool
		applied, valued bool
	}{
		{"before the commit", memstore.OpCommit, false, false, false},
		{"between puts and compare-and-set", memstore.OpCAS, false, false, true},
		{"reply lost", memstore.OpCommit, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := memstore.New()
			hook := func(op string, k driver.Key) error {
				if op == c.op && k == key {
					return fault
				}
				return nil
			}
			if c.after {
				s.After = hook
			} else {
				s.Before = hook
			}
			err := s.Commit(t.Context(),
				[]driver.Row{{Key: value}}, driver.Row{Key: key, Version: 1},
				driver.Condition{Absent: true})
			if err != fault {
				t.Fatalf("Commit: %v, want the fault", err)
			}
			for k, want := range map[driver.Key]bool{key: c.applied, value: c.valued} {
				if _, err := s.Get(t.Context(), k); (err == nil) != want {
					t.Errorf("row %q: %v, want it there: %v", k, err, want)
				}
			}
		})
	}
}

func FuzzDueCursor(f *testing.F) {
	s := memstore.New()
	rows := []driver.Row{{Key: driver.Key{Partition: "p", Sort: "a"}, Wake: 5},
		{Key: driver.Key{Partition: "p", Sort: "b"}, Wake: 6}}
	if err := s.Put(f.Context(), rows); err != nil {
		f.Fatal(err)
	}
	_, cursor, err := s.Due(f.Context(), 0, 10, "", 1)
	if err != nil || cursor == "" {
		f.Fatalf("cursor %q, %v", cursor, err)
	}
	f.Add(cursor)
	f.Add("")
	f.Add("AAAAAAAAAAX_")
	f.Fuzz(func(t *testing.T, cursor string) {
		if due, _, err := s.Due(t.Context(), 0, 10, cursor, 5); err == nil && len(due) > 2 {
			t.Fatalf("%d rows", len(due))
		}
	})
}
