package pebblestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
	"millrace/shared/store/storetest"
)

// open opens a store and closes it when the test ends.
func open(t testing.TB, options pebblestore.Options) *pebblestore.Store {
	t.Helper()
	s, err := pebblestore.Open(t.Context(), options)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	for name, base := range map[string]pebblestore.Options{
		"disk": {},
		// So little memory that rows, partition numbers and row headers are read from disk.
		"small": {MemtableBytes: 256 << 10, CacheBytes: 64 << 10, CacheRows: 2},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				options := base
				options.Dir = t.TempDir()
				fs := &gateFS{FS: vfs.Default}
				options.FS = fs
				h := storetest.Harness{Driver: open(t, options), HoldSync: fs.hold}
				h.Reopen = func() driver.Driver {
					if err := h.Driver.Close(); err != nil {
						t.Fatalf("Close: %v", err)
					}
					h.Driver = open(t, options)
					return h.Driver
				}
				return h
			})
		})
	}
}

func TestSecondOwner(t *testing.T) {
	dir := t.TempDir()
	first := open(t, pebblestore.Options{Dir: dir})
	_, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), dir) ||
		!strings.Contains(err.Error(), "in use by another process") {
		t.Fatalf("a second Open: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	open(t, pebblestore.Options{Dir: dir})
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"newer", "millrace localstore 2\n", "newer program (format 2, this one knows up to 1)"},
		{"other", "something else\n", "does not name a format"},
		{"empty", "", "does not name a format"},
		{"zero", "millrace localstore 0\n", "does not name a format"},
		{"words", "millrace localstore one\n", "does not name a format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := open(t, pebblestore.Options{Dir: dir}).Close(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(
				filepath.Join(dir, "FORMAT"), []byte(c.text), 0o600,
			); err != nil {
				t.Fatal(err)
			}
			_, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: dir})
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), dir) {
				t.Fatalf("Open: %v, want %q", err, c.want)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		dir := t.TempDir()
		if err := open(t, pebblestore.Options{Dir: dir}).Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "FORMAT")); err != nil {
			t.Fatal(err)
		}
		_, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: dir})
		if err == nil || !strings.Contains(err.Error(), "no file FORMAT") {
			t.Fatalf("Open: %v", err)
		}
	})
}

// TestOpenRefusesForeignDirectories: the store leaves a directory with files of others as it is. A
// new file system, and one that a start was interrupted in, are no foreign ones.
func TestOpenRefusesForeignDirectories(t *testing.T) {
	for name, foreign := range map[string]bool{
		"app.py": true, ".git": true, "LOCK": false, "FORMAT.new": false, "lost+found": false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: dir})
		if err == nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		files, _ := os.ReadDir(dir)
		if (err != nil) != foreign || foreign && (len(files) != 1 ||
			!strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), name)) {
			t.Errorf("%s: %v, %d files", name, err, len(files))
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := pebblestore.Open(t.Context(), pebblestore.Options{}); err == nil {
		t.Error("Open without a directory answers nil")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: file}); err == nil {
		t.Error("Open of a file answers nil")
	}
}

func TestBadRows(t *testing.T) {
	s := open(t, pebblestore.Options{Dir: t.TempDir()})
	long := strings.Repeat("k", 5000)
	for name, row := range map[string]driver.Row{
		"no partition":   {Key: driver.Key{Sort: "a"}},
		"long partition": {Key: driver.Key{Partition: long, Sort: "a"}},
		"long sort":      {Key: driver.Key{Partition: "p", Sort: long}},
		"wake in past":   {Key: driver.Key{Partition: "p", Sort: "a"}, Wake: -1},
		"long group": {Key: driver.Key{Partition: "p", Sort: "a"},
			List: &driver.ListEntry{Group: long}},
		"large": {Key: driver.Key{Partition: "p", Sort: "a"}, Data: make([]byte, 65<<20)},
	} {
		if err := s.Put(t.Context(), []driver.Row{row}); err == nil {
			t.Errorf("%s: Put answers nil", name)
		}
		if err := s.Commit(t.Context(), nil, row, driver.Condition{Absent: true}); err == nil ||
			errors.Is(err, driver.ErrConflict) {
			t.Errorf("%s: Commit answers %v", name, err)
		}
	}
	if rows, _, err := s.Range(t.Context(), driver.Range{Partition: "p"}); err != nil ||
		len(rows) != 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// TestBinaryKeys: a key may hold any bytes, and keys are ordered byte by byte.
func TestBinaryKeys(t *testing.T) {
	s := open(t, pebblestore.Options{Dir: t.TempDir()})
	texts := []string{"\x00", "\x00\x00", "\x00\x01", "\x00\xff", "\x01", "a", "a\x00", "a\x00\x01",
		"a\x00\xff", "a\x01", "\xfe", "\xff", "\xff\xff"}
	for _, p := range texts {
		for _, text := range texts {
			row := driver.Row{Key: driver.Key{Partition: p, Sort: text}, Wake: 1,
				List: &driver.ListEntry{Group: p, Sort: text}}
			if err := s.Put(t.Context(), []driver.Row{row}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range texts {
		for from := range texts {
			for to := range texts {
				want := max(to-from, 0)
				rows, _, err := s.Range(t.Context(),
					driver.Range{Partition: p, From: texts[from], To: texts[to]})
				if err != nil || len(rows) != want {
					t.Fatalf("Range %q %q-%q: %d rows, %v, want %d", p, texts[from], texts[to],
						len(rows), err, want)
				}
				list, _, err := s.List(t.Context(),
					driver.ListRange{Group: p, From: texts[from], To: texts[to]})
				if err != nil || len(list) != want {
					t.Fatalf("List %q %q-%q: %d entries, %v, want %d", p, texts[from], texts[to],
						len(list), err, want)
				}
				for i := range list {
					if rows[i].Sort != texts[from+i] || list[i].Sort != rows[i].Sort ||
						list[i].Key != rows[i].Key {
						t.Fatalf("got %q and %q, want %q", rows[i].Sort, list[i].Sort,
							texts[from+i])
					}
				}
			}
		}
	}
	due, next, err := s.Due(t.Context(), 0, 1, "", 0)
	if err != nil || len(due) != len(texts)*len(texts) || next != "" {
		t.Fatalf("Due: %d rows, next %q, %v", len(due), next, err)
	}
}

// TestPageBytes: a page is also bounded in bytes, and reports that more rows are left.
func TestPageBytes(t *testing.T) {
	s := open(t, pebblestore.Options{Dir: t.TempDir()})
	for _, sort := range []string{"a", "b", "c"} {
		row := driver.Row{Key: driver.Key{Partition: "p", Sort: sort}, Data: make([]byte, 5<<20)}
		if err := s.Put(t.Context(), []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	rows, more, err := s.Range(t.Context(), driver.Range{Partition: "p"})
	if err != nil || len(rows) != 1 || !more {
		t.Errorf("%d rows, more %v, %v; want 1 and more", len(rows), more, err)
	}
}

// TestDictionaryIsCleared: a partition without rows leaves nothing behind.
func TestDictionaryIsCleared(t *testing.T) {
	s := open(t, pebblestore.Options{Dir: t.TempDir()})
	p := driver.Key{Partition: "p", Sort: "a"}
	for range 3 {
		row := driver.Row{Key: p, Version: 1, Wake: 5,
			List: &driver.ListEntry{Group: "g", Sort: "s"}}
		if err := s.Commit(
			t.Context(), []driver.Row{{Key: driver.Key{Partition: "p", Sort: "h"}}}, row,
			driver.Condition{Absent: true},
		); err != nil {
			t.Fatal(err)
		}
		for _, sort := range []string{"a", "h"} {
			if err := s.Delete(
				t.Context(), driver.Key{Partition: "p", Sort: sort}, nil,
			); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := pebblestore.CountKeys(t, s); n != 1 {
		t.Errorf("%d keys in an emptied store, want only the counter", n)
	}
}

// TestUnknownRowFormat: every call fails on a row of a newer program, and the row does not change.
func TestUnknownRowFormat(t *testing.T) {
	dir := t.TempDir()
	key := driver.Key{Partition: "p", Sort: "a"}
	s := open(t, pebblestore.Options{Dir: dir})
	if err := s.Put(
		t.Context(), []driver.Row{{Key: key}, {Key: driver.Key{Partition: "p", Sort: "b"}}},
	); err != nil {
		t.Fatal(err)
	}
	raw := append([]byte{9}, "what only the future knows"...)
	pebblestore.SetRaw(t, s, key, raw)
	_, err := s.Get(t.Context(), key)
	calls := map[string]error{
		"Get": err,
		"Put": s.Put(t.Context(), []driver.Row{{Key: key}}),
		"Claim": s.Commit(t.Context(), nil, driver.Row{Key: key, Version: 1},
			driver.Condition{Absent: true}),
		"Commit": s.Commit(t.Context(), nil, driver.Row{Key: key, Version: 1},
			driver.Condition{}),
		"Delete":    s.Delete(t.Context(), key, nil),
		"Delete if": s.Delete(t.Context(), key, &driver.Condition{}),
	}
	_, _, calls["Range"] = s.Range(t.Context(), driver.Range{Partition: "p"})
	for name, err := range calls {
		if !errors.Is(err, pebblestore.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	if got := pebblestore.Raw(t, s, key); string(got) != string(raw) {
		t.Errorf("the row is now %q", got)
	}
	if _, err := s.Get(t.Context(), driver.Key{Partition: "p", Sort: "b"}); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
}
