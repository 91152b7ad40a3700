package pebblestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
)

// TestLostEnds: Open reports a log or a manifest that has lost its end.
func TestLostEnds(t *testing.T) {
	whole := t.TempDir()
	s := open(t, pebblestore.Options{Dir: whole, Logger: quiet})
	for i := range 20 {
		if err := s.Put(
			t.Context(), []driver.Row{{Key: driver.Key{Partition: "p", Sort: fmt.Sprint(i)},
				Data: make([]byte, 1000)}},
		); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir() // a copy of the files that a process killed now would leave
	if err := os.CopyFS(killed, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	one := func(dir, pattern string) string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(dir, "db", pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%v %v", found, err)
		}
		return found[len(found)-1]
	}
	cut := func(path string, by int64) error {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, info.Size()-by)
	}
	truncate := func(pattern string) func(string) error {
		return func(dir string) error { return os.Truncate(one(dir, pattern), 0) }
	}
	remove := func(pattern string) func(string) error {
		return func(dir string) error { return os.Remove(one(dir, pattern)) }
	}
	for name, c := range map[string]struct {
		from string
		hurt func(dir string) error
		want string // of the error; "" for none
	}{
		"nothing":              {killed, func(string) error { return nil }, ""},
		"nothing after an end": {whole, func(string) error { return nil }, ""},
		"log emptied":          {killed, truncate("*.log"), "the newest log in"},
		"log gone":             {killed, remove("*.log"), "the newest log in"},
		"manifest cut": {whole, func(dir string) error {
			return cut(one(dir, "MANIFEST-*"), 5)
		}, "MANIFEST-"},
		"manifest emptied": {whole, truncate("MANIFEST-*"), "cut at byte 0 of"},
		"manifest gone":    {whole, remove("MANIFEST-*"), "MANIFEST-"},
		"marker gone":      {whole, remove("marker.manifest.*"), "names no manifest"},
		"database gone": {whole, func(dir string) error {
			return os.RemoveAll(filepath.Join(dir, "db"))
		}, "names no manifest"},
		"SYNCED gone": {killed, func(dir string) error {
			return os.Remove(filepath.Join(dir, "SYNCED"))
		}, ""},
		"SYNCED damaged": {killed, func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "SYNCED"), []byte("what?"), 0o600)
		}, ""},
		"SYNCED and the log": {killed, func(dir string) error {
			os.Remove(filepath.Join(dir, "SYNCED"))
			return os.Truncate(one(dir, "*.log"), 0)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(c.from)); err != nil {
				t.Fatal(err)
			}
			if err := c.hurt(dir); err != nil {
				t.Fatal(err)
			}
			for range 25 { // every Open must fail, not only the first
				s, err := pebblestore.Open(t.Context(),
					pebblestore.Options{Dir: dir, Logger: quiet})
				switch {
				case c.want == "" && err == nil:
					rows, _, err := s.Range(t.Context(), driver.Range{Partition: "p", Limit: 100})
					if lost := name == "SYNCED and the log"; err != nil ||
						len(rows) != 20 && !lost {
						t.Errorf("%d rows, %v", len(rows), err)
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				case c.want == "" || err == nil ||
					!strings.Contains(err.Error(), "has lost what was acknowledged") ||
					!strings.Contains(err.Error(), "restore") ||
					!strings.Contains(err.Error(), "SYNCED"):
					t.Fatalf("Open: %v", err)
				}
				if c.want == "" {
					return
				}
			}
			if err := os.Remove(filepath.Join(dir, "SYNCED")); err != nil {
				t.Fatal(err)
			}
			if name != "manifest gone" && name != "manifest emptied" {
				open(t, pebblestore.Options{Dir: dir, Logger: quiet}) // goes on with what is left
			}
		})
	}
}
