package otsstore_test

import (
	"bytes"
	"reflect"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/otsstore"
	"millrace/tests/emulators/tablestore"
)

// FuzzRow: a row is refused, or it is read as it was written, through the SDK's codec and the emulator's.
func FuzzRow(f *testing.F) {
	f.Add("x#1#a", "a", "run", []byte("data"), "g", "s", []byte("fields"), int64(1), int64(5), int64(7))
	f.Add("p", "v#1", "", bytes.Repeat([]byte("packs well "), 500), "", "", []byte{}, int64(0), int64(9), int64(9))
	f.Add("\xff", "\x00", "\xff", []byte{}, "\xff", "", []byte{0}, int64(-1), int64(-1), int64(1<<62))
	s := otsstore.New(otsstore.Options{Client: newClient(tablestore.New(tablestore.Options{}), nil), Table: table})
	if err := s.CreateTables(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, partition, sort, fence string, data []byte, group, listSort string, fields []byte, version, wake, expires int64) {
		row := store.Row{Key: store.Key{Partition: partition, Sort: sort}, Version: version, Fence: fence, Data: bytes.Clone(data), Wake: wake, Expires: expires}
		if group != "" {
			row.List = &store.ListEntry{Group: group, Sort: listSort, Fields: bytes.Clone(fields)}
		}
		if s.Commit(t.Context(), nil, row, store.Condition{Absent: true, Now: 1}) != nil {
			return
		}
		got, err := s.Get(t.Context(), row.Key)
		if err != nil {
			t.Fatalf("%+v cannot be read: %v", row, err)
		}
		rows, _, err := s.Range(t.Context(), store.Range{Partition: partition, From: sort})
		if err != nil || len(rows) == 0 || !reflect.DeepEqual(rows[0], got) {
			t.Fatalf("Get says %+v, Range %+v, %v", got, rows, err)
		}
		if err := s.Delete(t.Context(), row.Key, nil); err != nil {
			t.Fatal(err)
		}
		if got.List != nil && row.List != nil {
			got.List.Fields, row.List.Fields = append([]byte{}, got.List.Fields...), append([]byte{}, row.List.Fields...)
		}
		if !bytes.Equal(got.Data, row.Data) {
			t.Fatalf("%q is read as %q", row.Data, got.Data)
		}
		if got.Data, row.Data = nil, nil; !reflect.DeepEqual(got, row) {
			t.Fatalf("%+v is read as %+v", row, got)
		}
	})
}
