package driver_test

import (
	"testing"

	"millrace/shared/store/driver"
)

// FuzzCursor: a cursor that ParseCursor accepts survives another round of Cursor and ParseCursor.
func FuzzCursor(f *testing.F) {
	whole := driver.DueRow{Key: driver.Key{Partition: "x#1#a", Sort: "a"}, Wake: 1234}.Cursor(3)
	for _, s := range []string{whole, whole[:12], "", "AAAAAAAAAAA", "!",
		"AAAAAAAABNID____________AQ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		row, ok := driver.ParseCursor(s, 3)
		if !ok {
			return
		}
		if again, ok := driver.ParseCursor(row.Cursor(3), 3); !ok || again != row {
			t.Errorf("%q: %v, and then %v", s, row, again)
		}
	})
}

func TestCursor(t *testing.T) {
	row := driver.DueRow{Key: driver.Key{Partition: "x#1#a", Sort: "日本"}, Wake: 1234}
	if got, ok := driver.ParseCursor(row.Cursor(300), 300); !ok || got != row {
		t.Errorf("%v, %v", got, ok)
	}
	if got, ok := driver.ParseCursor(row.Cursor(300), 299); ok {
		t.Errorf("of another shard: %v", got)
	}
	for _, bad := range []driver.DueRow{{Key: row.Key},
		{Key: driver.Key{Partition: "\xff"}, Wake: 1}} {
		if got, ok := driver.ParseCursor(bad.Cursor(3), 3); ok {
			t.Errorf("%v", got)
		}
	}
}
