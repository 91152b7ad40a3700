package store_test

import (
	"testing"

	"millrace/shared/store"
)

// FuzzCursor: a cursor that ParseCursor accepts survives another round of Cursor and ParseCursor.
func FuzzCursor(f *testing.F) {
	whole := store.DueRow{Key: store.Key{Partition: "x#1#a", Sort: "a"}, Wake: 1234}.Cursor()
	for _, s := range []string{whole, whole[:12], "", "AAAAAAAAAAA", "!",
		"AAAAAAAABNL_____________AQ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		row, ok := store.ParseCursor(s)
		if !ok {
			return
		}
		if again, ok := store.ParseCursor(row.Cursor()); !ok || again != row {
			t.Errorf("%q: %v, and then %v", s, row, again)
		}
	})
}

func TestCursor(t *testing.T) {
	row := store.DueRow{Key: store.Key{Partition: "x#1#a", Sort: "日本"}, Wake: 1234}
	if got, ok := store.ParseCursor(row.Cursor()); !ok || got != row {
		t.Errorf("%v, %v", got, ok)
	}
	for _, bad := range []store.DueRow{{Key: row.Key},
		{Key: store.Key{Partition: "\xff"}, Wake: 1}} {
		if got, ok := store.ParseCursor(bad.Cursor()); ok {
			t.Errorf("%v", got)
		}
	}
}
