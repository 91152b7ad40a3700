package ceiling_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"millrace/tests/bench/ceiling"
)

func records(t testing.TB, path string) []string {
	t.Helper()
	var all []string
	if err := ceiling.ReadLog(path, func(r []byte) { all = append(all, string(r)) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAppend: every acknowledged record is in the log once, the records of each writer are in
// order, and there are fewer groups than records.
func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := ceiling.CreateLog(path, 1<<16)
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 16, 50
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				record := fmt.Sprintf("%d %d %s", w, n, strings.Repeat("x", n))
				if err := l.Append([]byte(record)); err != nil {
					t.Error(err)
					return
				}
				if n == 0 {
					found := false
					for _, r := range records(t, path) {
						found = found || r == record
					}
					if !found {
						t.Errorf("%q was answered and does not stand in the file", record)
					}
				}
			}
		})
	}
	all.Wait()
	groups, err := l.Close()
	if err != nil || groups < each || groups > writers*each {
		t.Errorf("%d groups, %v", groups, err)
	}
	if err := l.Append([]byte("late")); !errors.Is(err, ceiling.ErrClosed) {
		t.Errorf("a closed log answered %v", err)
	}
	if _, err := l.Close(); !errors.Is(err, ceiling.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	var next [writers]int
	for _, r := range records(t, path) {
		var w, n int
		var fillers string
		fmt.Sscan(r, &w, &n, &fillers)
		if n != next[w] || len(fillers) != n {
			t.Fatalf("record %q, expected number %d", r, next[w])
		}
		next[w]++
	}
	for w, n := range next {
		if n != each {
			t.Errorf("writer %d has %d records", w, n)
		}
	}
}

func TestReadDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := ceiling.CreateLog(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{"first", "second", "third"} {
		if err := l.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Append(nil); err == nil {
		t.Error("an empty record was taken")
	}
	l.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	second := 8 + len("first")
	for name, test := range map[string]struct {
		text string
		want int
	}{
		"whole":            {string(whole), 3},
		"cut in a text":    {string(whole[:len(whole)-1]), 2},
		"cut in a head":    {string(whole[:second+3]), 1},
		"a wrong text":     {strings.Replace(string(whole), "second", "secund", 1), 1},
		"a huge length":    {string(whole[:second]) + "\xff\xff\xff\xff\x00\x00\x00\x00", 1},
		"zeros at the end": {string(whole) + strings.Repeat("\x00", 100), 3},
		"nothing":          {"", 0},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := records(t, path); len(got) != test.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if err := ceiling.ReadLog(filepath.Join(t.TempDir(), "absent"), nil); err == nil {
		t.Error("an absent log was read")
	}
}
