package pebblestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/pebblestore"
)

// TestLostEnds: what the newest log or the manifest has lost is not lost in silence.
func TestLostEnds(t *testing.T) {
	whole := t.TempDir()
	s := open(t, pebblestore.Options{Dir: whole, Logger: quiet})
	for i := range 20 {
		if err := s.Put(t.Context(), []store.Row{{Key: store.Key{Partition: "p", Sort: fmt.Sprint(i)}, Data: make([]byte, 1000)}}); err != nil {
			t.Fatal(err)
		}
	}
	killed := t.TempDir() // a copy of what a process would leave that is killed now
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
		about, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.Truncate(path, about.Size()-by)
	}
	for name, c := range map[string]struct {
		from string
		hurt func(dir string) error
		want string // of the refusal; "" for none
	}{
		"nothing":              {killed, func(string) error { return nil }, ""},
		"nothing after an end": {whole, func(string) error { return nil }, ""},
		"log emptied":          {killed, func(dir string) error { return os.Truncate(one(dir, "*.log"), 0) }, "the newest log in"},
		"log gone":             {killed, func(dir string) error { return os.Remove(one(dir, "*.log")) }, "the newest log in"},
		"manifest cut":         {whole, func(dir string) error { return cut(one(dir, "MANIFEST-*"), 5) }, "MANIFEST-"},
		"manifest emptied":     {whole, func(dir string) error { return os.Truncate(one(dir, "MANIFEST-*"), 0) }, "cut at byte 0 of"},
		"manifest gone":        {whole, func(dir string) error { return os.Remove(one(dir, "MANIFEST-*")) }, "MANIFEST-"},
		"marker gone":          {whole, func(dir string) error { return os.Remove(one(dir, "marker.manifest.*")) }, "names no manifest"},
		"database gone":        {whole, func(dir string) error { return os.RemoveAll(filepath.Join(dir, "db")) }, "names no manifest"},
		"SYNCED gone":          {killed, func(dir string) error { return os.Remove(filepath.Join(dir, "SYNCED")) }, ""},
		"SYNCED damaged":       {killed, func(dir string) error { return os.WriteFile(filepath.Join(dir, "SYNCED"), []byte("what?"), 0o600) }, ""},
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
			for range 25 { // again and again: the refusal must not wear off
				s, err := pebblestore.Open(t.Context(), pebblestore.Options{Dir: dir, Logger: quiet})
				switch {
				case c.want == "" && err == nil:
					rows, _, err := s.Range(t.Context(), store.Range{Partition: "p", Limit: 100})
					if lost := name == "SYNCED and the log"; err != nil || len(rows) != 20 && !lost {
						t.Errorf("%d rows, %v", len(rows), err)
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				case c.want == "" || err == nil || !strings.Contains(err.Error(), "has lost what was acknowledged") ||
					!strings.Contains(err.Error(), "restore") || !strings.Contains(err.Error(), "SYNCED"):
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
				open(t, pebblestore.Options{Dir: dir, Logger: quiet}) // on with what is left
			}
		})
	}
}
