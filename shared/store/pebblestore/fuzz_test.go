package pebblestore_test

import (
	"bytes"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
)

func FuzzDecodeRow(f *testing.F) {
	key := driver.Key{Partition: "p", Sort: "a"}
	full := pebblestore.EncodeRow(driver.Row{Key: key, Version: 1 << 40, Fence: "run",
		Wake: 1_700_000_000_000, Expires: 9,
		List: &driver.ListEntry{Group: "g", Sort: "s", Fields: []byte("f")}, Data: []byte("data")})
	f.Add(full)
	for n := range full {
		f.Add(full[:n])
	}
	f.Add(pebblestore.EncodeRow(driver.Row{Key: key}))
	f.Add([]byte{1, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{2, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := pebblestore.DecodeRow(key, bytes.Clone(b))
		if err != nil {
			return
		}
		again, err := pebblestore.DecodeRow(key, pebblestore.EncodeRow(row))
		if err != nil || again.Version != row.Version || again.Fence != row.Fence ||
			again.Wake != row.Wake ||
			again.Expires != row.Expires || !bytes.Equal(again.Data, row.Data) ||
			(again.List == nil) != (row.List == nil) {
			t.Fatalf("%+v is read back as %+v, %v", row, again, err)
		}
		if l := row.List; l != nil && (again.List.Group != l.Group || again.List.Sort != l.Sort ||
			!bytes.Equal(again.List.Fields, l.Fields)) {
			t.Fatalf("%+v is read back as %+v", l, again.List)
		}
	})
}

func FuzzDecodeListEntry(f *testing.F) {
	k, v := pebblestore.EncodeListEntry("g\x00#", "s\x00\x01",
		driver.Key{Partition: "p\x00", Sort: "a"}, []byte("f"))
	f.Add(k, v)
	for n := range k[1:] {
		f.Add(k[:n+1], v)
	}
	f.Add(k, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, k, v []byte) {
		if len(k) == 0 {
			return
		}
		pebblestore.DecodeListEntry(k, v)
	})
}

func FuzzListEntry(f *testing.F) {
	f.Add("g", "s", "p", "a", []byte("f"))
	f.Add("", "", "p", "", []byte(nil))
	f.Add("g\x00", "\x00\x01", "p\x00\xff", "\x00", []byte{0})
	f.Fuzz(func(t *testing.T, group, sort, partition, rowSort string, fields []byte) {
		key := driver.Key{Partition: partition, Sort: rowSort}
		gotSort, gotPartition, gotRowSort, gotFields, err := pebblestore.DecodeListEntry(
			pebblestore.EncodeListEntry(group, sort, key, fields))
		if err != nil || gotSort != sort || gotPartition != partition || gotRowSort != rowSort ||
			!bytes.Equal(gotFields, fields) {
			t.Fatalf("got %q %q %q %q, %v", gotSort, gotPartition, gotRowSort, gotFields, err)
		}
	})
}

func FuzzDueCursor(f *testing.F) {
	s := open(f, pebblestore.Options{Dir: f.TempDir()})
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
	f.Add("_____________________________________w")
	f.Fuzz(func(t *testing.T, cursor string) {
		if due, _, err := s.Due(t.Context(), 0, 10, cursor, 5); err == nil && len(due) > 2 {
			t.Fatalf("%d rows", len(due))
		}
	})
}
